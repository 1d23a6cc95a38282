"""What copy is made of: sentences that say whether they claim something, and scores."""

from __future__ import annotations

from typing import Generic, Literal

from octave_mcp.domain.evidence import C, Finding
from octave_mcp.domain.value import Value

# A fact has evidence; an inference is one step beyond its evidence, and is shown as such; the others claim nothing.
SentenceKind = Literal["fact", "inference", "question", "ask", "courtesy"]


class Sentence(Finding[C], Generic[C]):
    text: str
    kind: SentenceKind


class Score(Value):
    """`points` of 100; each warning is a sentence that a rep can act on, the gravest first."""

    points: int
    warnings: tuple[str, ...]
