"""The deal as a whole: who takes part in the decision, how well the two companies fit, and what is known of it."""

from __future__ import annotations

from typing import Generic, Literal

from octave_mcp.domain.evidence import C, Claim, EvidenceId, Finding
from octave_mcp.domain.findings import Relation
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Value

SeatName = Literal["champion", "economic_buyer", "user", "technical_evaluator", "blocker"]

# `named`: a page names the person; `inferred`: the vendor's customers have such a person in this seat.
HowKnown = Literal["named", "inferred", "missing"]


class Seat(Finding[C], Generic[C]):
    """A part in the decision, and who has it. `title` is '' if nobody is known to."""

    names = ("person",)

    seat: SeatName
    person: str | None
    title: str
    how_known: HowKnown

    @property
    def in_words(self) -> str:
        """What it claims: 'Ada Moss, Head of Yards', or 'a Head of Yards is likely to be the champion'."""
        if self.how_known == "named":
            return ", ".join(filter(None, (self.person, self.title)))
        return f"a {self.title} is likely to be the {self.seat.replace('_', ' ')}"


class BuyingSeat(Seat[EvidenceId]):
    """`check_first` says why the name or the title may be out of date; '' if nothing speaks for that."""

    check_first: str = ""


class ValueMapRow(Value, Generic[C]):
    capability: Sentence[C]
    pain: Sentence[C]


class StackOverlap(Value):
    """What the pages of both companies name, and what each has to do with it."""

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
    """What is known of one letter of MEDDPICC, and the questions that find out the rest."""

    known: tuple[Sentence[EvidenceId], ...] = ()
    to_find_out: tuple[str, ...] = ()


class Qualification(Value):
    """MEDDPICC: each field is a letter."""

    metrics: Letter = Letter()
    economic_buyer: Letter = Letter()
    decision_criteria: Letter = Letter()
    decision_process: Letter = Letter()
    paper_process: Letter = Letter()
    identify_pain: Letter = Letter()
    champion: Letter = Letter()
    competition: Letter = Letter()


class Brief(Value):
    """What a rep needs in the ten seconds before a call, put together from what passed the checks.

    `why_now` is the trigger that matters most, `date` its day ('2024-03-12', '2024-03', '2024' or 'undated') and
    `means` what it means for the deal. `email` is the path of the e-mail to send first: 'email_sequences.0.touches.0'.
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
