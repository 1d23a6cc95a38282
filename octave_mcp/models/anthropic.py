"""Anthropic's models, called through the Messages API with enforced schemas and prompt caching."""

from __future__ import annotations

from typing import Any

from octave_mcp.models.clients import Client, anthropic_sdk, of_anthropic
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
    effort,
    keywords,
    limit,
    schema_prompt,
    value_at,
    with_first_part,
    without,
)
from octave_mcp.models.remote import Remote
from octave_mcp.models.setup import address_of, key_of, models_of
from octave_mcp.models.wire import Reply, Sent, Tokens, count, has_thought, posted, tokens
from octave_mcp.ports import Model, RunContext
from octave_mcp.settings import Settings

DEFAULTS = {"fast": "claude-haiku-5-5", "strong": "claude-sonnet-5-5"}
KEY = "ANTHROPIC_API_KEY"
DEFAULT_ADDRESS = "https://api.anthropic.com"
_THOUGHTS = {"thinking", "redacted_thinking"}
_CUT_OFF = {"max_tokens", "model_context_window_exceeded"}


def make(settings: Settings, context: RunContext | None = None) -> Model:
    """Return the model.

    Raises:
        SetupError: If the key is missing, or if the key or the address cannot be used.
    """
    client = of_anthropic(address_of("ANTHROPIC_BASE_URL", DEFAULT_ADDRESS), Key(KEY, key_of(KEY)))
    return Remote(
        "anthropic",
        models_of(settings, "anthropic", DEFAULTS),
        lambda: Messages(client),
        client=client,
        other_address="" if client.address == DEFAULT_ADDRESS else client.address,
        is_own=is_own_server(client.address),
        max_calls=settings.max_asks,
        call_seconds=settings.call_timeout_seconds,
        specialists=settings.specialists_per_ask,
        context=context,
    )


class Messages:
    def __init__(self, client: Client) -> None:
        import anthropic  # noqa: PLC0415 - importing takes nearly three seconds and 70 MB

        self.errors: tuple[type[Exception], ...] = (anthropic.AnthropicError,)
        self.refusals = Refusals(client.address, PARAMETERS)
        self._client = anthropic_sdk(client)

    def request(self, sent: Sent) -> Request:
        # An ask and its correction contain the same passages, so the correction can read the passages from the cache.
        prefix = {**_text(sent.text.prefix), "cache_control": {"type": "ephemeral"}}
        suffix = [_text(sent.text.suffix)] if sent.text.suffix else []
        return {
            "model": sent.model,
            "system": sent.text.system,
            "messages": [{"role": "user", "content": [prefix, *suffix]}],
            "output_config": {"format": {"type": "json_schema", "schema": sent.schema}, "effort": "low"},
            "max_tokens": sent.output_tokens,
        }

    async def call(self, request: Request) -> Any:  # noqa: ANN401 - JSON
        return await posted(self._client, "/v1/messages", request)

    def read(self, answer: Any) -> Reply:  # noqa: ANN401 - JSON
        if answer.get("type") != "message":
            raise TypeError(answer.get("type"))
        content, reason, usage = answer["content"], answer.get("stop_reason"), answer.get("usage")
        text = "".join(part["text"] for part in content if part.get("type") == "text")
        refused = reason == "refusal"
        return Reply(
            text=text,
            tokens=_tokens(usage),
            cut_off=reason in _CUT_OFF,
            refusal=(text or "the model gives no reason") if refused else "",
            has_thoughts=any(part.get("type") in _THOUGHTS for part in content)
            or has_thought(usage, "output_tokens_details", "thinking_tokens"),
        )

    async def close(self) -> None:
        await self._client.close()


def _form(request: Request, _: ErrorInfo) -> Remedy | None:
    """Put the schema in the prompt if the API does not enforce it."""
    if value_at(request, "output_config", "format") is None:
        return None
    return Remedy("output_config.format", "the schema in the prompt", _without_form)


def _without_form(request: Request) -> Request:
    if value_at(request, "output_config", "format") is None:
        return request
    return _with_text_first(
        schema_prompt(request["output_config"]["format"]["schema"]), without(request, ("output_config", "format"))
    )


def _config(request: Request, _: ErrorInfo) -> Remedy | None:
    if value_at(request, "output_config") is None:
        return None
    return Remedy("output_config", "the schema in the prompt", _without_config)


def _without_config(request: Request) -> Request:
    return without(_without_form(request), ("output_config",))


def _system(request: Request, _: ErrorInfo) -> Remedy | None:
    return Remedy("system", "the user's message", _without_system) if "system" in request else None


def _without_system(request: Request) -> Request:
    if "system" not in request:
        return request
    return _with_text_first(request["system"], without(request, ("system",)))


def _cache(request: Request, _: ErrorInfo) -> Remedy | None:
    is_cached = any("cache_control" in part for part in request["messages"][0]["content"])
    return Remedy("cache_control", "", _without_cache) if is_cached else None


def _without_cache(request: Request) -> Request:
    content = [without(part, ("cache_control",)) for part in request["messages"][0]["content"]]
    return {**request, "messages": [{"role": "user", "content": content}]}


def _with_text_first(text: str, request: Request) -> Request:
    return with_first_part(_text(text), request, "messages")


def _text(text: str) -> Request:
    return {"type": "text", "text": text}


_SCHEMA = ("output_config", "format", "schema")
PARAMETERS = (
    *keywords(*_SCHEMA),
    Parameter(("cache_control",), "prompt caching", _cache),
    Parameter(("output_config.effort", "effort", "reasoning_effort"), REASONING, effort("output_config", "effort")),
    Parameter(("output_config.format", "output_format", "format"), FORMS, _form),
    Parameter(("output_config",), "", _config),
    Parameter(("max_tokens",), "", limit("max_tokens", is_needed=True)),
    Parameter(("system",), SYSTEM, _system),
)


def _tokens(usage: object) -> Tokens | None:
    # Unlike OpenAI, Anthropic does not include the cached tokens in `input_tokens`.
    cached, written = count(usage, "cache_read_input_tokens") or 0, count(usage, "cache_creation_input_tokens") or 0
    read = (count(usage, "input_tokens") or 0) + cached + written
    return tokens(read, count(usage, "output_tokens"), cached, written)
