"""Providers sometimes send errors with status 200.

Each error is handled according to the status or code in the body.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matrix
import pytest
from conftest import Pair, octave
from doubles import A_KEY, Double, Fault, Request, Sent, enveloped
from scripted import ScriptedSource, Stage, invented_sites

from octave_mcp.errors import BadKey, BadRequest, NoQuota, RateLimited, Transient, UnknownModel, UpstreamError
from octave_mcp.models.remote import MAX_UNEXPLAINED_TRIES

PROVIDERS = ("openai", "anthropic", "compat")
WORDS = "these are the words of the provider"


def sent(body: object) -> Fault:
    return lambda _request, _text: Sent(body=body)


def failed_response(code: str) -> Fault:
    """Return a fault that sends a failure in the format of OpenAI's Responses API."""
    error = {"code": code, "message": WORDS}
    return lambda request, _text: Sent(
        body={**enveloped(request, ""), "status": "failed", "error": error, "output": []}
    )


def in_choice(error: object, **more: object) -> Fault:
    """Return a fault that sends an error in the middle of an answer, as OpenRouter does if its provider fails."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "{"}, "finish_reason": "error"}
    return lambda request, text: Sent(
        body={**enveloped(request, text), "choices": [{**choice, "error": error, **more}]}
    )


def nested(code: int, raw: object) -> dict[str, Any]:
    text = raw if isinstance(raw, str) else json.dumps(raw)
    return {"error": {"message": "Provider returned error", "code": code, "metadata": {"raw": text}}}


async def failure(provider: str, home: Path) -> UpstreamError:
    model: Any = Stage(home).model(provider)
    with pytest.raises(UpstreamError) as failed:
        await model.verify()
    await model.close()
    return failed.value


KNOWN: list[tuple[str, Fault, type[UpstreamError]]] = [
    ("compat", sent({"error": {"message": WORDS, "code": 402}}), NoQuota),
    ("compat", sent({"error": {"message": WORDS, "code": "402"}}), NoQuota),
    ("compat", sent({"error": WORDS, "code": 402}), NoQuota),
    ("compat", sent({"error": {"message": f"{WORDS}: Insufficient credits"}}), NoQuota),
    ("compat", sent([{"error": {"code": 429, "message": WORDS, "status": "RESOURCE_EXHAUSTED"}}]), RateLimited),
    ("compat", sent({"error": {"message": WORDS, "code": "rate_limit_exceeded"}}), RateLimited),
    ("compat", sent({"message": WORDS, "status": 429}), RateLimited),
    ("compat", sent({"error": f"429 Too Many Requests, {WORDS}"}), RateLimited),
    ("compat", sent({"detail": WORDS, "status_code": "401"}), BadKey),
    ("compat", sent({"success": False, "errors": [{"code": 403, "message": WORDS}]}), BadKey),
    ("compat", sent({"error": {"message": f"Invalid API key, {WORDS}"}}), BadKey),
    ("compat", sent({"object": "error", "message": WORDS, "type": "NotFoundError", "code": 404}), UnknownModel),
    ("compat", sent({"error": {"message": WORDS, "type": "invalid_request_error"}}), BadRequest),
    ("compat", in_choice({"code": 402, "message": WORDS}), NoQuota),
    ("compat", in_choice({"code": "rate_limited", "message": WORDS}, native_finish_reason="error"), RateLimited),
    ("compat", in_choice({"code": 502, "message": WORDS}), Transient),
    ("compat", sent(nested(429, WORDS)), RateLimited),
    ("compat", sent(json.dumps({"error": {"message": WORDS, "code": 402}})), NoQuota),  # as text/html
    ("compat", sent(nested(401, {"error": {"message": WORDS, "type": "authentication_error"}})), BadKey),
    ("compat", sent({"error_code": 429, "error_msg": WORDS}), RateLimited),
    ("compat", sent({"success": False, "message": f"{WORDS}: your account balance is insufficient"}), NoQuota),
    ("compat", sent({"error": {"code": "402 Payment Required", "message": WORDS}}), NoQuota),
    ("compat", sent({"Error": {"Message": WORDS, "Code": 402.0}}), NoQuota),
    ("compat", sent({"error": {"message": {"detail": [{"msg": WORDS}]}, "code": 402}}), NoQuota),
    ("compat", sent(f'event: error\ndata: {{"error": {{"message": "{WORDS}", "code": 402}}}}\n\n'), NoQuota),
    ("compat", sent(f"<html><style>a {{ b: c }}</style><h1>401 Unauthorized</h1>{WORDS}</html>"), BadKey),
    ("anthropic", sent({"Message": WORDS, "__type": "AccessDeniedException"}), BadKey),
    (
        "openai",
        sent({"response": {"error": {"code": "server_error", "message": WORDS}}}),
        Transient,
    ),
    ("openai", failed_response("insufficient_quota"), NoQuota),
    ("openai", failed_response("rate_limit_exceeded"), RateLimited),
    ("openai", failed_response("invalid_prompt"), BadRequest),
    ("openai", failed_response("server_error"), Transient),
    ("openai", sent({"error": {"message": WORDS, "code": "invalid_api_key"}}), BadKey),
    ("openai", sent({"error": {"message": WORDS, "code": "model_not_found"}}), UnknownModel),
    ("anthropic", sent({"type": "error", "error": {"type": "overloaded_error", "message": WORDS}}), Transient),
    ("anthropic", sent({"type": "error", "error": {"type": "rate_limit_error", "message": WORDS}}), RateLimited),
    ("anthropic", sent({"type": "error", "error": {"type": "billing_error", "message": WORDS}}), NoQuota),
    ("anthropic", sent({"type": "error", "error": {"type": "permission_error", "message": WORDS}}), BadKey),
    ("anthropic", sent({"type": "error", "error": {"type": "not_found_error", "message": WORDS}}), UnknownModel),
    ("anthropic", sent({"error": {"message": WORDS, "code": 402}}), NoQuota),
]
SHORT = (0, 4, 9, 13, 16, 22, 28, 34)


@pytest.mark.parametrize(
    ("provider", "fault", "kind"),
    matrix.sampled(KNOWN, short=lambda case: any(case is KNOWN[at] for at in SHORT)),
)
async def test_an_error_with_status_200_is_handled_like_its_status_or_code_and_its_message_is_shown(
    provider: str, fault: Fault, kind: type[UpstreamError], double: Double, tmp_path: Path
) -> None:
    double.fails(fault, times=None)
    failed = await failure(provider, tmp_path)

    assert type(failed) is kind
    assert f"{provider} answered 200 with error" in str(failed)
    assert WORDS in str(failed)
    assert len(double.asked) == 1


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        ({"message": "Rate limit reached. Please try again in 1m2.5s.", "code": 429}, 62.5),
        ({"message": WORDS, "code": 429, "metadata": {"headers": {"Retry-After": "7"}}}, 7.0),
        ({"message": WORDS, "code": 429}, None),
    ],
)
async def test_a_rate_limit_with_status_200_says_how_long_to_wait(
    error: object, wait: float | None, double: Double, tmp_path: Path
) -> None:
    double.fails(sent({"error": error}))
    failed = await failure("compat", tmp_path)

    assert isinstance(failed, RateLimited)
    assert failed.retry_after_seconds == wait


async def test_keys_in_the_message_of_an_error_with_status_200_are_not_shown(double: Double, tmp_path: Path) -> None:
    double.fails(sent(nested(401, {"error": {"message": f"no such key: {A_KEY}, sk-abcdefgh12"}})))
    message = str(await failure("compat", tmp_path))

    assert "no such key" in message
    assert A_KEY not in message
    assert "sk-abcdefgh12" not in message


@pytest.fixture
def stage(tmp_path: Path, double: Double) -> Stage:  # noqa: ARG001 - it answers the requests
    return Stage(tmp_path, source=ScriptedSource(invented_sites()))


@pytest.mark.parametrize("provider", matrix.sampled(PROVIDERS, short=lambda name: name == "compat"))
async def test_an_account_without_credit_fails_the_run_at_once_despite_status_200(
    provider: str, stage: Stage, double: Double
) -> None:
    double.fails(sent({"error": {"message": "Insufficient credits", "code": 402}}), times=None)

    record, playbook = await stage.run(model=provider)

    assert playbook is None
    assert record.error
    assert record.error.code == "no_quota"
    assert "Insufficient credits" in record.error.message
    assert len(double.asked) <= 2


async def test_the_command_shows_the_message_of_an_error_with_status_200(
    double: Double, pair: Pair, tmp_path: Path
) -> None:
    double.fails(sent({"error": {"message": f"{WORDS} to {A_KEY}", "code": 402}}), times=None)

    ended = await octave("generate", *pair.domains.values(), "--model", "compat", cwd=tmp_path)

    assert ended.code == 1
    assert WORDS in ended.err
    assert A_KEY not in ended.err
    assert len(double.asked) <= 2


UNEXPLAINED: list[tuple[str, Fault]] = [
    ("compat", sent({"error": {"message": WORDS}})),
    ("compat", sent({"error": WORDS})),
    ("compat", in_choice(None, native_finish_reason=WORDS)),
    ("compat", in_choice(None, finish_reason="abort", native_finish_reason=WORDS)),
    ("compat", sent(f"<html><body>{WORDS}</body></html>")),
    ("openai", sent({"error": {"message": WORDS, "code": 5}})),
    ("anthropic", sent({"type": "error", "error": {"type": "strange_error", "message": WORDS}})),
]


@pytest.mark.parametrize(("provider", "fault"), matrix.sampled(UNEXPLAINED, short=lambda case: case is UNEXPLAINED[2]))
async def test_an_error_without_a_reason_is_retried_but_not_ten_times_by_every_ask(
    provider: str, fault: Fault, stage: Stage, double: Double
) -> None:
    double.fails(fault, times=None)

    record, _ = await stage.run(model=provider)

    assert record.error
    assert record.error.code == "upstream_unavailable"
    assert WORDS in record.error.message
    assert len(double.asked) <= 25


async def test_a_temporary_error_without_a_reason_costs_the_run_nothing(stage: Stage, double: Double) -> None:
    # All failures can affect the same ask. At least one try is left, so this ask still succeeds.
    double.fails(in_choice(None), times=MAX_UNEXPLAINED_TRIES - 1)

    record, playbook = await stage.run(model="compat")

    assert playbook, record.error
    assert record.status == "completed"


HARMLESS: tuple[object, ...] = (None, {}, "", False, [], {"code": 0, "message": ""}, {"code": None, "message": None})


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_answer_with_an_empty_error_field_is_accepted(provider: str, double: Double, tmp_path: Path) -> None:
    for empty in HARMLESS:

        def with_empty_error(request: Request, text: str, empty: object = empty) -> Sent:
            return Sent(body={**enveloped(request, text), "error": empty})

        double.fails(with_empty_error)
        model: Any = Stage(tmp_path).model(provider)
        await model.verify()
        await model.close()

    assert len(double.asked) == len(HARMLESS)
