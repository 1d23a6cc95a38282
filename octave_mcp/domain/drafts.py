"""What the writers answered, checked and verified: all that the copy of a playbook is put together from."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Generic, NamedTuple, TypeVar

from pydantic import Field

from octave_mcp.domain.basis import Basis
from octave_mcp.domain.cards import CompetitivePositioning, ObjectionHandling, WhyWeWin
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.findings import DealFindings
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.playbook import Playbook, SequenceDraft, SummaryDraft, TalkTrackDraft
from octave_mcp.domain.prospect import BuyerPersona
from octave_mcp.domain.sender import Sender
from octave_mcp.domain.value import Value

D = TypeVar("D")

CardDraft = Annotated[
    WhyWeWin[EvidenceId] | ObjectionHandling[EvidenceId] | CompetitivePositioning[EvidenceId],
    Field(discriminator="kind"),
]


class Drafted(Value, Generic[D]):
    """What a writer answered, whether it is an outline, and what checks dropped from it."""

    value: D
    is_outline: bool
    gaps: tuple[Gap, ...] = ()


class Drafts(Value):
    """What the writers answered; None where one failed. `given` is what the user said of the deal.

    `sequences` and `talk_tracks` have an entry for each persona, in the order of `personas`. The place of a touch is
    that of its day in `copywriting.emails.DAYS`: one that broke a rule is here, and not in the playbook. `evidence` is
    all that was shown to the writers, cited or not. `findings` are those of both companies; `read_on` is the day of the
    last page, from which ages count. `language` is '' if the rules do not check it.
    """

    summary: Drafted[SummaryDraft[EvidenceId]] | None
    cards: tuple[Drafted[CardDraft] | None, ...]
    sequences: tuple[Drafted[SequenceDraft[EvidenceId]] | None, ...]
    talk_tracks: tuple[Drafted[TalkTrackDraft[EvidenceId]] | None, ...]
    evidence: dict[EvidenceId, Evidence]
    personas: tuple[BuyerPersona, ...]
    findings: DealFindings
    known: tuple[str, ...]
    vendor: str
    sender: Sender | None
    language: str
    given: str
    read_on: date

    def given_with(self, instruction: str) -> str:
        """What the user said of the deal, and asks for now."""
        return "\n".join(filter(None, (self.given, instruction)))


class Written(NamedTuple):
    """A playbook, the drafts that it was put together from, and what these were written from."""

    playbook: Playbook
    drafts: Drafts
    basis: Basis
