"""One model call: what is asked, about what, and the form of the answer."""

from __future__ import annotations

from datetime import date
from typing import Any, Generic, Literal, TypeVar

from octave_mcp.domain.choices import MAX_PAGES
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import C, Claim, EvidenceId, Passage
from octave_mcp.domain.findings import CompanyFindings, DealFindings
from octave_mcp.domain.page import Link
from octave_mcp.domain.prospect import BuyerPersona, ProspectIntelligence, ProspectReading
from octave_mcp.domain.recording import Replayed
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements

A = TypeVar("A", bound=Value)
B = TypeVar("B", bound=Value)

Tier = Literal["fast", "strong"]

# Why an answer, or part of it, could not be read; '' if all of it could.
Fault = Literal["", "cut_off", "thoughts", "empty", "refused", "unreadable"]


class Names(Value):
    """The two companies of the deal by the names that are free to use in copy."""

    vendor: str
    prospect: str

    @property
    def by_role(self) -> dict[Role, str]:
        return {"vendor": self.vendor, "prospect": self.prospect}


class ReadingBrief(Value):
    """What an ask about pages needs to know: whose they are, the other company, and what the user said of the deal.

    `offer` is what the vendor sells, in the words of its home page.
    """

    role: Role
    company: str
    domain: str
    counterpart: str
    context: str
    offer: str = ""


class AddressesBrief(ReadingBrief):
    """The addresses to choose from, numbered from 1 in this order."""

    links: tuple[Link, ...]


class UnderstandingBrief(Value):
    """The readings of a company, merged; the passages shown are their evidence. `counterpart` is the other's name.

    `offer` is what the vendor sells, in the words of its home page.
    """

    role: Role
    company: str
    domain: str
    counterpart: str
    reading: ProspectReading[EvidenceId]
    findings: CompanyFindings[EvidenceId]
    context: str
    offer: str = ""


class WritingBrief(Value):
    """Everything a writer may use. The passages shown are the evidence that these values name.

    `pitch` is what the vendor says of itself in a sentence or two; `existing_customer` shows that the prospect buys
    from the vendor, `vendor_is_customer` that the vendor buys from the prospect; `persona` and `rank` (from 0) say for
    whom, in asks about one persona; `personas` in asks about several. `findings` are those of both companies; `offer`
    is what the vendor sells, in the words of its home page. `read_on` is the day on which the last page was fetched.
    `is_thin`: so little is known of the prospect that only outlines can be written.
    """

    names: Names
    vendor: VendorElements[EvidenceId]
    prospect: ProspectIntelligence
    pitch: Claim[EvidenceId] | None
    existing_customer: tuple[EvidenceId, ...]
    vendor_is_customer: tuple[EvidenceId, ...]
    pages_read: int
    context: str
    findings: DealFindings = DealFindings()
    offer: str = ""
    read_on: date | None = None
    is_thin: bool = False
    persona: BuyerPersona | None = None
    rank: int = 0
    personas: tuple[BuyerPersona, ...] = ()


class RevisionBrief(Value):
    """A part of a playbook to write again, as JSON that cites passages by their numbers, and what stands `beside` it.

    `persona` is the title of the buyer it is for; '' if it is for all. A touch has its `place` in the sequence, from 0.
    `told` are sentences on the deal.
    """

    names: Names
    context: str
    instruction: str
    part: str
    beside: str
    told: tuple[str, ...] = ()
    persona: str = ""
    place: int | None = None


class HomepageAnswer(Value, Generic[C]):
    """What the home page says the company is called, and what it does."""

    name: Claim[C] | None
    summary: Claim[C] | None


class AddressesAnswer(Value):
    """The numbers of the addresses worth reading, the best first."""

    chosen: tuple[int, ...]


class Ask(Value, Generic[A, B]):
    """`prompt` names the prompt file, `beside` those read together with it, as 'vendor/use_cases@2' with the version.

    `answer` is the form wanted.

    Passages are numbered from 1 in the order shown. In a correction, `complaint` says what was wrong with the first
    answer, and `corrects` is the key of that answer. A patch asks for replacements alone: `patched` is the form of the
    answer that they are for, and `cited` are the numbers of the passages that the rejected entries cite.
    """

    prompt: str
    version: int
    beside: tuple[str, ...] = ()
    tier: Tier
    language: str
    brief: B
    passages: tuple[Passage, ...]
    answer: type[A]
    complaint: str = ""
    corrects: str = ""
    patched: type[Value] | None = None
    cited: tuple[int, ...] = ()

    @property
    def given(self) -> dict[str, Any]:
        """All that the answer depends on, but for its form, which goes with the version of the prompt.

        Passages are as a model is shown them: when a page was fetched, and what else is on it, changes nothing.
        """
        given = {name: getattr(self, name) for name in type(self).model_fields if name not in {"answer", "patched"}}
        return given | {"passages": tuple(passage.as_shown for passage in self.passages)}

    @property
    def whole(self) -> type[Value]:
        """The form of the answer in full."""
        return self.patched or self.answer


class Usage(Value):
    """`cached_tokens` are those of the input that a provider knew already; `usd` is None where a price is not known."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0


class StandIn(Value):
    """The model that answered in place of the one that was asked for, and the error's code and text that made it so."""

    name: str
    code: str
    reason: str


class Unread(Value):
    """An entry of an answer that could not be read, or is missing: its path in the answer, why, and what it says.

    `is_extra`: the form has no such entry.
    """

    at: tuple[str | int, ...]
    wrong: str
    said: str
    is_extra: bool = False


class Answer(Value, Generic[A]):
    """`wrong` says what of the answer could not be read, and is left out of its value; '' where all could.

    `unread` are the entries that this is about.

    `is_outline`: the model that answered writes no copy, so its draft is an outline.
    `by` is who answered where it was not the model asked for. `key` is what its model knows it by, if it wants to be
    told what the checks found. `reused` answers were given before, to the same ask; `replayed` is set if one was given
    in another run, about the pages as they were then.
    """

    value: A
    usage: Usage
    wrong: str = ""
    fault: Fault = ""
    unread: tuple[Unread, ...] = ()
    is_outline: bool = False
    by: StandIn | None = None
    key: str = ""
    reused: bool = False
    replayed: Replayed | None = None


class Unusable(Value):
    """An answer that has no value, and what was wrong with it: it was paid for like any other."""

    usage: Usage
    wrong: str
    fault: Fault = "unreadable"
    key: str = ""
    by: StandIn | None = None


class Judgement(Value):
    """What the checks made of an answer: what is `wrong` with it, '' for nothing, and whether some of it can be used.

    `dropped` is what was dropped from it for good; None while a correction may replace that. `only_entries`: no part
    is missing as a whole, so a playbook can do without asking again.
    """

    wrong: str
    dropped: str | None
    is_usable: bool
    only_entries: bool = False


class Spent(Value):
    """What was used up: asks and their usage. `reused` counts the answers that were given before, and cost nothing."""

    asks: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0
    reused: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            asks=self.asks + other.asks,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            usd=None if self.usd is None or other.usd is None else self.usd + other.usd,
            reused=self.reused + other.reused,
        )

    @classmethod
    def of(cls, answer: Answer[Any] | Unusable) -> Spent:
        if isinstance(answer, Answer) and answer.reused:
            return cls(reused=1)
        return cls(asks=1, **answer.usage.model_dump())


class Estimate(Value):
    """What a run will use, roughly. `usd` is None if a price is not known.

    `tested` says how the model was tested: for real, or only against a test double of its API.
    """

    asks: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    tested: str = ""

    def __add__(self, other: Estimate) -> Estimate:
        """Of both; how the first was tested."""
        return Estimate(
            asks=self.asks + other.asks,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            usd=None if self.usd is None or other.usd is None else round(self.usd + other.usd, 4),
            tested=self.tested,
        )


class Capacity(Value):
    """How much a model takes on at once: pages and characters of an ask, and pages of a company unless the caller says.

    One that `writes_together` is asked for several drafts in one ask. One that `is_patient` answers when it likes: it
    counts against no deadline. What one that is not paid is asked counts against no budget.
    One without `writes_copy` drafts outlines, which are neither checked by the rules for copy nor scored.
    One that `ranks_addresses` is asked which pages of a site to read; for others, rules choose them.
    One with `shown_characters` is shown that much of the pages of a company; others see all of what is read.
    One that `verifies` judges whether quotations support claims. `verification_tokens` is what one that is asked about
    this once, at the end of a run, may be sent; others may use up a share of what the run does.
    Rules answer the prompts `by_rules`.
    What one that `keeps_research` found of a vendor serves the next prospect, too; others find it as fast anew.
    """

    max_pages: int = MAX_PAGES
    pack_pages: int = 6
    ask_characters: int = 60_000
    shown_characters: int | None = None
    writes_together: bool = False
    is_patient: bool = False
    is_paid: bool = True
    ranks_addresses: bool = True
    writes_copy: bool = True
    keeps_research: bool = True
    verifies: bool = True
    verification_tokens: int | None = None
    by_rules: frozenset[str] = frozenset()
