"""What a rule finds in copy, and the score that all findings make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from octave_mcp.domain.sentence import Score
from octave_mcp.evidence.checks import RULES

# What a finding costs, in percent of the points left: what few readers notice, what a rep would edit, what a rep
# would rewrite, and what makes an e-mail unfit to be sent.
SLIGHT, PLAIN, GRAVE, FATAL = 4.0, 8.0, 15.0, 30.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, as a sentence that a rep can act on.

    `rule` is one of RULES. `about` is the text of the draft that it is about, or part of it; '' is all of it.
    """

    rule: str
    text: str
    cost: float = PLAIN
    about: str = ""

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"there is no rule {self.rule!r}; add it to RULES")


def scored(faults: Iterable[Fault], *, most: float = 100.0) -> Score:
    """Each fault takes its share of the points left, so that of two bad drafts the worse one still scores less.

    `most` are the points without any fault. Slight ones cost points and give no warning: few readers notice them, and
    a rep has no time for them.
    """
    found = sorted(faults, key=lambda fault: -fault.cost)
    points = most
    for fault in found:
        points *= 1 - fault.cost / 100
    return Score(points=round(points), warnings=tuple(fault.text for fault in found if fault.cost >= PLAIN))


def graded(cost: float, excess: float) -> float:
    """The cost of what is beyond a limit, by the share of the limit that it is beyond: half as much doubles it."""
    return cost * (1 + min(1.0, 2 * excess))
