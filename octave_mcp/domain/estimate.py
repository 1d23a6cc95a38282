"""The estimated cost of a run, in a module of its own because every report on a run has one."""

from __future__ import annotations

from octave_mcp.domain.value import Value


class Estimate(Value):
    """A rough estimate of the asks, tokens and money that a run will need. `usd` is None if a price is unknown.

    `tested` describes how this release was tested with the model, such as 'only against a test double of its API'.
    """

    asks: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    tested: str = ""

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            asks=self.asks + other.asks,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            usd=None if self.usd is None or other.usd is None else round(self.usd + other.usd, 4),
            tested=self.tested,
        )
