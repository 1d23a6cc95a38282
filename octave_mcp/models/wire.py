"""Interface between the provider modules and `remote`: the call, the reply, and token counts."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from octave_mcp.asks.rendering import Rendered
from octave_mcp.asks.schema import Schema
from octave_mcp.models.parameters import Refusals, Request

# Room for reasoning, which providers count against the limit of output tokens.
THOUGHT_TOKENS = 4000


class Tokens(NamedTuple):
    """`input` counts everything that was read, including tokens `cached` earlier and tokens `written` to a cache."""

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0


class Sent(NamedTuple):
    """One call: the model, the prompt, the schema of the answer, and its limit of output tokens.

    `whole`, in a call for a patch, is the schema of the full answer, with which the provider may have cached the
    prompt.
    """

    model: str
    text: Rendered
    schema_name: str
    schema: Schema
    output_tokens: int
    whole: Schema | None = None


class Reply(NamedTuple):
    """A model's reply.

    `tokens` is None if the provider does not report usage.
    `refusal` is the reason why the model declines to answer, or '' if the model answers.
    `has_thoughts`: the reply also contained reasoning, separate from the text.
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
        """Return the SDK's arguments, including those that a model may refuse."""
        ...

    async def call(self, request: Request) -> Any:  # noqa: ANN401 - an SDK type
        """Return the SDK's response, which can be of any type if the server did not send a valid answer."""
        ...

    def read(self, answer: Any) -> Reply:  # noqa: ANN401 - an SDK type
        """Return the reply in a response.

        Raises:
            Transient: the response has status 200 but says that the call failed.
            AttributeError, LookupError, TypeError: the response does not have the shape of an answer.
        """
        ...

    async def close(self) -> None: ...


def count(usage: Any, name: str) -> int | None:  # noqa: ANN401 - an SDK type
    """Return the token count of this name in the usage; None if it is missing or not a valid count."""
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and value >= 0 else None


def has_thought(usage: Any, details: str, name: str) -> bool:  # noqa: ANN401 - an SDK type
    """Whether the usage counts any reasoning tokens, under these names."""
    return bool(count(getattr(usage, details, None), name))


def tokens(
    total_input: int | None, output: int | None, cached: int | None, written: int | None = None
) -> Tokens | None:
    """Return the token counts; None if some are missing, or if more tokens were cached than read."""
    if not total_input or output is None or (cached or 0) + (written or 0) > total_input:
        return None
    return Tokens(input=total_input, cached=cached or 0, written=written or 0, output=output)
