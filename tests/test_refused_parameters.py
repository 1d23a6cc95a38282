"""Parameters that a model refuses: the request is sent again, without these parameters or with other values."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import matrix
import pytest
from conftest import Pair, log_lines, octave
from doubles import Double, Fault, Request, Sent, enveloped
from loguru import logger
from scripted import Asked, ScriptedSource, Stage, Written, invented_sites

from octave_mcp.errors import BadRequest, Transient, UnknownModel, UpstreamError
from octave_mcp.models import parameters

PROVIDERS = ("openai", "anthropic", "compat")
Body = dict[str, Any]
Has = Callable[[Body], object]


def refusing(has: Has, error: object, status: int = 400) -> Fault:
    """Return a fault that refuses requests with a certain parameter and answers all other requests."""
    return lambda request, text: Sent(status, error) if has(request.body) else Sent(body=enveloped(request, text))


def by_name(message: str, param: str | None = None, code: str | None = None) -> Body:
    """Return an error in the format of OpenAI and of compatible servers."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def by_words(message: str) -> Body:
    """Return an error in the format of Anthropic."""
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


def by_place(*place: str, message: str = "Extra inputs are not permitted") -> Body:
    """Return an error in the format of servers built with FastAPI."""
    return {"detail": [{"type": "extra_forbidden", "loc": ["body", *place], "msg": message}]}


def passed_on(error: Body) -> Body:
    """Return a provider's error in the format in which OpenRouter forwards it."""
    return {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": json.dumps(error)}}}


def at(*path: str) -> Has:
    def has(body: Body) -> object:
        value: Any = body
        for step in path:
            value = value.get(step) if hasattr(value, "get") else None
        return value

    return has


def schema_has(keyword: str) -> Has:
    return lambda body: f'"{keyword}":' in json.dumps(body.get("response_format") or body.get("output_config") or {})


def has_system(body: Body) -> bool:
    return body["messages"][0]["role"] == "system"


def has_cache(body: Body) -> bool:
    return "cache_control" in json.dumps(body["messages"])


def format_is(kind: str) -> Has:
    return lambda body: body.get("response_format", {}).get("type") == kind


def above(limit: int, name: str) -> Has:
    return lambda body: body.get(name, 0) > limit


MAX_TOKENS = by_name(
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "max_tokens",
    "unsupported_parameter",
)
EFFORT = by_name(
    "Unsupported value: 'reasoning.effort' does not support 'low' with this model. Supported values are: 'medium'.",
    "reasoning.effort",
    "unsupported_value",
)
NO_EFFORT = by_words("This model does not support the effort parameter.")
# Each case consists of a provider, the error that it sends, the parameter named in the log, and a check of the next
# request.
Refused = tuple[str, Fault, str, Has]


def low(body: Body) -> bool:
    return body.get("reasoning", {}).get("effort") == "low"


REFUSED: dict[str, Refused] = {
    "effort of a value": ("openai", refusing(low, EFFORT), "reasoning.effort", lambda body: not low(body)),
    "effort": (
        "openai",
        refusing(
            at("reasoning"), by_name("Unsupported parameter: 'reasoning.effort' is not supported with this model.")
        ),
        "reasoning",
        lambda body: "reasoning" not in body,
    ),
    "reasoning": (
        "openai",
        refusing(at("reasoning"), by_name("Unknown parameter: 'reasoning'.", "reasoning", "unknown_parameter")),
        "reasoning",
        lambda body: "reasoning" not in body,
    ),
    "store": ("openai", refusing(lambda body: "store" in body, by_place("store"), 422), "store", at("reasoning")),
    "strict": (
        "openai",
        refusing(at("text", "format", "strict"), by_name("text.format.strict: unknown field", "text.format.strict")),
        "text.format.strict",
        at("text", "format", "schema"),
    ),
    "schemas of OpenAI": (
        "openai",
        refusing(
            at("text"),
            by_name("Invalid parameter: 'text.format' of type 'json_schema' is not supported with this model.", "text"),
        ),
        "text.format",
        at("reasoning"),
    ),
    "limit of OpenAI": (
        "openai",
        refusing(at("max_output_tokens"), by_name("Unsupported parameter: max_output_tokens", "max_output_tokens")),
        "max_output_tokens",
        lambda body: "max_output_tokens" not in body,
    ),
    "instructions": (
        "openai",
        refusing(at("instructions"), by_name("Developer instruction is not enabled for models/gemma-3-27b-it")),
        "instructions",
        lambda body: len(body["input"][0]["content"]) == 2,
    ),
    "effort of Anthropic": (
        "anthropic",
        refusing(at("output_config", "effort"), NO_EFFORT),
        "output_config.effort",
        at("output_config", "format"),
    ),
    "effort as an extra input": (
        "anthropic",
        refusing(at("output_config", "effort"), by_words("output_config.effort: Extra inputs are not permitted")),
        "output_config.effort",
        at("output_config", "format"),
    ),
    "schemas of Anthropic": (
        "anthropic",
        refusing(at("output_config", "format"), by_words("output_config.format: Extra inputs are not permitted")),
        "output_config.format",
        at("output_config", "effort"),
    ),
    "output_config": (
        "anthropic",
        refusing(at("output_config"), by_words("output_config: Extra inputs are not permitted")),
        "output_config",
        lambda body: "output_config" not in body,
    ),
    "cache_control": (
        "anthropic",
        refusing(has_cache, by_words("messages.0.content.0.cache_control: Extra inputs are not permitted")),
        "cache_control",
        at("output_config", "format"),
    ),
    "limit that is too high for Anthropic": (
        "anthropic",
        refusing(
            above(3000, "max_tokens"),
            by_words(
                "max_tokens: 4000 > 3000, which is the maximum allowed number of output tokens for claude-3-5-20241022"
            ),
        ),
        "max_tokens",
        lambda body: body["max_tokens"] == 3000,
    ),
    "max_tokens": (
        "compat",
        refusing(at("max_tokens"), MAX_TOKENS),
        "max_tokens",
        at("max_completion_tokens"),
    ),
    "max_tokens behind OpenRouter": (
        "compat",
        refusing(at("max_tokens"), passed_on(MAX_TOKENS)),
        "max_tokens",
        at("max_completion_tokens"),
    ),
    "max_tokens with status 200": (
        "compat",
        refusing(at("max_tokens"), {"error": {**cast("Body", MAX_TOKENS["error"]), "code": 400}}, 200),
        "max_tokens",
        at("max_completion_tokens"),
    ),
    "max_tokens too high": (
        "compat",
        refusing(
            above(2048, "max_tokens"), by_name("Invalid max_tokens value, the valid range of max_tokens is [1, 2048]")
        ),
        "max_tokens",
        lambda body: body["max_tokens"] == 2048,
    ),
    "max_tokens too high for the context": (
        "compat",
        refusing(
            at("max_tokens"),
            by_name(
                "'max_tokens' or 'max_completion_tokens' is too large: 4000. This model's maximum context length is "
                "4096 tokens and your request has 900 input tokens (4000 > 4096 - 900)."
            ),
        ),
        "max_tokens",
        lambda body: not body.keys() & {"max_tokens", "max_completion_tokens"},
    ),
    "schemas": (
        "compat",
        refusing(format_is("json_schema"), by_name("response_format.type must be 'json_object' or 'text'")),
        "response_format",
        format_is("json_object"),
    ),
    "schemas without a name for them": (
        "compat",
        refusing(format_is("json_schema"), by_name("This response_format type is unavailable now")),
        "response_format",
        format_is("json_object"),
    ),
    "schemas as words": (
        "compat",
        refusing(format_is("json_schema"), {"error": "json_schema is not supported"}),
        "response_format",
        format_is("json_object"),
    ),
    "any format": (
        "compat",
        refusing(at("response_format"), by_name("Unrecognized request argument supplied: response_format")),
        "response_format",
        lambda body: "response_format" not in body,
    ),
    "a grammar that fails": (
        "compat",
        refusing(format_is("json_schema"), {"error": {"code": 500, "message": "failed to parse grammar"}}, 500),
        "response_format",
        format_is("json_object"),
    ),
    "strict of a server": (
        "compat",
        refusing(
            at("response_format", "json_schema", "strict"), by_place("response_format", "json_schema", "strict"), 422
        ),
        "response_format.json_schema.strict",
        format_is("json_schema"),
    ),
    "strict of vLLM": (
        "compat",
        refusing(
            at("response_format", "json_schema", "strict"),
            {
                "object": "error",
                "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'response_format', 'json_schema', 'strict'), "
                "'msg': 'Extra inputs are not permitted', 'input': True}]",
                "type": "BadRequestError",
                "code": 400,
            },
        ),
        "response_format.json_schema.strict",
        format_is("json_schema"),
    ),
    "any format with status 200": (
        "compat",
        refusing(at("response_format"), {"error": "'response_format.type' must be 'json_schema' or 'text'"}, 200),
        "response_format",
        lambda body: "response_format" not in body,
    ),
    "a keyword of the schema": (
        "compat",
        refusing(
            schema_has("additionalProperties"),
            [
                by_name(
                    'Invalid JSON payload received. Unknown name "additionalProperties" at '
                    "'generation_config.response_schema': Cannot find field."
                )
            ],
        ),
        "additionalProperties",
        format_is("json_schema"),
    ),
    "JSON of any kind": (
        "compat",
        refusing(at("response_format"), by_name("This model does not support JSON mode", "response_format")),
        "response_format",
        lambda body: "response_format" not in body,
    ),
    "a form by its vocabulary": (
        "compat",
        refusing(
            format_is("json_schema"), by_name("failed to load model vocabulary required for format", None, None), 500
        ),
        "response_format",
        format_is("json_object"),
    ),
    "any format behind a router": (
        "compat",
        refusing(
            at("response_format"),
            {"error": {"message": "No endpoints found that can handle the requested parameters.", "code": 404}},
            404,
        ),
        "response_format",
        lambda body: "response_format" not in body,
    ),
    "max_tokens by its place in a message": (
        "compat",
        refusing(at("max_tokens"), {"object": "error", "message": by_place("max_tokens")}, 422),
        "max_tokens",
        lambda body: "max_tokens" not in body,
    ),
    "max_tokens without its name": (
        "compat",
        refusing(
            above(2000, "max_tokens"),
            {"message": "too many tokens: max tokens must be less than or equal to 2,000, received 4,000."},
        ),
        "max_tokens",
        lambda body: body["max_tokens"] == 2000,
    ),
    "the system role": (
        "compat",
        refusing(
            has_system,
            {"object": "error", "message": "System role not supported", "type": "BadRequestError", "code": 400},
        ),
        "the system role",
        lambda body: len(body["messages"]) == 1,
    ),
    "the system role by its place": (
        "compat",
        refusing(
            has_system,
            by_name("'messages[0].role' does not support 'system' with this model.", "messages[0].role"),
        ),
        "the system role",
        lambda body: len(body["messages"]) == 1,
    ),
}
SHORT = {"effort of a value", "schemas of Anthropic", "max_tokens", "any format", "a keyword of the schema"}


@pytest.fixture(autouse=True)
def nothing_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget refused parameters after each test. They are stored by URL, and a later test can use the same URL."""
    monkeypatch.setattr(parameters, "KNOWN", {})


@pytest.fixture
def logged() -> Iterator[list[Mapping[str, Any]]]:
    """Collect the fields of each log line."""
    lines = list[Mapping[str, Any]]()
    sink = logger.add(lambda message: lines.append(cast("Any", message).record["extra"]), level="INFO")
    yield lines
    logger.remove(sink)


def refusals(logged: list[Mapping[str, Any]]) -> list[str]:
    return [line["parameter"] for line in logged if "parameter" in line]


async def verified(provider: str, home: Path) -> None:
    model: Any = Stage(home).model(provider)
    try:
        await model.verify()
    finally:
        await model.close()


async def failure(provider: str, home: Path) -> UpstreamError:
    with pytest.raises(UpstreamError) as failed:
        await verified(provider, home)
    return failed.value


def reads_schema(request: Request) -> bool:
    return "additionalProperties" in json.dumps(request.body) or "The JSON schema" in json.dumps(request.body)


@pytest.mark.parametrize("name", matrix.sampled(REFUSED, short=lambda name: name in SHORT))
async def test_a_refused_parameter_is_omitted_or_replaced_from_then_on_and_logged_once(
    name: str, logged: list[Mapping[str, Any]], double: Double, tmp_path: Path
) -> None:
    provider, fault, parameter, has = REFUSED[name]
    double.fails(fault, times=None)

    await verified(provider, tmp_path)
    await verified(provider, tmp_path)

    assert len(double.asked) == 3
    assert [bool(has(request.body)) for request in double.asked[1:]] == [True, True]
    assert all(reads_schema(request) for request in double.asked)
    assert refusals(logged) == [parameter]


@pytest.fixture
def stage(tmp_path: Path, double: Double) -> Stage:  # noqa: ARG001 - it serves the requests
    return Stage(tmp_path, source=ScriptedSource(invented_sites()))


IN_A_RUN: dict[str, tuple[Fault, int]] = {
    "openai": (refusing(at("text"), by_name("'text.format' is not supported with this model", "text.format")), 2),
    "anthropic": (REFUSED["output_config"][1], 2),
    "compat": (REFUSED["any format"][1], 1),
}


@pytest.mark.parametrize("provider", matrix.sampled(PROVIDERS, short=lambda name: name == "compat"))
async def test_a_run_with_a_model_that_enforces_no_schema_completes_and_logs_each_model_once(
    provider: str, logged: list[Mapping[str, Any]], stage: Stage, double: Double
) -> None:
    fault, models = IN_A_RUN[provider]
    double.fails(fault, times=None)

    record, playbook = await stage.run(model=provider)

    assert playbook, record.error
    assert record.status == "completed", playbook.gaps
    assert len(refusals(logged)) == models
    retried = [event for event in stage.events if event.event == "call_failed"]
    assert len(retried) == len(double.asked) - playbook.cost.asks <= 2 * models
    assert all("this and all later requests " in event.message for event in retried)


async def test_the_command_writes_a_playbook_with_a_model_that_refuses_a_parameter_and_logs_it_once(
    double: Double, pair: Pair, home: Path, tmp_path: Path
) -> None:
    double.fails(REFUSED["max_tokens"][1], times=None)

    ended = await octave("generate", *pair.domains.values(), "--model", "compat", "--max-pages", "2", cwd=tmp_path)

    assert ended.code == 0, ended.err
    lines = [line for line in log_lines(home) if line.get("parameter")]
    assert [(line["parameter"], line["instead"]) for line in lines] == [("max_tokens", "max_completion_tokens")]
    assert [line["level"] for line in lines] == ["WARNING"]


async def test_two_parameters_that_are_refused_in_turn_are_both_omitted(
    logged: list[Mapping[str, Any]], double: Double, tmp_path: Path
) -> None:
    double.fails(refusing(at("response_format"), by_name("'response_format' is not supported")), times=None)
    double.fails(refusing(at("max_tokens"), MAX_TOKENS), lambda request: "max_tokens" in request.body, times=None)

    await verified("compat", tmp_path)

    assert len(double.asked) == 3
    assert refusals(logged) == ["max_tokens", "response_format"]


@pytest.fixture
def asks(plain: Written) -> list[Asked]:
    return plain.one_of_each


async def test_a_parameter_refused_in_concurrent_asks_is_logged_once(
    asks: list[Asked], logged: list[Mapping[str, Any]], double: Double, tmp_path: Path
) -> None:
    together, refused = 2, 0  # the initial limit for concurrent calls to a compatible server

    def refusal(request: Request, text: str) -> Sent:
        nonlocal refused
        if "max_tokens" not in request.body:
            return Sent(body=enveloped(request, text))
        refused += 1
        if refused == together:
            double.released.set()
        double.released.wait()
        return Sent(400, MAX_TOKENS)

    double.fails(refusal, times=None)
    model = Stage(tmp_path).model("compat")
    failed = await asyncio.gather(*(model.answer(ask) for ask in asks[:together]), return_exceptions=True)
    answered = await asyncio.gather(*(model.answer(ask) for ask in asks))
    await model.close()

    assert [isinstance(error, Transient) for error in failed] == [True] * together
    assert len(answered) == len(asks)
    assert refused == together
    assert refusals(logged) == ["max_tokens"]


async def test_a_refused_parameter_is_still_sent_to_the_model_at_another_address(
    double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    double.fails(REFUSED["max_tokens"][1], times=None)
    await verified("compat", tmp_path)
    monkeypatch.setenv("OCTAVE_COMPAT_BASE_URL", f"{double.url}/other/v1")
    await verified("compat", tmp_path)

    assert ["max_tokens" in request.body for request in double.asked] == [True, False, True, False]


OTHER_ERRORS: list[tuple[str, object, int, type[UpstreamError]]] = [
    ("compat", by_name("The request is invalid", None, "bad_request"), 400, BadRequest),
    ("openai", by_name("Invalid type: expected a string", "input[0].content[0].text"), 400, BadRequest),
    ("compat", by_name("Invalid value", "messages[1].content.format"), 400, BadRequest),
    ("compat", by_name("model 'json_schema-llama' not found"), 404, UnknownModel),
    ("compat", by_name("messages: text content blocks must be non-empty", "messages"), 400, BadRequest),
    ("compat", by_name("The store in this format must be open to support the system"), 400, BadRequest),
    (
        "compat",
        by_name(
            "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens (5000 in the "
            "messages, 4000 in the completion). Please reduce the length of the messages or completion.",
            "messages",
            "context_length_exceeded",
        ),
        400,
        BadRequest,
    ),
    ("compat", by_name("The model `gpt-7` does not exist", None, "model_not_found"), 404, UnknownModel),
    ("compat", by_name("Request body: {'max_tokens': 4000}", None), 503, Transient),
    ("openai", by_name("Invalid prompt", "input", "invalid_prompt"), 400, BadRequest),
    ("openai", by_name("Unsupported parameter: 'top_logprobs' is not supported", "top_logprobs"), 400, BadRequest),
    ("anthropic", by_words("messages.0.content.0.text: cache is not supported here"), 400, BadRequest),
    ("anthropic", by_words("prompt is too long: 208310 tokens > 200000 maximum"), 400, BadRequest),
    ("anthropic", by_words("max_tokens: must be an integer"), 400, BadRequest),
]


@pytest.mark.parametrize(
    ("provider", "error", "status", "kind"),
    matrix.sampled(OTHER_ERRORS, short=lambda case: any(case is OTHER_ERRORS[at] for at in (0, 2, 10))),
)
async def test_a_request_is_not_repeated_if_the_error_names_no_parameter_that_can_be_omitted(
    provider: str, error: object, status: int, kind: type[UpstreamError], double: Double, tmp_path: Path
) -> None:
    double.fails(lambda _request, _text: Sent(status, error), times=None)

    assert type(await failure(provider, tmp_path)) is kind
    assert len(double.asked) == 1


async def test_a_model_that_refuses_everything_is_not_asked_forever(double: Double, tmp_path: Path) -> None:
    everything = (
        "max_tokens, max_completion_tokens, response_format, 'strict', additionalProperties and the system role"
    )
    double.fails(lambda _request, _text: Sent(400, by_name(f"These are not supported: {everything}")), times=None)

    assert type(await failure("compat", tmp_path)) is BadRequest
    assert len(double.asked) <= 8
