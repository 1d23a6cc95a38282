"""Faults that the rules find in a text, and the score that is computed from these faults."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from octave_mcp.domain.sentence import Score
from octave_mcp.evidence.checks import RULES

# Each constant is the percentage by which a fault reduces the score. Few readers notice a SLIGHT fault. A rep would
# edit a text with a PLAIN fault, and rewrite a text with a GRAVE fault. A text with a FATAL fault is not fit to be
# sent.
SLIGHT, PLAIN, GRAVE, FATAL = 4.0, 8.0, 15.0, 30.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a text.

    `rule`: the id of the rule, which is a key of RULES. `text`: advice for the rep on how to fix the fault. `cost`: the
    percentage by which the fault reduces the score. `about`: the words that are at fault, or '' if the whole draft is
    at fault.
    """

    rule: str
    text: str
    cost: float = PLAIN
    about: str = ""

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"there is no rule {self.rule!r}; add it to RULES")


def scored(faults: Iterable[Fault], *, max_points: float = 100.0) -> Score:
    """Return the score.

    Each fault reduces the score by a percentage. If each fault subtracted fixed points instead, all bad drafts would
    score 0. `max_points`: the score of a draft without faults. Slight faults cause no warning, because test readers
    ignored long lists of minor warnings.
    """
    by_cost = sorted(faults, key=lambda fault: -fault.cost)
    points = max_points
    for fault in by_cost:
        points *= 1 - fault.cost / 100
    return Score(points=round(points), warnings=tuple(fault.text for fault in by_cost if fault.cost >= PLAIN))


def graded(cost: float, excess: float) -> float:
    """Increase a fault's cost in proportion to `excess`, up to double the cost.

    `excess`: the fraction by which a limit is exceeded. If the fraction is 0.5 or more, the cost is doubled.
    """
    return cost * (1 + min(1.0, 2 * excess))
