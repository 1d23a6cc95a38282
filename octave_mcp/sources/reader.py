"""The port that every reader of sites implements, and what readers share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from octave_mcp.domain.addresses import Allowed, check_url, same_site, url_key
from octave_mcp.domain.company import Company
from octave_mcp.domain.page import Addresses, CacheEntry, Link, Page, PageFailure, PageRef
from octave_mcp.errors import InputError
from octave_mcp.sources.web.access import SiteAccess
from octave_mcp.sources.web.similar_urls import limit_similar
from octave_mcp.sources.web.translations import Translation, drop_translations

# The code of a page that a service never tried to fetch: it declined the request or could not be reached.
DECLINED = "declined"
MAX_DELAY_SECONDS = 5
PAGES_OF_SLOW_SITES = 5


class PageRequest(NamedTuple):
    """A page to read, and the cached copy of it that has expired but may be revalidated."""

    url: str
    cached: CacheEntry | None = None


class Reader(Protocol):
    """A source without a cache.

    `name` is the source's, and part of the keys of what is cached. `access` is what it fetches with. `on_progress` is
    called with what is being done while a call takes long.
    """

    name: str
    allow: Allowed
    access: SiteAccess
    on_progress: Callable[[str], None]

    @property
    def credits(self) -> int:
        """As `Source.credits`."""
        ...

    async def open(self, company: Company) -> Company:
        """As `Source.open`."""
        ...

    async def home(self, company: Company, cached: CacheEntry | None = None) -> CacheEntry:
        """As `Source.home`."""
        ...

    async def map(self, company: Company, home: Page) -> Addresses:
        """As `Source.map`."""
        ...

    async def read(self, company: Company, requests: Sequence[PageRequest]) -> Sequence[CacheEntry]:
        """The copy of a page or of a failure for each request, in the order given; each URL is on the site."""
        ...

    async def close(self) -> None: ...


class TitledReader(Reader, Protocol):
    """`title` is its name in a sentence, such as 'the crawler'."""

    title: str


def is_declined(copy: CacheEntry) -> bool:
    return isinstance(copy.found, PageFailure) and copy.found.code == DECLINED


def ignore_progress(_: str) -> None:
    """The callback of a reader until another is set."""


def site_addresses(
    company: Company,
    home: Page,
    listed: Iterable[Link],
    translations: Mapping[str, Translation],
    failures: Sequence[PageFailure] = (),
) -> Addresses:
    """The site's URLs: those that the home page links to, then those listed; each page in one language.

    `translations` are those that the site itself declares, by URL key.
    """
    links = {url_key(link.url): link for link in home.links}
    for link in listed:
        links.setdefault(url_key(link.url), link)
    for url in (home.ref.url, company.url):
        links.pop(url_key(url), None)
    in_one_language = drop_translations(links.values(), home.ref.url, home.ref.language, translations)
    return Addresses(links=tuple(limit_similar(in_one_language)), failures=tuple(failures))


def own_url(url: str, company: Company, allow: Allowed) -> str | PageFailure:
    """The canonical form of a URL on the company's site; of any other URL, the reason not to read it."""
    try:
        canonical = check_url(url, allow)
    except InputError as error:
        return PageFailure(url=url, code="host_not_allowed", reason=str(error))
    if not same_site(url, company) and url not in company.beyond.job_boards:
        return PageFailure(url=url, code="host_not_allowed", reason=f"It is not a part of {company.domain}")
    return canonical


async def read_with_delay(
    requests: Sequence[PageRequest], delay: float, read: Callable[[PageRequest], Awaitable[CacheEntry]]
) -> list[CacheEntry]:
    """Read one page after another with the pause that the site asks for; of a very slow site, the first few."""
    copies: list[CacheEntry] = []
    for position, request in enumerate(requests):
        if delay > MAX_DELAY_SECONDS and position >= PAGES_OF_SLOW_SITES:
            reason = f"The site asks for {delay:g} seconds between two pages: only {PAGES_OF_SLOW_SITES} are read"
            copies.append(CacheEntry(found=PageFailure(url=request.url, code="crawl_delay", reason=reason)))
            continue
        if position:
            await asyncio.sleep(min(delay, MAX_DELAY_SECONDS))
        copies.append(await read(request))
    return copies


def as_home(copy: CacheEntry) -> CacheEntry:
    return with_ref(copy, kind="home")


def revalidated(cached: CacheEntry, at: datetime) -> CacheEntry:
    """The copy as of now: the site says that the page has not changed."""
    return with_ref(cached, fetched_at=at).model_copy(update={"kept_at": at})


def with_ref(copy: CacheEntry, **changes: object) -> CacheEntry:
    """The copy with these fields of its page's reference changed; the copy of a failure is returned unchanged."""
    if not isinstance(copy.found, Page):
        return copy
    ref = PageRef.model_validate(dict(copy.found.ref) | changes)
    return copy.model_copy(update={"found": copy.found.model_copy(update={"ref": ref})})


def without_duplicates(results: Sequence[Page | PageFailure], home: Page) -> tuple[Page | PageFailure, ...]:
    """Replace each page that says the same as an earlier one by a failure that names the earlier one."""
    seen = {home.said: home.ref.url}
    unique: list[Page | PageFailure] = []
    for page in results:
        if isinstance(page, PageFailure):
            unique.append(page)
        elif first := seen.get(page.said):
            unique.append(PageFailure(url=page.ref.url, code="duplicate", reason=f"Says the same as {first}"))
        else:
            seen[page.said] = page.ref.url
            unique.append(page)
    return tuple(unique)
