"""Interface between the provider modules and `remote`: the call, the reply, and token counts."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

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
        """Return the arguments for the SDK, including parameters that a model may refuse."""
        ...

    async def call(self, request: Request) -> Any:  # noqa: ANN401 - an SDK type
        """Return the SDK's response, which can be of any type if the server did not send a valid answer."""
        ...

    def read(self, answer: Any) -> Reply:  # noqa: ANN401 - an SDK type
        """Return the reply in a response.

        Raises:
            Transient: If the response has status 200 but says that the call failed.
            AttributeError, LookupError, TypeError: If the response does not have the structure of an answer.
        """
        ...

    async def close(self) -> None: ...


def count(usage: Any, name: str) -> int | None:  # noqa: ANN401 - an SDK type
    """Return the token count called `name`, or None if it is missing or invalid."""
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and value >= 0 else None


def has_thought(usage: Any, details: str, name: str) -> bool:  # noqa: ANN401 - an SDK type
    """Whether the usage reports any reasoning tokens."""
    return bool(count(getattr(usage, details, None), name))


def tokens(
    total_input: int | None, output: int | None, cached: int | None, written: int | None = None
) -> Tokens | None:
    """Return the token counts, or None if a count is missing or if there are more cached tokens than input tokens."""
    if not total_input or output is None or (cached or 0) + (written or 0) > total_input:
        return None
    return Tokens(input=total_input, cached=cached or 0, written=written or 0, output=output)
