"""Pages, links, and pages that could not be read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import accumulate, islice
from typing import Any, Literal

from pydantic import Field

from octave_mcp.domain.value import Value

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,2}|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


def count_words(text: str, at_most: int | None = None) -> int:
    """Count the words of a text, but no further than `at_most`.

    In Chinese, Japanese and Korean, two characters count as one word.
    """
    return len(_WORD.findall(text)) if at_most is None else sum(1 for _ in islice(_WORD.finditer(text), at_most))


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

# Origins of links to job boards, feeds and sister sites, which can be outside the company's own site.
OUTSIDE: tuple[LinkOrigin, ...] = ("job_board", "feed", "sister")

Place = Literal["title", "description", "structured_data", "logos"]
# Places whose text is not a sentence on the page: the HTML head (such as the title) and rows of logos. Prompts and
# exports describe the places with these phrases.
PLACES: dict[Place, str] = {
    "title": "in the page's title",
    "description": "in the page's description",
    "structured_data": "in its structured data",
    "logos": "in a row of logos",
}


class Link(Value):
    """A link to a page of the company. `origin` says where the link was found.

    The URL is on the company's own site unless `origin` is in `OUTSIDE`. `is_read`: whether the page was already read
    while the site was mapped.
    """

    url: str
    text: str = ""
    origin: LinkOrigin = "home"
    is_read: bool = False


class Notice(Value):
    """A note that the text of a page is an old copy, or was fetched by the fallback reader.

    The playbook reports the notice as a gap with the same `code`. `is_lasting`: whether a new run would get the same
    notice.
    """

    code: Literal["stale_copy", "other_source"]
    reason: str
    is_lasting: bool = False


_NEVER = datetime.min.replace(tzinfo=UTC)


class PageRef(Value):
    """The metadata of a page, which is part of every citation of the page.

    `sha256` is the digest of the text in UTF-8. `sister_of` is the company's domain if the page is on another site of
    the same organisation.
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
    def as_shown(self) -> dict[str, Any]:
        """The metadata with only the fields that models see: without the digest, the fetch time and the notice."""
        return vars(self) | {"sha256": "", "fetched_at": _NEVER, "notice": None}


class Structured(Value):
    """Metadata of a page from meta tags, OpenGraph and JSON-LD. The metadata is untrusted and invisible to readers.

    `same_as` lists URLs that the page declares to belong to the same organisation. `logo` is the URL of an image.
    """

    site_name: str = ""
    description: str = ""
    organization: str = ""
    founded: str = ""
    founders: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
    logo: str = ""


def is_in_head(where: Place | None) -> bool:
    """Whether a place is in the page's HTML head. A row of logos is not in the head, because readers see it."""
    return where not in {None, "logos"}


def place_in_words(label: str, where: Place) -> str:
    """Describe a place for people and models: 'Founders, in its structured data'."""
    return f"{label}, {PLACES[where]}" if where == "structured_data" else PLACES[where]


class Labelled(Value):
    """A fact from the HTML head or a row of logos in a page's text. `start` and `end` are character offsets."""

    label: str
    where: Place
    start: int
    end: int


class HeadFact(Value):
    """A fact from the HTML head of a page. `value` is a single line."""

    label: str
    where: Place
    value: str


class Page(Value):
    """A fetched page as Markdown.

    - `text`: the body, followed by one line per fact from the page's HTML head. Evidence is copied from this text, so
      the text must not change.
    - `labelled`: the stretches of `text` that are facts from the HTML head or rows of logos.
    - `links`: links to pages of the same site.
    - `outside`: links to feeds and job boards. If the page is a home page, `outside` also contains links to the home
      pages of other sites.
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
        """The text without the facts from the page's HTML head."""
        return self.text[: self.head[0].start].rstrip() if self.head else self.text

    @property
    def facts_text(self) -> str:
        """The facts from the page's HTML head, one per line, such as 'Founders: Ada, Grace'."""
        return "\n".join(f"{fact.label}: {self.text[fact.start : fact.end]}" for fact in self.head)

    @property
    def normalised_text(self) -> str:
        """The visible text in lower case and with single spaces, for detecting that two URLs lead to the same page."""
        return " ".join((self.body or self.text).casefold().split())

    @property
    def words(self) -> int:
        return count_words(self.text)


def with_facts(body: str, facts: Iterable[HeadFact]) -> tuple[str, tuple[Labelled, ...]]:
    """Append facts to the body of a page. Return the new text, and a `Labelled` for each fact."""
    listed = tuple(facts)
    # Add two characters, because an empty line separates each fact from the text before it.
    starts = accumulate((len(fact.value) + 2 for fact in listed), initial=len(body) + 2 if body else 0)
    labelled = tuple(
        Labelled(label=fact.label, where=fact.where, start=start, end=start + len(fact.value))
        for fact, start in zip(listed, starts, strict=False)
    )
    return "\n\n".join(filter(None, (body, *(fact.value for fact in listed)))), labelled


_TRANSIENT = ("timeout", "connection_failed", "http_408", "http_425", "http_429", "http_5")
# After a failure with one of these codes, no further pages of the site are requested, because they would probably fail,
# too: a service such as Firecrawl cannot be used, or the site demands payment or limits the request rate.
_SITE_WIDE = frozenset({"declined", "crawl_delay", "http_402", "http_429"})
# If a page fails with one of these codes, the site refuses access, so requests for its other pages can fail, too.
_VISITOR_REFUSED = frozenset({"http_401", "http_403", "login_wall"})


class PageFailure(Value):
    """A page that could not be read. `code` is a stable identifier, such as 'http_404', 'timeout' or 'not_html'."""

    url: str
    code: str
    reason: str

    @property
    def is_transient(self) -> bool:
        """Whether the failure is temporary.

        If a failure is temporary, the run ends as 'partial', because another run could read the page.
        """
        return self.code.startswith(_TRANSIENT)

    @property
    def may_pass(self) -> bool:
        """Whether to retry the page at the next request instead of caching the failure.

        The result is True for transient failures and for pages that block bots. Blocking does not count as transient,
        because otherwise every run on a site that blocks bots would end as 'partial'.
        """
        return self.is_transient or self.code == "bot_wall"

    @property
    def ends_reading(self) -> bool:
        """Whether to stop reading the site, because the credits are used up or there were too many requests."""
        return self.code in _SITE_WIDE

    @property
    def is_refusal(self) -> bool:
        """Whether other pages of the site can fail for the same reason.

        A page that does not exist or is empty says nothing about other pages, so the result is False.
        """
        return self.may_pass or self.code in _VISITOR_REFUSED


class Addresses(Value):
    """The result of mapping a site.

    `pages_read` counts pages that were fetched in search of sister sites but are not in `links`.
    """

    links: tuple[Link, ...]
    failures: tuple[PageFailure, ...] = ()
    pages_read: int = 0


class CacheEntry(Value):
    """A cached result of a source: a page, a failure, or the map of a site.

    `etag` and `last_modified` are the validators for conditional HTTP requests. `is_thin`: whether a browser that runs
    the page's JavaScript is likely to show more text.
    """

    found: Page | PageFailure | Addresses
    kept_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    etag: str = ""
    last_modified: str = ""
    is_thin: bool = False
