"""The cost of a run in time, asks, tokens and money."""

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
    """The cost of one step. `company` is None if the step worked on the whole deal."""

    step: str
    company: Role | None
    usd: float | None
    asks: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reused: int


class Cost(Value):
    """The cost of a run.

    `usd` is None if any price is unknown, and 0 for the extractive model. `cached_tokens` are input tokens from the
    provider's prompt cache. `reused` counts reused answers, which cost nothing.
    `credits` counts the Firecrawl credits used.
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
