"""Scrapes pages and maps sites for a caller, outside of a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.domain.addresses import parse_company
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Page, PageFailure
from octave_mcp.errors import InputError, SiteRefuses, SiteUnreachable, UpstreamError
from octave_mcp.ports import Source
from octave_mcp.runs.adapters import Adapters


class Websites:
    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters

    async def scrape(self, urls: Sequence[str], source: str, *, refresh: bool) -> tuple[Page | PageFailure, ...]:
        """Return a page or a failure for each URL, in the order of the URLs.

        Raises:
            SetupError, UnknownName: If the source does not exist or is not set up.
        """
        async with self._source(source, refresh=refresh) as pages:
            return tuple(await together(*(self._page(pages, url) for url in urls)))

    async def map(self, site: str, source: str, *, refresh: bool) -> Site:
        """Return a site: its home page, and the URLs found on the home page, in sitemaps and on related sites.

        Raises:
            InputError: If `site` is not the address of a website.
            SiteUnreachable, SiteRefuses: If the home page cannot be read.
            SetupError, UnknownName: If the source does not exist or is not set up.
        """
        async with self._source(source, refresh=refresh) as pages:
            company = self._company(site)
            async with self._timeout(company):
                opened = await pages.open(company)
                home = await pages.home(opened)
            return await pages.map(opened, home)

    async def _page(self, pages: Source, url: str) -> Page | PageFailure:
        try:
            company = self._company(url)
            async with self._timeout(company):
                opened = await pages.open(company)
            (page,) = await pages.read(opened, [_absolute(url, company)])
        except (InputError, UpstreamError) as failed:
            return _failure(url, failed)
        return page

    def _company(self, text: str) -> Company:
        # A company needs a role. The role is "prospect", because the map of a vendor has no job boards and feeds.
        return parse_company(text, "prospect", self._adapters.allow_hosts)

    @asynccontextmanager
    async def _source(self, name: str, *, refresh: bool) -> AsyncGenerator[Source]:
        chosen = self._adapters.source_name(name)
        source = await computed(lambda: self._adapters.source(chosen, refresh=refresh))
        try:
            yield source
        finally:
            await source.close()

    @asynccontextmanager
    async def _timeout(self, company: Company) -> AsyncGenerator[None]:
        seconds = self._adapters.limits.site_timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise SiteUnreachable(f"{company.domain} did not answer within {seconds:g} seconds; try again") from None


def _absolute(url: str, company: Company) -> str:
    return url if "://" in url else f"{company.url.partition('://')[0]}://{url}"


def _failure(url: str, failed: InputError | UpstreamError) -> PageFailure:
    """Return a page failure with `url` exactly as the caller wrote it, so that the caller recognises the URL."""
    # Prefer the page failure that caused the error, because it has the code and reason of the failed request.
    cause = getattr(failed.__cause__, "failure", None)
    if isinstance(cause, PageFailure):
        return cause.model_copy(update={"url": url})
    code = "robots_disallowed" if isinstance(failed, SiteRefuses) else failed.code
    return PageFailure(url=url, code=code, reason=str(failed))
