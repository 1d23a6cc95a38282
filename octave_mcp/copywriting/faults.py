"""Faults that rules find in copy, and the score computed from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from octave_mcp.domain.sentence import Score
from octave_mcp.evidence.checks import RULES

# Cost of a fault, in percent of the remaining points. Few readers notice a SLIGHT fault. A rep would edit a text with a
# PLAIN fault, and rewrite a text with a GRAVE fault. A text with a FATAL fault is not fit to be sent.
SLIGHT, PLAIN, GRAVE, FATAL = 4.0, 8.0, 15.0, 30.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in copy, with a `text` that a rep can act on.

    `rule`: a key of RULES.
    `about`: the words of the draft that have the fault; '' if the whole draft has it.
    """

    rule: str
    text: str
    cost: float = PLAIN
    about: str = ""

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"there is no rule {self.rule!r}; add it to RULES")


def scored(faults: Iterable[Fault], *, max_points: float = 100.0) -> Score:
    """Return the score. Each fault costs a share of the remaining points, so even bad drafts can be ranked.

    `max_points`: points of a draft without faults. Slight faults give no warning, because readers treated long lists of
    minor warnings as noise.
    """
    by_cost = sorted(faults, key=lambda fault: -fault.cost)
    points = max_points
    for fault in by_cost:
        points *= 1 - fault.cost / 100
    return Score(points=round(points), warnings=tuple(fault.text for fault in by_cost if fault.cost >= PLAIN))


def graded(cost: float, excess: float) -> float:
    """Raise a cost by `excess`, the share by which a limit is exceeded. An excess of half or more doubles the cost."""
    return cost * (1 + min(1.0, 2 * excess))
