"""What each provider's own module tells the rest: how it is called, and what came back."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from octave_mcp.asks.rendering import Rendered
from octave_mcp.asks.schema import Schema
from octave_mcp.models.parameters import Refusals, Request

# Room for what a model thinks before it answers, which providers count as part of the answer.
THOUGHT_TOKENS = 4000


class Tokens(NamedTuple):
    """`input` is all that was read, `cached` and `written` to a cache included."""

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0


class Sent(NamedTuple):
    """One call: which model, what it reads, the schema of its answer, and how long that may be.

    `whole` is the schema of the answer that this asks for a patch of: what was read before may be cached with it.
    """

    model: str
    text: Rendered
    schema_name: str
    schema: Schema
    output_tokens: int
    whole: Schema | None = None


class Reply(NamedTuple):
    """`tokens` is None where the provider does not tell; `refusal` is why the model declines, '' if it does not.

    `has_thoughts`: the model's thoughts came too, separately from the text.
    """

    text: str
    tokens: Tokens | None
    cut_off: bool = False
    refusal: str = ""
    has_thoughts: bool = False


class Wire(Protocol):
    """A provider's SDK, without time limits of its own.

    `errors` are those that it raises, `refusals` what its models refuse.
    """

    errors: tuple[type[Exception], ...]
    refusals: Refusals

    def request(self, sent: Sent) -> Request:
        """Return the SDK's arguments, including those that a model may refuse."""
        ...

    async def call(self, request: Request) -> Any:  # noqa: ANN401 - the SDK's
        """What came, as the SDK has it; it may be anything where the provider sent no answer."""
        ...

    def read(self, answer: Any) -> Reply:  # noqa: ANN401 - ditto
        """The reply in what came.

        Raises:
            Transient: the provider says with status 200 that there is no answer yet.
            AttributeError, LookupError, TypeError: it has not the shape of an answer.
        """
        ...

    async def close(self) -> None: ...


def count(usage: Any, name: str) -> int | None:  # noqa: ANN401 - the SDK's, as it came
    """The tokens that the provider tells by this name; None where it does not, or tells what is no number of them."""
    told = getattr(usage, name, None)
    return told if isinstance(told, int) and told >= 0 else None


def has_thought(usage: Any, details: str, name: str) -> bool:  # noqa: ANN401 - ditto
    """Whether the provider counted any tokens as thoughts, under these names."""
    return bool(count(getattr(usage, details, None), name))


def tokens(read: int | None, said: int | None, cached: int | None, written: int | None = None) -> Tokens | None:
    """As the provider tells them; None where it leaves some out, or tells more of a cache than was read."""
    if not read or said is None or (cached or 0) + (written or 0) > read:
        return None
    return Tokens(input=read, cached=cached or 0, written=written or 0, output=said)
