"""Passages, what points at them, and the quotations that come of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping
from datetime import date, datetime
from typing import ClassVar, Generic, Literal, TypeVar

from octave_mcp.domain.company import Role
from octave_mcp.domain.page import PageKind, PageRef, Place
from octave_mcp.domain.value import Value

EvidenceId = str


class Cite(Value):
    """How a model points at evidence: the number a passage has in the ask, and which of its sentences, from 1.

    No sentences, or one that the passage does not have, mean the whole passage; 0 is the heading it stands under.
    Neighbouring sentences become one quotation, as a quotation is one piece of the page.
    """

    passage: int
    sentences: tuple[int, ...] = ()


# What supports a claim: a `Cite` in a model's answer, an `EvidenceId` once our code has resolved it.
C = TypeVar("C", Cite, EvidenceId)


class Passage(Value):
    """A stretch of a page: whole sentences under one heading.

    `number` counts from 1 within its page: the same text gives the same numbers. `start` is its offset in the page's
    text, in characters; `sentences` are (start, end) offsets within `text`. What readers of the page do not see as a
    sentence, such as a fact of its head, is a passage of one sentence: `label` is what it is, `where` its place.
    `heading_start` is the offset of the heading in the page's text, if there is one. A passage that `is_quotation` is
    cited as a whole, whichever of its sentences is named.
    """

    page: PageRef
    number: int
    start: int
    heading: str
    text: str
    sentences: tuple[tuple[int, int], ...]
    label: str = ""
    where: Place | None = None
    heading_start: int = 0
    is_quotation: bool = False

    @property
    def as_shown(self) -> Passage:
        """Without what is not shown of it: where on its page it stands, the rest of that, and when it was fetched."""
        return self.model_copy(update={"page": self.page.as_shown, "start": 0, "heading_start": 0})

    def sentence(self, number: int) -> str:
        first, last = self.sentences[number - 1]
        return self.text[first:last]


class Evidence(Value):
    """A quotation, copied by code: `quote == page.text[start:end]`, and `page_sha256` is the digest of that text.

    `sister_of` is the domain of the company if the page is on one of its sister sites.
    If readers of the page do not see it as a sentence, `label` is what it is, and `where` its place.
    """

    id: EvidenceId
    role: Role
    url: str
    quote: str
    page_sha256: str
    start: int
    end: int
    fetched_at: datetime
    language: str
    page_title: str
    page_kind: PageKind
    published_on: date | None = None
    sister_of: str = ""
    label: str = ""
    where: Place | None = None


# Whether a quotation says what a claim says. `unjudged`: nobody could tell.
Verdict = Literal["supported", "partly", "not", "unjudged"]


class Support(Value):
    """The verdict on a claim, who judged it ('rules', 'self', or a model's name), and why it is not supported."""

    verdict: Verdict
    judge: str
    reason: str = ""


# The field of a finding that no model is asked for.
UNASKED = "support"


class Finding(Value, Generic[C]):
    """A claim with what supports it.

    `names` are the fields that name a company or a person: the evidence must have these names. `named_beside` maps a
    field with a list of claims to the field with a name: each of the claims must be cited from where that name stands.
    `unchecked` are the fields that enter no playbook as they are: code compares them with the page.
    `support` is None in an answer, for models are not asked for it, and for what claims nothing, such as a question.
    """

    names: ClassVar[tuple[str, ...]] = ()
    unchecked: ClassVar[tuple[str, ...]] = ()
    named_beside: ClassVar[Mapping[str, str]] = {}

    evidence: tuple[C, ...]
    support: Support | None = None


class Collected(Finding[C], Generic[C]):
    """A finding that several packs of pages may give. Those with the same `merge_key` become one, strongest first."""

    @abstractmethod
    def merge_key(self) -> Hashable: ...

    @property
    def rank(self) -> int:
        """Lower is stronger; 0 is the strongest."""
        return 0


class Claim(Finding[C], Generic[C]):
    text: str
