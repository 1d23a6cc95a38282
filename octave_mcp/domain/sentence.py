"""Types for the sentences of e-mails and call scripts, and for the scores of such texts."""

from __future__ import annotations

from typing import Generic, Literal

from octave_mcp.domain.evidence import C, Finding
from octave_mcp.domain.value import Value

# A 'fact' or an 'inference' needs evidence. An inference goes one step beyond its evidence, and exports label it as an
# inference. Sentences of the other kinds make no claim.
SentenceKind = Literal["fact", "inference", "question", "ask", "courtesy"]


class Sentence(Finding[C], Generic[C]):
    text: str
    kind: SentenceKind


class Score(Value):
    """A score out of 100 points. `warnings` tell the rep what to improve, the worst first."""

    points: int
    warnings: tuple[str, ...]
