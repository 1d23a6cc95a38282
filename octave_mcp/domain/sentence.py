"""Building blocks of copy: sentences with the kind of claim that they make, and scores."""

from __future__ import annotations

from typing import Generic, Literal

from octave_mcp.domain.evidence import C, Finding
from octave_mcp.domain.value import Value

# A fact is supported by evidence. An inference goes one step beyond its evidence and is marked as such. The other kinds
# make no claim.
SentenceKind = Literal["fact", "inference", "question", "ask", "courtesy"]


class Sentence(Finding[C], Generic[C]):
    text: str
    kind: SentenceKind


class Score(Value):
    """A score out of 100 points. `warnings` tell the rep what to improve, the worst first."""

    points: int
    warnings: tuple[str, ...]
