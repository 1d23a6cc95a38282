"""The deal as a whole: buying committee, fit between the companies, qualification, and the rep's brief."""

from __future__ import annotations

from typing import Generic, Literal

from octave_mcp.domain.evidence import C, Claim, EvidenceId, Finding
from octave_mcp.domain.findings import Relation
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Value

SeatName = Literal["champion", "economic_buyer", "user", "technical_evaluator", "blocker"]

# `named`: a page names the person. `inferred`: no person is known, so the title is copied from a person in this role
# at one of the vendor's customers.
HowKnown = Literal["named", "inferred", "missing"]


class Seat(Finding[C], Generic[C]):
    """A role in the buying decision, and the person in this role. `title` is '' if no such person is known."""

    names = ("person",)

    seat: SeatName
    person: str | None
    title: str
    how_known: HowKnown

    @property
    def in_words(self) -> str:
        """Describe the seat in words: 'Ada Moss, Head of Yards' or 'a Head of Yards is likely to be the champion'."""
        if self.how_known == "named":
            return ", ".join(filter(None, (self.person, self.title)))
        return f"a {self.title} is likely to be the {self.seat.replace('_', ' ')}"


class BuyingSeat(Seat[EvidenceId]):
    """A seat on the buying committee, as the playbook shows it.

    `check_first` says why the name or title could be outdated; '' if they are current.
    """

    check_first: str = ""


class ValueMapRow(Value, Generic[C]):
    capability: Sentence[C]
    pain: Sentence[C]


class StackOverlap(Value):
    """A product that is named on the pages of both companies, and how each company relates to the product."""

    name: str
    vendor: Relation
    prospect: Relation
    evidence: tuple[EvidenceId, ...]


class Fit(Value):
    value_map: tuple[ValueMapRow[EvidenceId], ...] = ()
    stack_overlap: tuple[StackOverlap, ...] = ()
    reasons_against: tuple[Sentence[EvidenceId], ...] = ()
    when_not_to_sell: str = ""


class Letter(Value):
    """One letter of MEDDPICC: the known facts, and the questions that the rep still has to ask."""

    known: tuple[Sentence[EvidenceId], ...] = ()
    to_find_out: tuple[str, ...] = ()


class Qualification(Value):
    """Qualification by MEDDPICC, one field per letter."""

    metrics: Letter = Letter()
    economic_buyer: Letter = Letter()
    decision_criteria: Letter = Letter()
    decision_process: Letter = Letter()
    paper_process: Letter = Letter()
    identify_pain: Letter = Letter()
    champion: Letter = Letter()
    competition: Letter = Letter()


class Brief(Value):
    """What a rep needs in the ten seconds before a call. The brief contains only content that passed the checks.

    `why_now` is the most important trigger. `date` is the date of the trigger ('2024-03-12', '2024-03', '2024' or
    'undated'). `means` says why the trigger matters for the deal. `email` is the path of the first e-mail to send, such
    as 'email_sequences.0.touches.0'.
    """

    vendor_does: Claim[EvidenceId] | None
    persona_id: str
    person: str | None
    title: str
    why_now: Sentence[EvidenceId] | None
    date: str
    means: Sentence[EvidenceId] | None
    first_line: str
    proof: Sentence[EvidenceId] | None
    question: str
    email: str | None
    warnings: tuple[str, ...]
