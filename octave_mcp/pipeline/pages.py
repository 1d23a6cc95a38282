"""A site's pages, fetched once: each fetch is a step of the journal, and what it read is in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Addresses, Page, PageFailure
from octave_mcp.domain.places import mapped
from octave_mcp.pipeline.deadline import Deadline
from octave_mcp.ports import Journal, Source, Store

_Scraped = tuple[str | PageFailure, ...]
"""The keys of the stored pages, and the pages that could not be read, in the order asked for."""


@dataclass(frozen=True, slots=True)
class Pages:
    run_id: str
    source: Source
    store: Store
    journal: Journal
    deadline: Deadline

    async def open(self, company: Company) -> Company:
        return await self.journal.step("open", lambda: self.source.open(company), Company)

    async def home(self, company: Company) -> Page:
        async def fetched() -> str:
            (key,) = await self.store.put_pages(self.run_id, [await self.source.home(company)])
            return key

        (page,) = await self.store.pages(self.run_id, [await self.journal.step("home", fetched, str)])
        return page

    async def map(self, company: Company, home: Page) -> Site:
        async def found() -> Addresses:
            site = await self.source.map(company, home)
            return Addresses(links=site.links, failures=site.failures, pages_read=site.pages_read)

        return mapped(company, home, await self.journal.step("map", found, Addresses))

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        async def fetched() -> _Scraped:
            read = await self._read(site, urls)
            pages = [page.model_copy(update={"links": (), "outside": ()}) for page in read if isinstance(page, Page)]
            keys = iter(await self.store.put_pages(self.run_id, pages))
            return tuple(next(keys) if isinstance(page, Page) else page for page in read)

        scraped = await self.journal.step("scrape", fetched, _Scraped)
        pages = iter(await self.store.pages(self.run_id, [key for key in scraped if isinstance(key, str)]))
        return tuple(next(pages) if isinstance(page, str) else page for page in scraped)

    async def _read(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        try:
            async with asyncio.timeout(self.deadline.scrape_seconds):
                return await self.source.scrape(site, urls)
        except TimeoutError:
            late = "the time that the run, or this step of it, may take was over"
            return tuple(PageFailure(url=url, code="timeout", reason=late) for url in urls)
