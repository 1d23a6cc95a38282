"""A site's pages, fetched once: each fetch is a step of the journal, and what it read is in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Addresses, Page, PageFailure
from octave_mcp.domain.places import mapped
from octave_mcp.errors import Unreadable
from octave_mcp.pipeline.deadline import Deadline
from octave_mcp.ports import Journal, Source, Store

# Below, a page is a label: it has nothing to quote. The home page is read whatever it has.
THIN_WORDS = 5
# How often pages that failed are replaced; the pages read in their place may fail, too.
MAX_ROUNDS = 3

_Read = tuple[Page | PageFailure, ...]
# The keys of the stored pages, and the pages that could not be read, in the order asked for.
_Scraped = tuple[str | PageFailure, ...]


@dataclass(frozen=True, slots=True)
class Pages:
    run_id: str
    source: Source
    store: Store
    journal: Journal
    deadline: Deadline

    async def open(self, company: Company) -> Company:
        return await self.journal.step("open", lambda: self.source.open(company), Company, company)

    async def home(self, company: Company) -> Page:
        async def fetched() -> str:
            (key,) = await self.store.put_pages(self.run_id, [await self.source.home(company)])
            return key

        key = await self.journal.step("home", fetched, str, company)
        try:
            (page,) = await self.store.pages(self.run_id, [key])
        except Unreadable:
            (page,) = await self.store.pages(self.run_id, [await fetched()])
        return page

    async def map(self, company: Company, home: Page) -> Site:
        async def found() -> Addresses:
            site = await self.source.map(company, home)
            return Addresses(links=site.links, failures=site.failures, pages_read=site.pages_read)

        return mapped(company, home, await self.journal.step("map", found, Addresses, company, home.ref.sha256))

    async def scrape(self, site: Site, urls: Sequence[str], spares: Sequence[str] = ()) -> _Read:
        """A page or a failure for each URL, then for each spare that was read in place of a page that failed."""

        async def fetched() -> _Scraped:
            read = await self._read_with_spares(site, urls, spares)
            pages = [page.model_copy(update={"links": (), "outside": ()}) for page in read if isinstance(page, Page)]
            keys = iter(await self.store.put_pages(self.run_id, pages))
            return tuple(next(keys) if isinstance(page, Page) else page for page in read)

        scraped = await self.journal.step("scrape", fetched, _Scraped, site.company, urls, spares)
        try:
            return await self._stored(scraped)
        except Unreadable:  # another release read them
            return await self._stored(await fetched())

    async def _stored(self, scraped: _Scraped) -> _Read:
        pages = iter(await self.store.pages(self.run_id, [key for key in scraped if isinstance(key, str)]))
        return tuple(next(pages) if isinstance(page, str) else page for page in scraped)

    async def _read_with_spares(self, site: Site, urls: Sequence[str], spares: Sequence[str]) -> _Read:
        """The pages at the URLs, and as many of the spares, in their order, as pages fail."""
        seconds = self.deadline.scrape_seconds
        ends_at = None if seconds is None else asyncio.get_running_loop().time() + seconds
        try:
            found = last = _usable(await self._read(site, urls, ends_at))
        except TimeoutError:
            late = "the time that the run, or this step of it, may take was over"
            return tuple(PageFailure(url=url, code="timeout", reason=late) for url in urls)
        for _ in range(MAX_ROUNDS):
            lacking = len(urls) - sum(isinstance(page, Page) for page in found)
            batch, spares = spares[:lacking], spares[lacking:]
            if not batch or not _is_worth_another_try(last):
                break
            try:
                last = _usable(await self._read(site, batch, ends_at), found)
            except TimeoutError:
                break
            found = (*found, *last)
        return found

    async def _read(self, site: Site, urls: Sequence[str], ends_at: float | None) -> _Read:
        """Raises: TimeoutError: it took too long."""
        async with asyncio.timeout_at(ends_at):
            return await self.source.scrape(site, urls)


def _usable(pages: Iterable[Page | PageFailure], others: Iterable[Page | PageFailure] = ()) -> _Read:
    """Pages with next to nothing on them, or that say what one of the others says, as failures."""
    said = {page.said: page.ref.url for page in others if isinstance(page, Page)}
    return tuple(_unless_repeated(_unless_thin(page), said) for page in pages)


def _unless_thin(page: Page | PageFailure) -> Page | PageFailure:
    if isinstance(page, PageFailure) or page.words >= THIN_WORDS:
        return page
    return PageFailure(url=page.ref.url, code="thin", reason=f"There are only {page.words} words on it")


def _unless_repeated(page: Page | PageFailure, said: dict[str, str]) -> Page | PageFailure:
    if isinstance(page, Page) and (first := said.get(page.said)):
        return PageFailure(url=page.ref.url, code="duplicate", reason=f"Says the same as {first}")
    return page


def _is_worth_another_try(last: _Read) -> bool:
    """False if the source or the site gives out no more, or refused all that was asked of it last."""
    failures = [page for page in last if isinstance(page, PageFailure)]
    if any(failure.ends_reading for failure in failures):
        return False
    return len(failures) < len(last) or not any(failure.is_refusal for failure in failures)
