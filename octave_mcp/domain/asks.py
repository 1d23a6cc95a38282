"""Asks and answers: the input and output of one model call, and what it costs."""

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

# Why an answer or a part of it could not be read; '' if nothing is wrong.
Fault = Literal["", "cut_off", "thoughts", "empty", "refused", "unreadable"]


class Names(Value):
    """The names of the two companies as copy may use them."""

    vendor: str
    prospect: str

    @property
    def by_role(self) -> dict[Role, str]:
        return {"vendor": self.vendor, "prospect": self.prospect}


class ReadingBrief(Value):
    """Context of an ask about pages.

    - `role`, `company`, `domain`: the company whose pages they are. `counterpart`: the name of the other company.
    - `context`: what the user said about the deal.
    - `offer`: what the vendor sells, in the words of its home page.
    """

    role: Role
    company: str
    domain: str
    counterpart: str
    context: str
    offer: str = ""


class AddressesBrief(ReadingBrief):
    """URLs to choose from, numbered from 1 in this order."""

    links: tuple[Link, ...]


class UnderstandingBrief(Value):
    """Context of an ask about the merged readings of a company. The passages shown are their evidence.

    The other fields are as in `ReadingBrief`.
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
    """Everything a writer may use. The passages shown are the evidence that these values cite.

    - `pitch`: what the vendor says about itself in one or two sentences.
    - `existing_customer`: evidence that the prospect is a customer of the vendor; `vendor_is_customer`: the reverse.
    - `offer`: what the vendor sells, in the words of its home page.
    - `read_on`: the day when the last page was fetched.
    - `is_thin`: whether so little is known about the prospect that only outlines can be written.
    - `persona`, `rank`: in asks about one persona, the persona and its rank from 0; `personas` in asks about several.
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
    """A part of a playbook to rewrite.

    - `part`: the part as JSON that cites passages by number. `beside`: the surrounding text, for context.
    - `told`: sentences about the deal.
    - `persona`: the title of the buyer that the part is for; '' if it is for all.
    - `place`: the index of a touch in its sequence, from 0.
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
    """The company's name and a summary of what it does, from its home page."""

    name: Claim[C] | None
    summary: Claim[C] | None


class AddressesAnswer(Value):
    """The numbers of the addresses worth reading, the best first."""

    chosen: tuple[int, ...]


class Ask(Value, Generic[A, B]):
    """One question to a model.

    - `prompt`: the prompt file. `beside`: further prompt files asked together, with versions: 'vendor/use_cases@2'.
    - `passages`: numbered from 1 in this order.
    - `answer`: the type of the answer.
    - `complaint`, `corrects`: in a correction, what was wrong with the first answer, and the key of that answer.
    - `patched`, `cited`: in a patch, which asks only for replacements of rejected entries, the type of the complete
      answer, and the numbers of the passages that the rejected entries cite.
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
        """Everything the answer depends on, for digests. The type of the answer is implied by the prompt's version.

        Passages are included as models are shown them, so that refetching a page or changing other text on it makes no
        difference.
        """
        given = {name: getattr(self, name) for name in type(self).model_fields if name not in {"answer", "patched"}}
        return given | {"passages": tuple(passage.as_shown for passage in self.passages)}

    @property
    def whole(self) -> type[Value]:
        """The type of the complete answer."""
        return self.patched or self.answer


class Usage(Value):
    """Tokens and cost of a call. `cached_tokens` are input tokens from the provider's cache; `usd` may be unknown."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0


class StandIn(Value):
    """A fallback model that answered, and the code and text of the error of the model that was asked first."""

    name: str
    code: str
    reason: str


class Unread(Value):
    """An entry of an answer that is invalid or missing.

    - `at`: its path in the answer.
    - `wrong`: the problem.
    - `said`: the entry as JSON, shortened.
    - `is_extra`: whether the answer's type has no such entry.
    """

    at: tuple[str | int, ...]
    wrong: str
    said: str
    is_extra: bool = False


class Answer(Value, Generic[A]):
    """A model's answer.

    - `wrong`, `unread`: what could not be read and is missing from `value`, as text ('' if nothing) and as entries.
    - `is_outline`: whether the model writes no copy, so that its draft is an outline.
    - `by`: the fallback model, if one answered.
    - `key`: the model's own key for the answer, if the model needs to know the verdict of the checks.
    - `reused`: whether the answer was given before, to the same ask.
    - `replayed`: set if the answer comes from a recording.
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
    """An answer without a usable value, and what was wrong with it. It is paid for like any other."""

    usage: Usage
    wrong: str
    fault: Fault = "unreadable"
    key: str = ""
    by: StandIn | None = None


class Judgement(Value):
    """The verdict of the checks on an answer.

    - `wrong`: the problems, '' if none.
    - `dropped`: what was finally dropped; None while a correction may still replace it.
    - `is_usable`: whether some of the answer can be used.
    - `only_entries`: whether only single entries failed, so that a correction is optional.
    """

    wrong: str
    dropped: str | None
    is_usable: bool
    only_entries: bool = False


class Spent(Value):
    """The number of asks and their usage. `reused` counts cached answers, which cost nothing."""

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
    """A rough estimate of what a run will use. `usd` is None if a price is unknown.

    `tested` says how this release was tested with the model: for real, or only against a test double of its API.
    """

    asks: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    tested: str = ""

    def __add__(self, other: Estimate) -> Estimate:
        """Return the sum. `tested` is taken from the first."""
        return Estimate(
            asks=self.asks + other.asks,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            usd=None if self.usd is None or other.usd is None else round(self.usd + other.usd, 4),
            tested=self.tested,
        )


class Capacity(Value):
    """What a model can do, and how much at once.

    - `max_pages`: pages to read per company by default. `pack_pages`, `ask_characters`: pages and characters per ask.
    - `shown_characters`: how many characters of a company's pages it is shown at most; None for no limit.
    - `writes_together`: whether one ask may request several drafts.
    - `is_answered_by_client`: whether it may take any time to answer; no deadline applies to it.
    - `is_paid`: whether its asks count against a budget.
    - `ranks_addresses`: whether it chooses which pages of a site to read; if not, rules do.
    - `writes_copy`: whether it writes copy; if not, its drafts are outlines, which copy rules neither check nor score.
    - `keeps_research`: whether research on a vendor is cached for its next prospect; rules redo it just as fast.
    - `verifies`: whether it judges if quotations support claims.
    - `verification_tokens`: limit of tokens for a single verification at the end of a run; None for a model that
      verifies during the run and may use a share of its tokens.
    - `by_rules`: prompts that rules answer in its place.
    """

    max_pages: int = MAX_PAGES
    pack_pages: int = 6
    ask_characters: int = 60_000
    shown_characters: int | None = None
    writes_together: bool = False
    is_answered_by_client: bool = False
    is_paid: bool = True
    ranks_addresses: bool = True
    writes_copy: bool = True
    keeps_research: bool = True
    verifies: bool = True
    verification_tokens: int | None = None
    by_rules: frozenset[str] = frozenset()
