"""Faults that rules find in copy, and the score that they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from octave_mcp.domain.sentence import Score
from octave_mcp.evidence.checks import RULES

# Cost in percent of the points left. SLIGHT: few readers notice. PLAIN: a rep would edit it. GRAVE: a rep would rewrite
# it. FATAL: unfit to be sent.
SLIGHT, PLAIN, GRAVE, FATAL = 4.0, 8.0, 15.0, 30.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, worded as a sentence that a rep can act on.

    `rule`: a key of RULES.
    `about`: the passage of the draft concerned; '' is the whole draft.
    """

    rule: str
    text: str
    cost: float = PLAIN
    about: str = ""

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"there is no rule {self.rule!r}; add it to RULES")


def scored(faults: Iterable[Fault], *, max_points: float = 100.0) -> Score:
    """Deduct each fault from the points left, so that the worse of two bad drafts still scores lower.

    `max_points`: points of a draft without faults. Slight faults give no warning, because readers took long lists of
    small notes for noise.
    """
    by_cost = sorted(faults, key=lambda fault: -fault.cost)
    points = max_points
    for fault in by_cost:
        points *= 1 - fault.cost / 100
    return Score(points=round(points), warnings=tuple(fault.text for fault in by_cost if fault.cost >= PLAIN))


def graded(cost: float, excess: float) -> float:
    """Raise a cost with the excess over a limit, as a share of the limit. Half or more doubles the cost."""
    return cost * (1 + min(1.0, 2 * excess))
