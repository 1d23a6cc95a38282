"""Evidence: passages of pages, citations of passages, and the resulting quotations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast

from octave_mcp.domain.company import Role
from octave_mcp.domain.page import PageKind, PageRef, Place
from octave_mcp.domain.value import Value, defined, walk

EvidenceId = str


class Cite(Value):
    """How a model points at evidence: the number a passage has in the ask, and which of its sentences, from 1.

    No sentences, or one that the passage does not have, mean the whole passage; 0 is the heading it stands under.
    Neighbouring sentences become one quotation, as a quotation is one piece of the page.
    """

    passage: int
    sentences: tuple[int, ...] = ()


# In a model's answer, each claim cites its evidence with a `Cite`. Our code resolves the citation and replaces the
# `Cite` with an `EvidenceId`.
C = TypeVar("C", Cite, EvidenceId)


class Passage(Value):
    """A numbered stretch of a page: whole sentences under one heading. All offsets are in characters.

    - `number`: counts from 1 within the page. The same page text always gets the same numbers.
    - `start`, `heading_start`: offsets of the passage and its heading in the page's text.
    - `sentences`: (start, end) offsets within `text`.
    - `label`, `where`: set only for facts from the page's HTML head and for rows of logos. For example, the founders in
      the page's HTML head have the label 'Founders' and the place 'structured_data'. A passage with a label
      has one sentence.
    - `is_quotation`: whether the passage is a quotation, which can only be cited as a whole.
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
    def as_shown(self) -> dict[str, Any]:
        """The passage with only the fields that models see: without offsets, digest, fetch time and notice."""
        return vars(self) | {"page": self.page.as_shown, "start": 0, "heading_start": 0}

    def sentence(self, number: int) -> str:
        first, last = self.sentences[number - 1]
        return self.text[first:last]


class Evidence(Value):
    """An exact quotation, which our code copies from the page.

    `quote == page.text[start:end]`, with offsets in characters; `page_sha256` is the digest of the page's text.
    `sister_of` is the company's domain if the page is on another site of the same organisation. `label` and
    `where` are set only for a fact from the HTML head or a row of logos. They say what the text is ('Founders'), and
    where on the page it is.
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


# Whether the quotations support a claim. `unjudged`: neither the rules nor a model reached a verdict.
Verdict = Literal["supported", "partly", "not", "unjudged"]


class Support(Value):
    """The verdict on a claim.

    `judge` is 'rules', 'self' (the model that wrote the claim) or the name of another model. `reason` says why the
    claim is not supported.
    """

    verdict: Verdict
    judge: str
    reason: str = ""


# Answer schemas omit this field of a finding, because our code fills it in.
UNASKED = "support"


class Finding(Value, Generic[C]):
    """A claim with its evidence.

    - `names`: fields that contain the name of a company or person. The evidence must contain these names.
    - `named_in_evidence`: `{"results": "customer"}` means that each passage cited for a result, or the title of its
      page, must contain the customer's name.
    - `unchecked`: fields that general checks skip, because a special check covers them, such as the date of a trigger.
    - `support`: None in a model's answer and for text that makes no claim, such as a question.
    """

    names: ClassVar[tuple[str, ...]] = ()
    unchecked: ClassVar[tuple[str, ...]] = ()
    named_in_evidence: ClassVar[Mapping[str, str]] = {}

    evidence: tuple[C, ...]
    support: Support | None = None


def cites_of(value: Value) -> tuple[EvidenceId, ...]:
    """Return the ids of the evidence that the value itself cites."""
    return cast("Any", value).evidence if defined(type(value), ("evidence",)) else ()


def cited_in(value: object) -> Iterator[EvidenceId]:
    """Yield the ids of all evidence that a value and its nested values cite."""
    return (i for part in walk(value) for i in cites_of(part))


class Collected(Finding[C], Generic[C]):
    """A finding that a model can return more than once, because it reads the pages in several packs.

    If several findings have the same `merge_key`, they are merged into one. Findings are sorted by `rank`.
    """

    @abstractmethod
    def merge_key(self) -> Hashable: ...

    @property
    def rank(self) -> int:
        """Sort key, which is 0 for the strongest findings."""
        return 0


class Claim(Finding[C], Generic[C]):
    text: str
