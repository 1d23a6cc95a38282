"""What each provider's own module tells the rest: how it is called, and what came back."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from octave_mcp.answers import Schema
from octave_mcp.rendering import Rendered

CALL_SECONDS = 120.0
"""How long a provider may take for one answer."""
THOUGHT_TOKENS = 4000
"""Room for what a model thinks before it answers, which providers count as part of the answer."""


class Tokens(NamedTuple):
    """`input` is all that was read, `cached` and `written` to a cache included; `told` by the provider or not."""

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    told: bool = True


class Sent(NamedTuple):
    """One call: which model, what it reads, the schema of its answer, and how long that may be."""

    model: str
    text: Rendered
    schema_name: str
    schema: Schema
    output_tokens: int


class Reply(NamedTuple):
    """`refusal` is why the model declines, '' if it does not."""

    text: str
    tokens: Tokens
    cut_off: bool = False
    refusal: str = ""


class Wire(Protocol):
    """A provider's SDK. `errors` are those that it raises."""

    errors: tuple[type[Exception], ...]

    async def call(self, sent: Sent) -> Reply:
        """The reply, as it came.

        Raises:
            Transient: the provider says with status 200 that it failed.
        """
        ...

    async def close(self) -> None: ...
