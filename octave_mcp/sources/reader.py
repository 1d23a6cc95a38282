"""The interface of readers, and their shared functions. A reader fetches and parses the pages of a site."""

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

# Failure code for pages that an external service did not return, because the service refused the request, failed or
# could not be reached.
DECLINED = "declined"
# Maximum pause between two pages of a site. If a site asks for a longer pause, the maximum is used, but only
# MAX_PAGES_OF_SLOW_SITES of the pages that are requested together are read.
MAX_DELAY_SECONDS = 5
MAX_PAGES_OF_SLOW_SITES = 5


class PageRequest(NamedTuple):
    """A request for a page.

    `cached`: an expired copy of the page, so that the reader can ask the site whether this copy is still valid.
    """

    url: str
    cached: CacheEntry | None = None


class Reader(Protocol):
    """Fetches and parses the pages of a site, without a cache.

    `name` is part of the cache keys. `on_progress` is called with a description of the current activity during long
    calls.
    """

    name: str
    allow: Allowed
    access: SiteAccess
    on_progress: Callable[[str], None]

    @property
    def credits(self) -> int:
        """See `Source.credits`."""
        ...

    async def open(self, company: Company) -> Company:
        """See `Source.open`."""
        ...

    async def home(self, company: Company, cached: CacheEntry | None = None) -> CacheEntry:
        """See `Source.home`."""
        ...

    async def map(self, company: Company, home: Page) -> Addresses:
        """See `Source.map`."""
        ...

    async def read(self, company: Company, requests: Sequence[PageRequest]) -> Sequence[CacheEntry]:
        """Return a page or a failure for each request, in the order of the requests.

        All URLs must belong to the site.
        """
        ...

    async def close(self) -> None: ...


class TitledReader(Reader, Protocol):
    """A reader with a `title`, such as 'the crawler', which is used in messages."""

    title: str


def is_declined(copy: CacheEntry) -> bool:
    return isinstance(copy.found, PageFailure) and copy.found.code == DECLINED


def ignore_progress(_: str) -> None:
    """Ignore a progress message. This function is the default `on_progress` callback."""


def site_addresses(
    company: Company,
    home: Page,
    listed: Iterable[Link],
    translations: Mapping[str, Translation],
    failures: Sequence[PageFailure] = (),
) -> Addresses:
    """Return the URLs of the site: first the links on the home page, then the URLs in sitemaps.

    If a page exists in several languages, return the URL of only one language. `translations` are the translations that
    the site declares, by URL key.
    """
    links = {url_key(link.url): link for link in home.links}
    for link in listed:
        links.setdefault(url_key(link.url), link)
    for url in (home.ref.url, company.url):
        links.pop(url_key(url), None)
    in_one_language = drop_translations(links.values(), home.ref.url, home.ref.language, translations)
    return Addresses(links=tuple(limit_similar(in_one_language)), failures=tuple(failures))


def own_url(url: str, company: Company, allow: Allowed) -> str | PageFailure:
    """Return the canonical form of a URL on the company's site. For any other URL, return a failure."""
    try:
        canonical = check_url(url, allow)
    except InputError as error:
        return PageFailure(url=url, code="host_not_allowed", reason=str(error))
    if not same_site(url, company) and url not in company.beyond.job_boards:
        return PageFailure(url=url, code="host_not_allowed", reason=f"The address is not part of {company.domain}")
    return canonical


async def read_with_delay(
    requests: Sequence[PageRequest], delay: float, read: Callable[[PageRequest], Awaitable[CacheEntry]]
) -> list[CacheEntry]:
    """Read the pages one by one, with the crawl delay of the site.

    If the crawl delay is very long, only a few pages are read.
    """
    copies: list[CacheEntry] = []
    for position, request in enumerate(requests):
        if delay > MAX_DELAY_SECONDS and position >= MAX_PAGES_OF_SLOW_SITES:
            reason = f"The site asks for {delay:g} seconds between pages, so only {MAX_PAGES_OF_SLOW_SITES} are read"
            copies.append(CacheEntry(found=PageFailure(url=request.url, code="crawl_delay", reason=reason)))
            continue
        if position:
            await asyncio.sleep(min(delay, MAX_DELAY_SECONDS))
        copies.append(await read(request))
    return copies


def as_home(copy: CacheEntry) -> CacheEntry:
    return with_ref(copy, kind="home")


def revalidated(cached: CacheEntry, at: datetime) -> CacheEntry:
    """Return the cached copy with a new timestamp.

    This function is called when the site says that the page has not changed.
    """
    return with_ref(cached, fetched_at=at).model_copy(update={"kept_at": at})


def with_ref(copy: CacheEntry, **changes: object) -> CacheEntry:
    """Change fields of the `PageRef` in a cached copy. If the copy contains a failure, return it unchanged."""
    if not isinstance(copy.found, Page):
        return copy
    ref = PageRef.model_validate(dict(copy.found.ref) | changes)
    return copy.model_copy(update={"found": copy.found.model_copy(update={"ref": ref})})


def without_duplicates(results: Sequence[Page | PageFailure], home: Page) -> tuple[Page | PageFailure, ...]:
    """If a page has the same content as an earlier page, replace it with a failure that names the earlier page."""
    seen = {home.normalised_text: home.ref.url}
    unique: list[Page | PageFailure] = []
    for page in results:
        if isinstance(page, PageFailure):
            unique.append(page)
        elif first := seen.get(page.normalised_text):
            unique.append(PageFailure(url=page.ref.url, code="duplicate", reason=f"Has the same content as {first}"))
        else:
            seen[page.normalised_text] = page.ref.url
            unique.append(page)
    return tuple(unique)
