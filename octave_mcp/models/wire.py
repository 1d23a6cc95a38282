"""Interface between the provider modules and `remote`: the call, the reply, and token counts."""

from __future__ import annotations

from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any, NamedTuple, Protocol, cast

import httpx2

from octave_mcp.asks.rendering import Rendered
from octave_mcp.asks.schema import Schema
from octave_mcp.models.parameters import Refusals, Request

# Additional tokens for reasoning, which providers count against the limit on output tokens.
THOUGHT_TOKENS = 4000


class Tokens(NamedTuple):
    """Token counts of a call.

    `input` includes the tokens read from a cache (`cached`) and written to it (`written`).
    """

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0


class Sent(NamedTuple):
    """One call: the model, the prompt, the answer's schema, and the limit on output tokens.

    If the call asks for a patch, `whole` is the schema of the full answer. If the prompt contains schemas, `whole`
    comes first, as in the first ask, because the server may have cached the start of the prompt.
    """

    model: str
    text: Rendered
    schema_name: str
    schema: Schema
    output_tokens: int
    whole: Schema | None = None


class Reply(NamedTuple):
    """A model's reply.

    `tokens` is None if the provider does not report usage. `refusal` is the reason why the model declines to answer, or
    '' if the model answers. `has_thoughts` is true if the provider sent the model's reasoning separately from the text.
    """

    text: str
    tokens: Tokens | None
    cut_off: bool = False
    refusal: str = ""
    has_thoughts: bool = False


class Wire(Protocol):
    """A provider's SDK, without timeouts of its own.

    `errors` are the exceptions that the SDK raises; `refusals` are the parameters that the models refuse.
    """

    errors: tuple[type[Exception], ...]
    refusals: Refusals

    def request(self, sent: Sent) -> Request:
        """Return the body of a request, including parameters that a model may refuse."""
        ...

    async def call(self, request: Request) -> Any:  # noqa: ANN401 - JSON
        """Send the request, and return what `posted` returns."""
        ...

    def read(self, answer: Any) -> Reply:  # noqa: ANN401 - JSON
        """Return the reply in a response.

        Raises:
            Transient: If the response has status 200 but says that the call failed.
            AttributeError, LookupError, TypeError: If the response does not have the structure of an answer.
        """
        ...

    async def close(self) -> None: ...


async def posted(client: Any, path: str, request: Request, options: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - an SDK type, JSON
    """Post the request with an SDK's client. Return the JSON of the response, or its text if it is not JSON.

    SDK methods such as `responses.create` are not used, because they spend most of their time on converting requests
    and responses to typed objects.

    Raises:
        JSONDecodeError: If the content type of the response is JSON, but its text cannot be read as JSON.
    """
    response: httpx2.Response = await client.post(path, cast_to=httpx2.Response, body=request, options=options or {})
    try:
        return response.json()  # some servers send JSON with a wrong content type
    except (ValueError, RecursionError) as failed:
        if not response.headers.get("content-type", "").partition(";")[0].endswith("json"):
            return response.text
        if isinstance(failed, JSONDecodeError):
            raise
        raise JSONDecodeError("Nested too deeply, or not in UTF-8", "", 0) from None


def field(value: object, name: str) -> Any:  # noqa: ANN401 - JSON
    """Return the field of a JSON object, or None if the field is missing or the value is not an object."""
    return cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else None


def count(usage: object, name: str) -> int | None:
    """Return the token count called `name`, or None if it is missing or invalid."""
    value = field(usage, name)
    return value if isinstance(value, int) and value >= 0 else None


def has_thought(usage: object, details: str, name: str) -> bool:
    """Whether the usage reports any reasoning tokens."""
    return bool(count(field(usage, details), name))


def tokens(
    total_input: int | None, output: int | None, cached: int | None, written: int | None = None
) -> Tokens | None:
    """Return the token counts, or None if a count is missing or if there are more cached tokens than input tokens."""
    if not total_input or output is None or (cached or 0) + (written or 0) > total_input:
        return None
    return Tokens(input=total_input, cached=cached or 0, written=written or 0, output=output)
