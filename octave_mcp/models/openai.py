"""OpenAI's models, called through the Responses API with enforced schemas. OpenAI is asked not to store responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octave_mcp.errors import Transient
from octave_mcp.models.clients import BEARER, Client, of_openai, openai_sdk
from octave_mcp.models.error_info import ErrorInfo
from octave_mcp.models.failures import Key
from octave_mcp.models.own_servers import is_own_server
from octave_mcp.models.parameters import (
    FORMS,
    REASONING,
    SYSTEM,
    Parameter,
    Refusals,
    Remedy,
    Request,
    dropping,
    effort,
    keywords,
    limit,
    schema_prompt,
    with_first_part,
    without,
)
from octave_mcp.models.remote import Remote
from octave_mcp.models.setup import address_of, key_of, models_of
from octave_mcp.models.wire import Reply, Sent, Tokens, count, field, has_thought, posted, tokens
from octave_mcp.ports import Model, RunContext
from octave_mcp.settings import Settings

DEFAULTS = {"fast": "gpt-6-luna", "strong": "gpt-6.1-terra"}
KEY = "OPENAI_API_KEY"
DEFAULT_ADDRESS = "https://api.openai.com/v1"
# None is included because some servers send a response without a status. "incomplete" means that the token limit or the
# content filter cut the answer off.
_USABLE_STATUSES = {None, "completed", "incomplete"}
_REFUSAL_REASONS = {"content_filter"}


def make(settings: Settings, context: RunContext | None = None) -> Model:
    """Return the model.

    Raises:
        SetupError: If the key is missing, or if the key or the address cannot be used.
    """
    client = of_openai(address_of("OPENAI_BASE_URL", DEFAULT_ADDRESS), Key(KEY, key_of(KEY)))
    return Remote(
        "openai",
        models_of(settings, "openai", DEFAULTS),
        lambda: Responses(client),
        client=client,
        other_address="" if client.address == DEFAULT_ADDRESS else client.address,
        is_own=is_own_server(client.address),
        max_calls=settings.max_asks,
        call_seconds=settings.call_timeout_seconds,
        specialists=settings.specialists_per_ask,
        context=context,
    )


class Responses:
    def __init__(self, client: Client) -> None:
        import openai  # noqa: PLC0415 - importing takes over a second and 50 MB

        self.errors: tuple[type[Exception], ...] = (openai.OpenAIError,)
        self.refusals = Refusals(client.address, PARAMETERS)
        self._client = openai_sdk(client)

    def request(self, sent: Sent) -> Request:
        schema = {"type": "json_schema", "name": sent.schema_name, "strict": True, "schema": sent.schema}
        return {
            "model": sent.model,
            "instructions": sent.text.system,
            "input": [{"role": "user", "content": [_text(part) for part in sent.text[1:3] if part]}],
            "text": {"format": schema},
            "reasoning": {"effort": "low"},
            "max_output_tokens": sent.output_tokens,
            "store": False,
        }

    async def call(self, request: Request) -> Any:  # noqa: ANN401 - JSON
        return await posted(self._client, "/responses", request, BEARER)

    def read(self, answer: Any) -> Reply:  # noqa: ANN401 - JSON
        status, usage = answer.get("status"), answer.get("usage")
        if status not in _USABLE_STATUSES:
            raise Transient(f"openai answered 200 and failed: {status}")
        output = answer["output"]
        parts = [part for item in output for part in item.get("content") or ()]
        refusal = "".join(part["refusal"] for part in parts if part.get("type") == "refusal")
        thoughts = any(item.get("type") == "reasoning" for item in output)
        reason = field(answer.get("incomplete_details"), "reason") or ""
        return Reply(
            text="".join(part["text"] for part in parts if part.get("type") == "output_text"),
            tokens=_tokens(usage),
            cut_off=status == "incomplete",
            refusal=refusal or (reason if reason in _REFUSAL_REASONS else ""),
            has_thoughts=thoughts or has_thought(usage, "output_tokens_details", "reasoning_tokens"),
        )

    async def close(self) -> None:
        await self._client.close()


def _form(request: Request, _: ErrorInfo) -> Remedy | None:
    """Put the schema in the prompt if the API does not enforce it."""
    return Remedy("text.format", "the schema in the prompt", _without_form) if "text" in request else None


def _without_form(request: Request) -> Request:
    if "text" not in request:
        return request
    return _with_text_first(schema_prompt(request["text"]["format"]["schema"]), without(request, ("text",)))


def _system(request: Request, _: ErrorInfo) -> Remedy | None:
    return Remedy("instructions", "the user's message", _without_system) if "instructions" in request else None


def _without_system(request: Request) -> Request:
    if "instructions" not in request:
        return request
    return _with_text_first(request["instructions"], without(request, ("instructions",)))


def _with_text_first(text: str, request: Request) -> Request:
    return with_first_part(_text(text), request, "input")


_SCHEMA = ("text", "format", "schema")
PARAMETERS = (
    *keywords(*_SCHEMA),
    Parameter(("strict",), "", dropping("text", "format", "strict")),
    Parameter(
        ("reasoning.effort", "reasoning_effort", "reasoning", "effort"), REASONING, effort("reasoning", "effort")
    ),
    Parameter(("max_output_tokens", "max_tokens", "max_completion_tokens"), "", limit("max_output_tokens")),
    Parameter(("store",), "", dropping("store")),
    Parameter(("instructions", "system"), SYSTEM, _system),
    Parameter(("text.format", "text", "format", "response_format"), FORMS, _form),
)


def _text(part: str) -> Mapping[str, str]:
    return {"type": "input_text", "text": part}


def _tokens(usage: object) -> Tokens | None:
    details = field(usage, "input_tokens_details")
    cached, written = count(details, "cached_tokens"), count(details, "cache_write_tokens")
    return tokens(count(usage, "input_tokens"), count(usage, "output_tokens"), cached, written)
