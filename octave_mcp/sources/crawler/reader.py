"""The crawler: a reader that fetches pages with our own HTTP client and needs no account."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.domain.company import Company
from octave_mcp.domain.page import Addresses, CacheEntry, Link, LinkOrigin, Page, count_words
from octave_mcp.sources.failures import PageFailed
from octave_mcp.sources.html.parsing import PageContext, PageParser
from octave_mcp.sources.reader import (
    PageRequest,
    as_home,
    ignore_progress,
    read_with_delay,
    revalidated,
    site_addresses,
)
from octave_mcp.sources.web.access import SiteAccess, first_that_answers
from octave_mcp.sources.web.sitemap import sitemap_urls

# If a page has scripts, fewer than `THIN_PAGE_WORDS` words and at least `THIN_PAGE_BYTES` bytes, its scripts probably
# add most of the text.
THIN_PAGE_WORDS, THIN_PAGE_BYTES = 100, 20_000
SCRIPT = re.compile(rb"<script\b", re.IGNORECASE)


class Crawler:
    """The `Reader` that needs no account. All sites of a run share one HTTP client."""

    name = "crawler"
    title = "the crawler"

    def __init__(self, access: SiteAccess) -> None:
        self.allow = access.allow
        self.credits = 0
        self.on_progress: Callable[[str], None] = ignore_progress
        self.access = self._access = access
        self._parser = PageParser()

    async def open(self, company: Company) -> Company:
        return await self._access.open(company)

    async def home(self, company: Company, cached: CacheEntry | None = None) -> CacheEntry:
        return await first_that_answers(company, lambda candidate: self._home(candidate, cached))

    async def _home(self, company: Company, cached: CacheEntry | None) -> CacheEntry:
        return as_home(await self._page(f"{company.url}/", company, "home", cached))

    async def map(self, company: Company, home: Page) -> Addresses:
        rules = await self._access.robots.rules(home.ref.url, company)
        listed = await sitemap_urls(self._access.fetcher, company, rules.sitemaps)
        links = [Link(url=url, origin="sitemap") for url in listed.urls.values()]
        return await computed(site_addresses, company, home, links, listed.translations, listed.failures)

    async def read(self, company: Company, requests: Sequence[PageRequest]) -> Sequence[CacheEntry]:
        if delay := await self._access.delay(company):
            return await read_with_delay(requests, delay, lambda request: self._read(company, request))
        return await together(*(self._read(company, request) for request in requests))

    async def close(self) -> None:
        await self._access.close()

    async def _read(self, company: Company, request: PageRequest) -> CacheEntry:
        try:
            return await self._page(request.url, company, "page", request.cached)
        except PageFailed as error:
            return CacheEntry(found=error.failure.model_copy(update={"url": request.url}))

    async def _page(self, url: str, company: Company, origin: LinkOrigin, cached: CacheEntry | None) -> CacheEntry:
        """Return the page at `url`.

        Raises:
            PageFailed: If robots.txt forbids reading the page, or the page cannot be read.
        """
        fetched = await self._access.fetcher.get(
            url, company, check_target=lambda target: self._access.check_robots(target, url, company), cached=cached
        )
        if fetched.not_modified and cached:
            return revalidated(cached, fetched.fetched_at)
        if not fetched.body.strip():
            raise PageFailed(url, "empty", "The response has no content")
        context = PageContext(url=fetched.url, company=company, fetched_at=fetched.fetched_at, origin=origin)
        page = await self._parser.parse(fetched.body, fetched.charset, context)
        return CacheEntry(
            found=page,
            kept_at=fetched.fetched_at,
            etag=fetched.etag,
            last_modified=fetched.last_modified,
            is_thin=_is_thin(page, fetched.body),
        )


def _is_thin(page: Page, html: bytes) -> bool:
    """Whether the page probably gets most of its text from scripts.

    A thin page has scripts. It has either no words, or only a few words in a large HTML file.
    """
    words = count_words(page.body, at_most=THIN_PAGE_WORDS)
    is_short = words == 0 or (words < THIN_PAGE_WORDS and len(html) >= THIN_PAGE_BYTES)
    return is_short and SCRIPT.search(html) is not None
