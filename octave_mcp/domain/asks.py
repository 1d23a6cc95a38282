"""Asks and answers: the input, output and cost of one model call."""

from __future__ import annotations

from datetime import date
from math import ceil
from typing import Any, Generic, Literal, TypeVar

from octave_mcp.domain.choices import MAX_PAGES
from octave_mcp.domain.company import Reads, Role
from octave_mcp.domain.evidence import C, Claim, EvidenceId, Passage
from octave_mcp.domain.findings import CompanyFindings, DealFindings
from octave_mcp.domain.page import Link
from octave_mcp.domain.prospect import SIGNAL_KINDS, BuyerPersona, ProspectFindings, ProspectIntelligence
from octave_mcp.domain.recording import Replayed
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import READ_KINDS, VendorElements

A = TypeVar("A", bound=Value)
B = TypeVar("B", bound=Value)

Tier = Literal["fast", "strong"]

# The fault of an answer as a whole; '' if the answer is usable apart from single invalid entries (see `Unread`).
Fault = Literal["", "cut_off", "thoughts", "empty", "refused", "unreadable"]


class Names(Value):
    """The names of the two companies, as they appear in e-mails and call scripts."""

    vendor: str
    prospect: str

    @property
    def by_role(self) -> dict[Role, str]:
        return {"vendor": self.vendor, "prospect": self.prospect}


class ReadingBrief(Value):
    """Context of an ask in which the model reads pages of a company.

    - `role`, `company`, `domain`: the role, name and domain of the company whose pages the model reads.
    - `counterpart`: the name of the other company.
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
    """Context of an ask in which the model chooses the URLs to read. `links` are numbered from 1 in the given order."""

    links: tuple[Link, ...]


class UnderstandingBrief(Value):
    """Context of an ask in which the model draws conclusions about a company from the findings on its pages.

    The ask's passages are the evidence for these findings. The other fields are the same as in `ReadingBrief`.
    """

    role: Role
    company: str
    domain: str
    counterpart: str
    reading: ProspectFindings[EvidenceId]
    findings: CompanyFindings[EvidenceId]
    context: str
    offer: str = ""


class WritingBrief(Value):
    """Everything that a writer is allowed to use. The findings and claims below cite the ask's passages as evidence.

    - `pitch`: what the vendor says about itself in one or two sentences.
    - `existing_customer`: evidence that the prospect is a customer of the vendor.
    - `vendor_is_customer`: evidence that the vendor is a customer of the prospect.
    - `offer`: what the vendor sells, in the words of its home page.
    - `read_on`: the day when the last page was fetched.
    - `is_thin`: whether so little is known about the prospect that only outlines can be written.
    - `persona`: the persona to write for, if the ask is about one persona.
    - `personas`: the personas to write for, if the ask is about several personas.
    - `rank`: the index of `persona`, or of the first of `personas`, in the playbook's list of personas.
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
    """Context of an ask in which the model rewrites a part of a playbook.

    - `part`: the part as JSON, with citations of passages by number.
    - `surroundings`: the text before and after the part, for context.
    - `facts`: facts for the model, as sentences, such as today's date.
    - `persona`: the title of the buyer that the part is for; '' if the part is for all buyers.
    - `place`: the index of the touch in the e-mail sequence, counted from 0.
    """

    names: Names
    context: str
    instruction: str
    part: str
    surroundings: str
    facts: tuple[str, ...] = ()
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

    - `prompt`: the prompt file.
    - `beside`: further prompt files in the same ask, with their versions ('vendor/use_cases@2').
    - `passages`: the passages to cite, numbered from 1 in this order.
    - `answer`: the type of the answer.
    - `asked`: the fields to answer, if several asks share the prompt; otherwise ().
    - `complaint`: in a correction, the problems of the first answer; otherwise ''.
    - `corrects`: in a correction, the key of the first answer; otherwise ''.
    - `patched`: the type of the complete answer, if the ask requests only a patch that replaces rejected entries.
    - `cited`: in an ask for a patch, the numbers of the passages that the rejected entries cite.
    """

    prompt: str
    version: int
    beside: tuple[str, ...] = ()
    tier: Tier
    language: str
    brief: B
    passages: tuple[Passage, ...]
    answer: type[A]
    asked: tuple[str, ...] = ()
    complaint: str = ""
    corrects: str = ""
    patched: type[Value] | None = None
    cited: tuple[int, ...] = ()

    @property
    def given(self) -> dict[str, Any]:
        """Everything that the answer depends on, for computing digests.

        The type of the answer is left out: the prompt's version and `asked`, unless it is empty, determine it. Of each
        passage, only what models see is included, so that fetching the page again does not change the digest.
        """
        left_out = {"answer", "patched", *(() if self.asked else ("asked",))}
        given = {name: getattr(self, name) for name in type(self).model_fields if name not in left_out}
        return given | {"passages": tuple(passage.as_shown for passage in self.passages)}

    @property
    def whole(self) -> type[Value]:
        return self.patched or self.answer


class Usage(Value):
    """Tokens and cost of a call.

    `cached_tokens` are input tokens from the provider's prompt cache. `usd` is None if the price is unknown.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0


class StandIn(Value):
    """A fallback model that answered an ask. `code` and `reason` describe the error of the requested model."""

    name: str
    code: str
    reason: str


class Unread(Value):
    """An invalid or missing entry of an answer.

    - `at`: the entry's path in the answer.
    - `wrong`: the problem.
    - `said`: the entry as JSON, truncated.
    - `is_extra`: whether the entry is not defined in the answer's type.
    """

    at: tuple[str | int, ...]
    wrong: str
    said: str
    is_extra: bool = False


class Answer(Value, Generic[A]):
    """A model's answer.

    - `wrong`: the problems with the answer's text and structure; '' if there are none.
    - `unread`: the entries that could not be decoded and are missing from `value`.
    - `is_outline`: whether the answer is an outline instead of finished e-mails or call scripts.
    - `by`: the fallback model that answered; None if the run's model answered.
    - `key`: the key to pass to `Model.record_verdict` after the checks; '' if the model ignores verdicts.
    - `reused`: whether the answer was copied from an earlier, identical ask.
    - `replayed`: the origin of an answer that comes from a recording; None for other answers.
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
    """An answer that cannot be used. Its tokens are charged anyway. `wrong` describes the problem."""

    usage: Usage
    wrong: str
    fault: Fault = "unreadable"
    key: str = ""
    by: StandIn | None = None


class Judgement(Value):
    """The verdict of the checks on an answer.

    - `wrong`: the problems; '' if there are none.
    - `dropped`: the dropped parts; None if nothing is dropped yet, because a correction is requested first.
    - `is_usable`: whether at least a part of the answer can be used.
    - `only_entries`: whether the answer is valid after the entries with problems are dropped.
    """

    wrong: str
    dropped: str | None
    is_usable: bool
    only_entries: bool = False


class Spent(Value):
    """The number of asks, and their total tokens and cost. `reused` counts reused answers, which cost nothing."""

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


class Capacity(Value):
    """The abilities and limits of a model.

    - `max_pages`: the default number of pages to read per company.
    - `pack_pages`: the maximum number of pages per ask.
    - `ask_characters`: the maximum number of characters per ask.
    - `shown_characters`: the maximum number of page characters shown to the model per company; None for no limit.
    - `writes_together`: whether one ask can request several drafts.
    - `divides_questions`: whether long questions are divided into parallel asks, because long answers take long.
    - `is_answered_by_client`: whether the connected client answers the asks. The client's answers have no deadline.
    - `is_paid`: whether calls to the model count against the run's budget.
    - `ranks_addresses`: whether the model chooses which pages of a site to read; otherwise, rules choose the pages.
    - `writes_copy`: whether the model writes finished e-mails and call scripts; other models write only outlines.
    - `caches_research`: whether research on a vendor is cached for later deals.
    - `verifies`: whether the model can judge whether quotations support claims.
    - `verification_tokens`: the maximum tokens for verifying all claims at a run's end; None to verify during the run.
    - `by_rules`: prompts that are answered by rules and not by the model.
    """

    max_pages: int = MAX_PAGES
    pack_pages: int = 6
    ask_characters: int = 60_000
    shown_characters: int | None = None
    writes_together: bool = False
    divides_questions: bool = False
    is_answered_by_client: bool = False
    is_paid: bool = True
    ranks_addresses: bool = True
    writes_copy: bool = True
    caches_research: bool = True
    verifies: bool = True
    verification_tokens: int | None = None
    by_rules: frozenset[str] = frozenset()


def asks_per_pack(reads: Reads, specialists_per_ask: int) -> int:
    """Return how many asks there are about each pack of a company's pages.

    An ask about the prospect's pages covers half as many kinds of findings, because its answer is needed earlier: the
    prospect's needs are worked out from it while the model is still reading the vendor's pages.
    """
    if reads == "elements":
        return ceil(len(READ_KINDS) / specialists_per_ask)
    return ceil(len(SIGNAL_KINDS) / ceil(specialists_per_ask / 2))
