from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import accumulate
from typing import Literal

from pydantic import Field

from octave_mcp.domain.value import Value

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,2}|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


def count_words(text: str) -> int:
    """Words; in scripts without spaces, two characters count as one."""
    return len(_WORD.findall(text))


PageKind = Literal[
    "home",
    "pricing",
    "customers",
    "case_study",
    "product",
    "comparison",
    "persona",
    "about",
    "careers",
    "news",
    "blog",
    "security",
    "integrations",
    "faq",
    "docs",
    "other",
]

LinkOrigin = Literal["home", "sitemap", "page", "job_board", "feed", "sister"]

# Where a company publishes what is not a page of its site.
OUTSIDE: tuple[LinkOrigin, ...] = ("job_board", "feed", "sister")

Place = Literal["title", "description", "structured_data", "logos"]
# The place on a page of a text that its readers do not see as a sentence.
PLACES: dict[Place, str] = {
    "title": "in the page's title",
    "description": "in the page's description",
    "structured_data": "in its structured data",
    "logos": "in a row of logos",
}


class Link(Value):
    """An address of the company, where it was found, and the text of the link.

    It is on the company's own site unless its origin is one of `OUTSIDE`. `is_read`: the map has read the page already.
    """

    url: str
    text: str = ""
    origin: LinkOrigin = "home"
    is_read: bool = False


class Notice(Value):
    """Why a page was not read in the way requested. `code` is that of the gap that reports it.

    With `is_lasting`, another run would read the page in the same way.
    """

    code: Literal["stale_copy", "other_source"]
    reason: str
    is_lasting: bool = False


class PageRef(Value):
    """The description of a page wherever it is cited. `sha256` is the digest of its text in UTF-8.

    `sister_of` is the domain of the company if the page is on a sister site of its.
    """

    url: str
    sha256: str
    title: str
    kind: PageKind
    language: str
    fetched_at: datetime
    published_on: date | None = None
    notice: Notice | None = None
    sister_of: str = ""

    @property
    def as_shown(self) -> PageRef:
        """Without what a model is not shown: the digest of its text, and when and how it was fetched."""
        return self.model_copy(update={"sha256": "", "fetched_at": datetime.min.replace(tzinfo=UTC), "notice": None})


class Structured(Value):
    """What a page says of itself in meta, OpenGraph and JSON-LD: untrusted, and not shown to its readers.

    `same_as` are addresses that it declares to be of the same organisation; `logo` is the address of an image.
    """

    site_name: str = ""
    description: str = ""
    organization: str = ""
    founded: str = ""
    founders: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
    logo: str = ""


def is_in_head(where: Place | None) -> bool:
    """Whether it is in the page's head, which readers do not see. They do see a row of logos."""
    return where not in {None, "logos"}


def place_in_words(label: str, where: Place) -> str:
    """Where a text stands, for people and models: 'Founders, in its structured data'."""
    return f"{label}, {PLACES[where]}" if where == "structured_data" else PLACES[where]


class Labelled(Value):
    """A stretch of a page's text that its readers do not see as a sentence: what it is, and where it stands."""

    label: str
    where: Place
    start: int
    end: int


class HeadFact(Value):
    """What a page says in its head; `value` is one line."""

    label: str
    where: Place
    value: str


class Page(Value):
    """A fetched URL as Markdown. `text` is what evidence is copied from, and never changes.

    It is the body, then a line for each fact of the page's head. `labelled` says which of it is such a fact, or a row
    of logos. `links` lead to pages of the same site; `outside` to feeds, job boards and, from a home page, other home
    pages.
    """

    ref: PageRef
    text: str
    structured: Structured
    links: tuple[Link, ...] = ()
    outside: tuple[Link, ...] = ()
    labelled: tuple[Labelled, ...] = ()

    @property
    def head(self) -> tuple[Labelled, ...]:
        return tuple(stretch for stretch in self.labelled if is_in_head(stretch.where))

    @property
    def body(self) -> str:
        """The text without the facts of the page's head."""
        return self.text[: self.head[0].start].rstrip() if self.head else self.text

    @property
    def facts_text(self) -> str:
        """The facts of the page's head, one to a line: 'Founders: Ada, Grace'."""
        return "\n".join(f"{fact.label}: {self.text[fact.start : fact.end]}" for fact in self.head)

    @property
    def said(self) -> str:
        """What two addresses of one page have in common: its words, whatever it says of itself."""
        return " ".join((self.body or self.text).casefold().split())

    @property
    def words(self) -> int:
        return count_words(self.text)


def with_facts(body: str, facts: Iterable[HeadFact]) -> tuple[str, tuple[Labelled, ...]]:
    """The text of a page that has these facts in its head, and where in it they stand."""
    known = tuple(facts)
    starts = accumulate((len(fact.value) + 2 for fact in known), initial=len(body) + 2 if body else 0)
    labelled = tuple(
        Labelled(label=fact.label, where=fact.where, start=start, end=start + len(fact.value))
        for fact, start in zip(known, starts, strict=False)
    )
    return "\n\n".join(filter(None, (body, *(fact.value for fact in known)))), labelled


_TRANSIENT = ("timeout", "connection_failed", "http_408", "http_425", "http_429", "http_5")
_OF_ALL_PAGES = frozenset({"declined", "crawl_delay", "http_402", "http_429"})
_OF_VISITORS = frozenset({"http_401", "http_403", "login_wall"})


class PageFailure(Value):
    """A page that could not be read: `code` is stable ('http_404', 'timeout', 'not_html', ...)."""

    url: str
    code: str
    reason: str

    @property
    def is_transient(self) -> bool:
        """Whether the failure is temporary: another run may read the page, and this run is partial."""
        return self.code.startswith(_TRANSIENT)

    @property
    def may_pass(self) -> bool:
        """Whether to retry at the next request instead of caching the failure; true for a bot wall, which may open.

        A bot wall does not make a run partial: otherwise every run on a site that has one would be partial.
        """
        return self.is_transient or self.code == "bot_wall"

    @property
    def ends_reading(self) -> bool:
        """Whether the source, or the site, reads out no further page: no credits, too many requests."""
        return self.code in _OF_ALL_PAGES

    @property
    def is_refusal(self) -> bool:
        """Whether other pages of the site may fail for the same reason; not so of a page that is gone or empty."""
        return self.may_pass or self.code in _OF_VISITORS


class Addresses(Value):
    """The result of mapping a site. `pages_read` counts the pages read for it that are not among the links."""

    links: tuple[Link, ...]
    failures: tuple[PageFailure, ...] = ()
    pages_read: int = 0


class CacheEntry(Value):
    """What a source found, for the next request. `etag` and `last_modified` identify the version for the site.

    A page that `is_thin` may show more when a browser runs its scripts.
    """

    found: Page | PageFailure | Addresses
    kept_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    etag: str = ""
    last_modified: str = ""
    is_thin: bool = False
