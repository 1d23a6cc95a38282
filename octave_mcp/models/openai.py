"""OpenAI by its Responses API: nothing is stored there, and the form of an answer is enforced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octave_mcp.errors import Transient
from octave_mcp.models._failures import Key
from octave_mcp.models._remote import Remote
from octave_mcp.models._setup import key_of, models_of
from octave_mcp.models._wire import CALL_SECONDS, Reply, Sent, Tokens
from octave_mcp.ports import Beside, Model
from octave_mcp.settings import Settings, value_of

DEFAULTS = {"fast": "gpt-6-luna", "strong": "gpt-6.1-terra"}
KEY = "OPENAI_API_KEY"
_REFUSED = {"content_filter"}


def make(settings: Settings, beside: Beside | None = None) -> Model:
    """Raises: SetupError: there is no key."""
    key, base = key_of(KEY), value_of("OPENAI_BASE_URL")
    return Remote(
        "openai",
        models_of(settings, "openai", DEFAULTS),
        lambda: Responses(key.get_secret_value(), base.get_secret_value() if base else None),
        key=Key(KEY, key),
        most=settings.max_asks,
        specialists=settings.specialists_per_ask,
        beside=beside,
    )


class Responses:
    def __init__(self, key: str, base_url: str | None) -> None:
        import openai  # noqa: PLC0415 - over a second, and 50 MB

        self.errors: tuple[type[Exception], ...] = (openai.OpenAIError,)
        self._client = openai.AsyncOpenAI(api_key=key, base_url=base_url, max_retries=0, timeout=CALL_SECONDS)

    async def call(self, sent: Sent) -> Reply:
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
        return _reply(await client.responses.create(**request))

    async def close(self) -> None:
        await self._client.close()


def _text(part: str) -> Mapping[str, str]:
    return {"type": "input_text", "text": part}


def _reply(answer: Any) -> Reply:  # noqa: ANN401 - the SDK's, or a text where the provider sent one
    status = getattr(answer, "status", None)
    if isinstance(answer, str) or status in {"failed", "cancelled"}:
        raise Transient(f"openai answered 200 and failed: {_why(answer)}")
    parts = [part for item in answer.output or () for part in getattr(item, "content", None) or ()]
    refusal = "".join(part.refusal for part in parts if part.type == "refusal")
    reason = getattr(answer.incomplete_details, "reason", None) or ""
    return Reply(
        text="".join(part.text for part in parts if part.type == "output_text"),
        tokens=_tokens(answer.usage),
        cut_off=status == "incomplete",
        refusal=refusal or (reason if reason in _REFUSED else ""),
    )


def _why(answer: Any) -> str:  # noqa: ANN401 - ditto
    error = getattr(answer, "error", None)
    return getattr(error, "message", None) or "it is no answer of the API"


def _tokens(usage: Any) -> Tokens:  # noqa: ANN401 - the SDK's; None where it is missing
    if usage is None:
        return Tokens(told=False)
    details = getattr(usage, "input_tokens_details", None)
    return Tokens(
        input=usage.input_tokens or 0,
        cached=getattr(details, "cached_tokens", None) or 0,
        written=getattr(details, "cache_write_tokens", None) or 0,
        output=usage.output_tokens or 0,
    )
