"""A rep's own copy, checked against what a run has read."""

from __future__ import annotations

from typing import Literal

from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.value import Value

CopyKind = Literal["email", "script"]
CopyVerdict = Literal["supported", "partly", "not", "no claim"]
VERDICTS: tuple[CopyVerdict, ...] = ("supported", "partly", "not", "no claim")


class CopyQuote(Value):
    """A quotation of a page. If the playbook has it, `id` is that of its evidence there."""

    id: EvidenceId
    url: str
    quote: str


class CheckedSentence(Value):
    """`evidence` are the quotations that support it, or that it comes near; `nearest` is the one that does not.

    `reason` says what is wrong with a claim, or why it is none.
    """

    text: str
    verdict: CopyVerdict
    reason: str = ""
    evidence: tuple[CopyQuote, ...] = ()
    nearest: CopyQuote | None = None


class CopyFault(Value):
    """What a rule for copy finds, as a sentence that a rep can act on; `rule` is its code, such as 'D14'."""

    rule: str
    text: str


class CheckedCopy(Value):
    """`score` is of 100 points, and `faults` are what it lost them for, the gravest first."""

    kind: CopyKind
    counts: dict[CopyVerdict, int]
    sentences: tuple[CheckedSentence, ...]
    score: int
    faults: tuple[CopyFault, ...]
