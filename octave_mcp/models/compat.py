"""Models on any server with the chat.completions API, such as Ollama, vLLM, LM Studio, llama.cpp or OpenRouter.

Not all of these servers enforce a schema, so the prompt contains the schema as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import SecretStr

from octave_mcp.domain.keys import sendable
from octave_mcp.errors import SetupError
from octave_mcp.models.clients import BEARER, Client, of_compat, openai_sdk
from octave_mcp.models.error_info import ErrorInfo
from octave_mcp.models.failures import Key
from octave_mcp.models.own_servers import is_own_server
from octave_mcp.models.parameters import (
    FORMS,
    SYSTEM,
    TOO_LONG,
    Parameter,
    Refusals,
    Remedy,
    Request,
    dropping,
    keywords,
    limit,
    schema_prompt,
    value_at,
    with_value,
)
from octave_mcp.models.remote import Remote
from octave_mcp.models.setup import address_of, models_of, reachable
from octave_mcp.models.wire import Reply, Sent, Tokens, count, field, has_thought, posted, tokens
from octave_mcp.ports import Model, RunContext
from octave_mcp.settings import Settings, value_of

# The fields in which some servers send a model's reasoning.
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
# Finish reasons that mean that an answer was cut off: OpenAI's "length", and reasons that gateways pass on from other
# providers.
_CUT_OFF = {"length", "max_tokens", "model_length"}
# A placeholder key: the SDK requires a key, even if a local server needs none.
NO_KEY = SecretStr("local")


def make(settings: Settings, context: RunContext | None = None) -> Model:
    """Return the model.

    Raises:
        SetupError: If the model or the address is not set, or if the address or the key cannot be used.
    """
    variable, address = _address(settings)
    if not settings.compat_model or not address:
        missing = "OCTAVE_COMPAT_MODEL" if address else "OCTAVE_COMPAT_BASE_URL"
        raise SetupError(
            f"{missing} not found: set OCTAVE_COMPAT_BASE_URL to the address of a server with the chat.completions "
            "API, such as 'http://localhost:11434/v1', and OCTAVE_COMPAT_MODEL to one of its models"
        )
    client = of_compat(variable, address, _key(settings))
    return Remote(
        "compat",
        models_of(settings, "compat", {"fast": settings.compat_model, "strong": settings.compat_model}),
        lambda: Chat(client),
        client=client,
        other_address=client.address,
        is_own=client.key.value is NO_KEY or is_own_server(client.address),
        max_calls=settings.max_asks,
        call_seconds=settings.call_timeout_seconds,
        specialists=settings.specialists_per_ask,
        context=context,
    )


def _address(settings: Settings) -> tuple[str, str]:
    """Return the name of the environment variable that sets the server's address, and the address itself."""
    if settings.compat_base_url:
        return (name := "OCTAVE_COMPAT_BASE_URL"), reachable(name, settings.compat_base_url)
    return "OPENAI_BASE_URL", address_of("OPENAI_BASE_URL", "")


def _key(settings: Settings) -> Key:
    """Return the API key. OpenAI's key is used only for the server at OPENAI_BASE_URL."""
    name, value = "OCTAVE_COMPAT_API_KEY", settings.compat_api_key
    if not value and not settings.compat_base_url:
        name, value = "OPENAI_API_KEY", value_of("OPENAI_API_KEY")
    return Key(name, sendable(name, value)) if value else Key("OCTAVE_COMPAT_API_KEY", NO_KEY)


class Chat:
    def __init__(self, client: Client) -> None:
        import openai  # noqa: PLC0415 - importing takes over a second and 50 MB

        self.errors: tuple[type[Exception], ...] = (openai.OpenAIError,)
        self.refusals = Refusals(client.address, PARAMETERS)
        self._client = openai_sdk(client)

    def request(self, sent: Sent) -> Request:
        schema = {"name": sent.schema_name, "strict": True, "schema": sent.schema}
        patch_schema = schema_prompt(sent.schema) if sent.whole else ""
        return {
            "model": sent.model,
            "messages": [
                {"role": "system", "content": f"{sent.text.system}\n\n{schema_prompt(sent.whole or sent.schema)}"},
                {"role": "user", "content": "\n\n".join(filter(None, (*sent.text[1:3], patch_schema)))},
            ],
            "response_format": {"type": "json_schema", "json_schema": schema},
            "max_tokens": sent.output_tokens,
        }

    async def call(self, request: Request) -> Any:  # noqa: ANN401 - JSON
        return await posted(self._client, "/chat/completions", request, BEARER)

    def read(self, answer: Any) -> Reply:  # noqa: ANN401 - JSON
        choice, usage = answer["choices"][0], answer.get("usage")
        message, reason = choice["message"], choice.get("finish_reason")
        return Reply(
            text=_text(message.get("content")),
            tokens=_tokens(usage),
            cut_off=str(reason).lower() in _CUT_OFF,
            refusal=message.get("refusal") or (reason if reason == "content_filter" else ""),
            has_thoughts=_has_thoughts(message) or has_thought(usage, "completion_tokens_details", "reasoning_tokens"),
        )

    async def close(self) -> None:
        await self._client.close()


def _form(request: Request, error: ErrorInfo) -> Remedy | None:
    """Request a JSON object without a schema, or drop the response format if the server does not support `json_object`.

    The system message contains the schema anyway.
    """
    current = value_at(request, "response_format", "type")
    if current is None:
        return None
    if current == "json_object" or _NO_RESPONSE_FORMAT.search(error.words):
        return dropping("response_format")(request, error)
    any_json = {"type": "json_object"}
    return Remedy("response_format", "json_object", partial(with_value, path=("response_format",), value=any_json))


def _system(request: Request, _: ErrorInfo) -> Remedy | None:
    return Remedy("the system role", "the user's", _without_system) if len(request["messages"]) > 1 else None


def _without_system(request: Request) -> Request:
    content = "\n\n".join(message["content"] for message in request["messages"])
    return {**request, "messages": [{"role": "user", "content": content}]}


# Error texts of servers that support no response format, or that support only schemas. Such a server would also
# refuse `json_object`. Examples: "expected json_schema or text", "unsupported parameter", "extra fields not permitted".
_NO_RESPONSE_FORMAT = re.compile(
    r"json_schema['\"`]? or ['\"`]?text|(?:unknown|unrecogni[sz]ed|unsupported|unexpected)"
    r" \S* ?(?:param|arg|field|key|input)"
    r"|not support (?:param|arg|json[ _-]?mode)|requested parameters|extra (?:inputs|fields)"
    r"|response_format['\"`]? (?:parameter )?is (?:not|unsupported)",
    re.IGNORECASE,
)
_SCHEMA = ("response_format", "json_schema", "schema")
PARAMETERS = (
    *keywords(*_SCHEMA),
    Parameter(("strict",), "", dropping("response_format", "json_schema", "strict")),
    Parameter(
        ("max_tokens", "max_completion_tokens", "max_new_tokens"),
        TOO_LONG,
        limit("max_tokens", "max_completion_tokens"),
    ),
    Parameter(("system", "messages.0.role"), SYSTEM, _system),
    Parameter(("response_format", "format"), FORMS, _form),
)


def _text(content: Any) -> str:  # noqa: ANN401 - JSON
    """Return the message's text. A reasoning model can send a list of parts, one of which contains the reasoning."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part["text"] for part in content if part["type"] == "text")


def _has_thoughts(message: Mapping[str, Any]) -> bool:
    has_field = any(message.get(name) for name in _THOUGHTS)
    return has_field or not isinstance(message.get("content"), str | None)  # a list of parts indicates reasoning


def _tokens(usage: object) -> Tokens | None:
    cached = count(field(usage, "prompt_tokens_details"), "cached_tokens")
    return tokens(count(usage, "prompt_tokens"), count(usage, "completion_tokens"), cached)
