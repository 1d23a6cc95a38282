"""Access to the pages of a site. The journal records each fetch, so that a resumed run does not repeat the fetch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Addresses, Page, PageFailure, count_words
from octave_mcp.domain.places import mapped
from octave_mcp.errors import Unreadable
from octave_mcp.pipeline.deadline import Deadline
from octave_mcp.pipeline.progress import Progress
from octave_mcp.ports import Journal, Source, Store

# A page with fewer words than this counts as failed, because it has too little text to quote. The limit does not apply
# to the page at the root of the site, because every run needs it.
MIN_PAGE_WORDS = 5
# Maximum number of rounds in which spare URLs replace failed pages. One round is not enough, because a spare URL can
# fail as well.
MAX_ROUNDS = 3

_Read = tuple[Page | PageFailure, ...]
# What the journal records for a scrape: for each URL that was read, the key of the stored page, or the page failure.
_Scraped = tuple[str | PageFailure, ...]


@dataclass(frozen=True, slots=True)
class Pages:
    """Fetches pages for one run, records the fetches in the journal, and stores the pages."""

    run_id: str
    source: Source
    store: Store
    journal: Journal
    deadline: Deadline
    progress: Progress

    async def open(self, company: Company) -> Company:
        """Check that robots.txt allows access, and return the company with the URL at which its site responds."""

        async def opened() -> Company:
            with self.progress.fetching("robots"):
                return await self.source.open(company)

        return await self.journal.step("open", opened, Company, company)

    async def home(self, company: Company) -> Page:
        """Return the home page.

        If another release stored the page in a format that this release cannot read, fetch the page again.
        """

        async def fetched() -> str:
            with self.progress.fetching("home") as read:
                page = await self.source.home(company)
                read.append(page)
            (key,) = await self.store.put_pages(self.run_id, [page])
            return key

        key = await self.journal.step("home", fetched, str, company)
        try:
            (page,) = await self.store.pages(self.run_id, [key])
        except Unreadable:
            (page,) = await self.store.pages(self.run_id, [await fetched()])
        return page

    async def map(self, company: Company, home: Page) -> Site:
        """Return the company's site with its home page and its links."""

        async def found() -> Addresses:
            with self.progress.fetching("map"):
                site = await self.source.map(company, home)
            return Addresses(links=site.links, failures=site.failures, pages_read=site.pages_read)

        return mapped(company, home, await self.journal.step("map", found, Addresses, company, home.ref.sha256))

    async def scrape(self, site: Site, urls: Sequence[str], spares: Sequence[str] = ()) -> _Read:
        """Return a page or a failure for each URL.

        If spare URLs were read to replace failed pages, their results follow at the end.
        """

        async def fetched() -> _Scraped:
            with self.progress.fetching("pages") as counted:
                read = await self._read_with_spares(site, urls, spares)
                counted.extend(read)
            pages = [page.model_copy(update={"links": (), "outside": ()}) for page in read if isinstance(page, Page)]
            keys = iter(await self.store.put_pages(self.run_id, pages))
            return tuple(next(keys) if isinstance(page, Page) else page for page in read)

        scraped = await self.journal.step("scrape", fetched, _Scraped, site.company, urls, spares)
        try:
            return await self._stored(scraped)
        except Unreadable:  # a page is missing, or another release stored it in a different format
            return await self._stored(await fetched())

    async def _stored(self, scraped: _Scraped) -> _Read:
        pages = iter(await self.store.pages(self.run_id, [key for key in scraped if isinstance(key, str)]))
        return tuple(next(pages) if isinstance(page, str) else page for page in scraped)

    async def _read_with_spares(self, site: Site, urls: Sequence[str], spares: Sequence[str]) -> _Read:
        """Read the URLs, and then read one spare URL for each page that failed."""
        seconds = self.deadline.scrape_seconds
        # All rounds share one time limit, so that spare URLs do not use up the time for later steps.
        ends_at = None if seconds is None else asyncio.get_running_loop().time() + seconds
        try:
            pages = last = _usable(await self._read(site, urls, ends_at))
        except TimeoutError:
            late = "the time limit of the run or of this step was reached"
            return tuple(PageFailure(url=url, code="timeout", reason=late) for url in urls)
        for _ in range(MAX_ROUNDS):
            missing = len(urls) - sum(isinstance(page, Page) for page in pages)
            batch, spares = spares[:missing], spares[missing:]
            if not batch or not _is_worth_another_try(last):
                break
            try:
                last = _usable(await self._read(site, batch, ends_at), pages)
            except TimeoutError:
                break
            pages = (*pages, *last)
        return pages

    async def _read(self, site: Site, urls: Sequence[str], ends_at: float | None) -> _Read:
        async with asyncio.timeout_at(ends_at):
            return await self.source.scrape(site, urls)


def _usable(pages: Iterable[Page | PageFailure], others: Iterable[Page | PageFailure] = ()) -> _Read:
    """Replace a page with a failure if it has almost no text, or if it has the same text as a page in `others`."""
    first_urls = {page.normalised_text: page.ref.url for page in others if isinstance(page, Page)}
    return tuple(_unless_repeated(_unless_thin(page), first_urls) for page in pages)


def _unless_thin(page: Page | PageFailure) -> Page | PageFailure:
    if isinstance(page, PageFailure) or (words := count_words(page.text, at_most=MIN_PAGE_WORDS)) == MIN_PAGE_WORDS:
        return page
    return PageFailure(url=page.ref.url, code="thin", reason=f"The page has only {words} words")


def _unless_repeated(page: Page | PageFailure, first_urls: dict[str, str]) -> Page | PageFailure:
    if first_urls and isinstance(page, Page) and (first := first_urls.get(page.normalised_text)):
        return PageFailure(url=page.ref.url, code="duplicate", reason=f"The page has the same text as {first}")
    return page


def _is_worth_another_try(last: _Read) -> bool:
    """Whether to read spare URLs after the pages in `last`.

    Return False after an error that also affects all other pages, for example if the credits are used up. Also return
    False if all pages in `last` failed and the site refused access to at least one of them.
    """
    failures = [page for page in last if isinstance(page, PageFailure)]
    if any(failure.ends_reading for failure in failures):
        return False
    return len(failures) < len(last) or not any(failure.is_refusal for failure in failures)
