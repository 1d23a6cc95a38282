"""One model call: what is asked, about what, and the form of the answer."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import C, Claim, EvidenceId, Passage
from octave_mcp.domain.prospect import BuyerPersona, ProspectIntelligence, ProspectReading
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements

A = TypeVar("A", bound=Value)
B = TypeVar("B", bound=Value)

Tier = Literal["fast", "strong"]


class Names(Value):
    """The two companies of the deal by the names that are free to use in copy."""

    vendor: str
    prospect: str


class ReadingBrief(Value):
    """What an ask about pages needs to know: whose they are, the other company, and what the user said of the deal."""

    role: Role
    company: str
    domain: str
    counterpart: str
    context: str


class UnderstandingBrief(Value):
    """The prospect's readings, merged; the passages shown are their evidence. `counterpart` is the vendor's name."""

    company: str
    domain: str
    counterpart: str
    reading: ProspectReading[EvidenceId]
    context: str


class WritingBrief(Value):
    """Everything a writer may use. The passages shown are the evidence that these values name.

    `pitch` is what the vendor says of itself in a sentence or two; `persona` and `rank` (from 0) say for whom, in asks
    about one persona.
    """

    names: Names
    vendor: VendorElements[EvidenceId]
    prospect: ProspectIntelligence
    pitch: Claim[EvidenceId] | None
    existing_customer: tuple[EvidenceId, ...]
    pages_read: int
    context: str
    persona: BuyerPersona | None = None
    rank: int = 0


class HomepageAnswer(Value, Generic[C]):
    """What the home page says the company is called, and what it does."""

    name: Claim[C] | None
    summary: Claim[C] | None


class Ask(Value, Generic[A, B]):
    """`prompt` names the prompt file; passages are numbered from 1 in the order shown; `answer` is the form wanted.

    `complaint` says what was wrong with the last answer to the same ask.
    """

    prompt: str
    version: int
    tier: Tier
    language: str
    brief: B
    passages: tuple[Passage, ...]
    answer: type[A]
    complaint: str = ""


class Usage(Value):
    """`cached_tokens` are those of the input that a provider knew already; `usd` is None where a price is not known."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0


class Answer(Value, Generic[A]):
    """`wrong` says what of the answer could not be read, and is left out of its value; '' where all could.

    `by` names the model that stood in for the one that was asked for; '' where none had to.
    """

    value: A
    usage: Usage
    wrong: str = ""
    by: str = ""


class Unusable(Value):
    """An answer that has no value, and what was wrong with it: it was paid for like any other."""

    usage: Usage
    wrong: str
    refused: bool = False
