"""OpenAI by its Responses API: nothing is stored there, and the form of an answer is enforced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octave_mcp.errors import Transient
from octave_mcp.models.clients import Client, of_openai, openai_sdk
from octave_mcp.models.failures import Key
from octave_mcp.models.own_servers import is_own_server
from octave_mcp.models.remote import Remote
from octave_mcp.models.setup import address_of, key_of, models_of
from octave_mcp.models.wire import Reply, Sent, Tokens, count, tokens
from octave_mcp.ports import Model, RunContext
from octave_mcp.settings import Settings

DEFAULTS = {"fast": "gpt-6-luna", "strong": "gpt-6.1-terra"}
KEY = "OPENAI_API_KEY"
OWN = "https://api.openai.com/v1"
_ANSWERED = {None, "completed", "incomplete"}
_REFUSED = {"content_filter"}


def make(settings: Settings, context: RunContext | None = None) -> Model:
    """Raises: SetupError: there is no key, or it or the address cannot be used."""
    client = of_openai(address_of("OPENAI_BASE_URL", OWN), Key(KEY, key_of(KEY)))
    return Remote(
        "openai",
        models_of(settings, "openai", DEFAULTS),
        lambda: Responses(client),
        client=client,
        elsewhere="" if client.address == OWN else client.address,
        is_own=is_own_server(client.address),
        most=settings.max_asks,
        call_seconds=settings.call_timeout_seconds,
        specialists=settings.specialists_per_ask,
        context=context,
    )


class Responses:
    def __init__(self, client: Client) -> None:
        import openai  # noqa: PLC0415 - over a second, and 50 MB

        self.errors: tuple[type[Exception], ...] = (openai.OpenAIError,)
        self._client = openai_sdk(client)

    async def call(self, sent: Sent) -> Any:  # noqa: ANN401 - the SDK's
        schema = {"type": "json_schema", "name": sent.schema_name, "strict": True, "schema": sent.schema}
        request: dict[str, Any] = {
            "model": sent.model,
            "instructions": sent.text.system,
            "input": [{"role": "user", "content": [_text(part) for part in sent.text[1:3] if part]}],
            "text": {"format": schema},
            "reasoning": {"effort": "low"},
            "max_output_tokens": sent.output_tokens,
            "store": False,
        }
        client: Any = self._client
        return await client.responses.create(**request)

    def read(self, answer: Any) -> Reply:  # noqa: ANN401 - ditto
        if answer.error or answer.status not in _ANSWERED:
            why = getattr(answer.error, "message", None) or answer.status
            raise Transient(f"openai answered 200 and failed: {why}")
        parts = [part for item in answer.output for part in getattr(item, "content", None) or ()]
        refusal = "".join(part.refusal for part in parts if part.type == "refusal")
        reason = getattr(answer.incomplete_details, "reason", None) or ""
        return Reply(
            text="".join(part.text for part in parts if part.type == "output_text"),
            tokens=_tokens(answer.usage),
            cut_off=answer.status == "incomplete",
            refusal=refusal or (reason if reason in _REFUSED else ""),
        )

    async def close(self) -> None:
        await self._client.close()


def _text(part: str) -> Mapping[str, str]:
    return {"type": "input_text", "text": part}


def _tokens(usage: Any) -> Tokens | None:  # noqa: ANN401 - ditto
    details = getattr(usage, "input_tokens_details", None)
    cached, written = count(details, "cached_tokens"), count(details, "cache_write_tokens")
    return tokens(count(usage, "input_tokens"), count(usage, "output_tokens"), cached, written)
