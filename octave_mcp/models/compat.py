"""Any server that speaks chat.completions: Ollama, vLLM, LM Studio, llama.cpp, OpenRouter.

Not all of them enforce the form of an answer, so the form is part of what they read.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import SecretStr

from octave_mcp.errors import SetupError
from octave_mcp.models.clients import Client, of_compat, openai_sdk
from octave_mcp.models.failures import Key
from octave_mcp.models.own_servers import is_own_server
from octave_mcp.models.remote import Remote
from octave_mcp.models.setup import address_of, models_of, reachable, sendable
from octave_mcp.models.wire import Reply, Sent, Tokens, count, tokens
from octave_mcp.ports import Model, RunContext
from octave_mcp.settings import Settings, value_of

NO_KEY = SecretStr("local")
"""What servers of one's own are given, which ask for none."""


def make(settings: Settings, context: RunContext | None = None) -> Model:
    """Raises: SetupError: no model is named, or no address, or it or the key cannot be used."""
    variable, address = _address(settings)
    if not settings.compat_model or not address:
        missing = "OCTAVE_COMPAT_MODEL" if address else "OCTAVE_COMPAT_BASE_URL"
        raise SetupError(
            f"{missing} not found: set OCTAVE_COMPAT_BASE_URL to the address of a server that speaks "
            "chat.completions ('http://localhost:11434/v1') and OCTAVE_COMPAT_MODEL to one of its models"
        )
    client = of_compat(variable, address, _key(settings))
    return Remote(
        "compat",
        models_of(settings, "compat", {"fast": settings.compat_model, "strong": settings.compat_model}),
        lambda: Chat(client),
        client=client,
        elsewhere=client.address,
        is_own=client.key.value is NO_KEY or is_own_server(client.address),
        most=settings.max_asks,
        call_seconds=settings.call_timeout_seconds,
        specialists=settings.specialists_per_ask,
        context=context,
    )


def _address(settings: Settings) -> tuple[str, str]:
    """The variable that holds it, and the address itself."""
    if settings.compat_base_url:
        return (name := "OCTAVE_COMPAT_BASE_URL"), reachable(name, settings.compat_base_url)
    return "OPENAI_BASE_URL", address_of("OPENAI_BASE_URL", "")


def _key(settings: Settings) -> Key:
    """OpenAI's is for the server at OPENAI_BASE_URL, and for no other."""
    name, found = "OCTAVE_COMPAT_API_KEY", settings.compat_api_key
    if not found and not settings.compat_base_url:
        name, found = "OPENAI_API_KEY", value_of("OPENAI_API_KEY")
    return Key(name, sendable(name, found)) if found else Key("OCTAVE_COMPAT_API_KEY", NO_KEY)


class Chat:
    def __init__(self, client: Client) -> None:
        import openai  # noqa: PLC0415 - over a second, and 50 MB

        self.errors: tuple[type[Exception], ...] = (openai.OpenAIError,)
        self._client = openai_sdk(client)

    async def call(self, sent: Sent) -> Any:  # noqa: ANN401 - the SDK's
        schema = {"name": sent.schema_name, "strict": True, "schema": sent.schema}
        form = f"The JSON schema of your answer:\n{json.dumps(sent.schema, separators=(',', ':'))}"
        request: dict[str, Any] = {
            "model": sent.model,
            "messages": [
                {"role": "system", "content": f"{sent.text.system}\n\n{form}"},
                {"role": "user", "content": "\n\n".join(part for part in sent.text[1:3] if part)},
            ],
            "response_format": {"type": "json_schema", "json_schema": schema},
            "max_tokens": sent.output_tokens,
        }
        client: Any = self._client
        return await client.chat.completions.create(**request)

    def read(self, answer: Any) -> Reply:  # noqa: ANN401 - ditto
        choice = answer.choices[0]
        refusal = getattr(choice.message, "refusal", None) or ""
        filtered = choice.finish_reason if choice.finish_reason == "content_filter" else ""
        return Reply(
            text=_text(choice.message.content),
            tokens=_tokens(answer.usage),
            cut_off=choice.finish_reason == "length",
            refusal=refusal or filtered,
        )

    async def close(self) -> None:
        await self._client.close()


def _text(content: Any) -> str:  # noqa: ANN401 - ditto
    """All that is said. Models that think send a list of parts, of which what they thought is one."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part["text"] for part in content if part["type"] == "text")


def _tokens(usage: Any) -> Tokens | None:  # noqa: ANN401 - ditto
    cached = count(getattr(usage, "prompt_tokens_details", None), "cached_tokens")
    return tokens(count(usage, "prompt_tokens"), count(usage, "completion_tokens"), cached)
