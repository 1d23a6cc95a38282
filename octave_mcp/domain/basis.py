"""What a playbook was written from, as the run that wrote it records it: a refresh starts from this."""

from __future__ import annotations

from octave_mcp.domain.evidence import Verdict
from octave_mcp.domain.research import Research
from octave_mcp.domain.value import Value


class Told(Value):
    """A model's opinion on a claim: '' and why, if it has none; `better` is the corrected text, '' if there is none."""

    verdict: Verdict | None
    reason: str = ""
    better: str = ""
    judge: str = ""
    why: str = ""


class Basis(Value):
    """`model` identifies who answered; `research` is what was found of each company, before claims were verified.

    `verdicts` are the opinions on claims, by the digest of what was asked about each.
    """

    model: str
    research: tuple[Research, ...]
    verdicts: dict[str, Told]
