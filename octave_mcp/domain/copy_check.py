"""The result of checking whether a rep's text is supported by the pages that a run has read."""

from __future__ import annotations

from typing import Literal

from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.value import Value

CopyKind = Literal["email", "script"]
CopyVerdict = Literal["supported", "partly", "not", "no claim"]
VERDICTS: tuple[CopyVerdict, ...] = ("supported", "partly", "not", "no claim")


class CopyQuote(Value):
    """A quotation from a page. `id` is the evidence ID in the playbook, if the playbook cites the quotation."""

    id: EvidenceId
    url: str
    quote: str


class CheckedSentence(Value):
    """A sentence of the copy with its verdict.

    `evidence` lists quotations that support all or part of the sentence. If no quotation supports the sentence,
    `nearest` is the most similar quotation. `reason` says what is wrong with the claim, or why the
    sentence makes no claim.
    """

    text: str
    verdict: CopyVerdict
    reason: str = ""
    evidence: tuple[CopyQuote, ...] = ()
    nearest: CopyQuote | None = None


class CopyFault(Value):
    """A violated copy rule. `rule` is its code ('D14'). `text` tells the rep what to change."""

    rule: str
    text: str


class CheckedCopy(Value):
    """A checked text.

    `score` is the number of points out of 100. `faults` are the violated rules that cost points, worst first.
    """

    kind: CopyKind
    counts: dict[CopyVerdict, int]
    sentences: tuple[CheckedSentence, ...]
    score: int
    faults: tuple[CopyFault, ...]
