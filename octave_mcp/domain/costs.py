"""What a run cost: time, asks, tokens and money."""

from __future__ import annotations

from octave_mcp.domain.company import Role
from octave_mcp.domain.value import Value


class StepTiming(Value):
    step: str
    company: Role | None
    seconds: float


class Timings(Value):
    total_seconds: float
    steps: tuple[StepTiming, ...]


class StepCost(Value):
    """What one step used up, for one of the companies or for both."""

    step: str
    company: Role | None
    usd: float | None
    asks: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reused: int


class Cost(Value):
    """`usd` is None where a price is not known; the extractive model costs nothing.

    `cached_tokens` are those of the input that a provider knew already; `reused` answers were given to the same
    question before, and cost nothing again; `credits` are Firecrawl's.
    """

    usd: float | None
    asks: int
    input_tokens: int
    cached_tokens: int = 0
    output_tokens: int
    reused: int = 0
    pages_fetched: int
    pages_failed: int
    credits: int = 0
    steps: tuple[StepCost, ...] = ()
