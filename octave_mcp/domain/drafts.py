"""Drafts: the checked and verified answers of the writers, from which a playbook is assembled."""

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
    """A writer's answer. `is_outline`: whether the answer is an outline. `gaps`: what the checks dropped."""

    value: D
    is_outline: bool
    gaps: tuple[Gap, ...] = ()


class Drafts(Value):
    """The answers of all writers, with the material that the writers used. An answer is None if its writer failed.

    - `sequences`, `talk_tracks`: one per persona, in the order of `personas`. Unlike the playbook, `sequences` includes
      touches that broke a rule. The touch with index 2 is therefore always the e-mail for day `DAYS[2]`.
    - `evidence`: all evidence that the writers saw, whether they cited it or not.
    - `given`: what the user said about the deal.
    - `language`: the required language of e-mails and call scripts; '' if the language is not checked.
    - `read_on`: the day when the last page was read. Ages of pages and events are calculated for this day.
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
        """Return what the user said about the deal, followed by an instruction."""
        return "\n".join(filter(None, (self.given, instruction)))


class Written(NamedTuple):
    """A playbook, its drafts, and the research and verdicts that the drafts are based on."""

    playbook: Playbook
    drafts: Drafts
    basis: Basis
