"""Reads a site through Firecrawl, and parses its pages in the same way as the crawler does.

Before Firecrawl gets a URL, the IP addresses of its host are checked. A URL of a private network is rejected, because
the user's own Firecrawl server could be inside that network. If our own client cannot fetch robots.txt, we rely on
Firecrawl, which obeys robots.txt itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.retrying import retrying
from octave_mcp.concurrency.together import together
from octave_mcp.domain.addresses import PORTS, check_url, is_allowed, path_of, same_site
from octave_mcp.domain.company import Company
from octave_mcp.domain.page import Addresses, CacheEntry, LinkOrigin, Page, PageFailure
from octave_mcp.errors import HostNotAllowed, InputError, Transient, UpstreamError
from octave_mcp.sources.failures import PageFailed
from octave_mcp.sources.firecrawl.client import JOB_SECONDS, Client, Document
from octave_mcp.sources.firecrawl.failures import Declined, Unreachable
from octave_mcp.sources.html.parsing import PageContext, PageParser
from octave_mcp.sources.reader import (
    DECLINED,
    PageRequest,
    as_home,
    ignore_progress,
    own_url,
    read_with_delay,
    site_addresses,
)
from octave_mcp.sources.web.access import SiteAccess, check_permitted, first_that_answers
from octave_mcp.sources.web.responses import HTML, OK
from octave_mcp.sources.web.robots import Rules


class Firecrawl:
    """The `Reader` that uses Firecrawl.

    If Firecrawl declines a site or cannot be reached, `home` and `map` raise an exception with the reason, and `read`
    returns failures with the code `DECLINED`.
    """

    name = "firecrawl"
    title = "Firecrawl"

    def __init__(self, client: Client, access: SiteAccess) -> None:
        self.on_progress: Callable[[str], None] = ignore_progress
        self.allow = access.allow
        self.access = self._access = access
        self._client = client
        self._parser = PageParser()
        self._address_checks: dict[str, asyncio.Task[None]] = {}
        self._declined: dict[str, str] = {}

    @property
    def credits(self) -> int:
        return self._client.credits

    async def open(self, company: Company) -> Company:
        return await first_that_answers(company, self._open)

    async def _open(self, company: Company) -> Company:
        url = check_url(company.url, self.allow)
        await self._check_address(url, url)
        if rules := await self._rules(url, company):
            check_permitted(rules, url, company)
        return company

    async def home(
        self,
        company: Company,
        cached: CacheEntry | None = None,  # noqa: ARG002 - Firecrawl cannot revalidate
    ) -> CacheEntry:
        self._check_declined(company)
        try:
            return as_home(await first_that_answers(company, self._home))
        except UpstreamError as failed:
            self._record(failed, company)
            raise

    async def _home(self, company: Company) -> CacheEntry:
        url = f"{company.url}/"
        await self._check(url, url, company)
        copy = await self._page(await self._client.scrape(url), company, "home")
        if isinstance(copy.found, PageFailure):
            raise PageFailed(**dict(copy.found))
        return copy

    async def map(self, company: Company, home: Page) -> Addresses:
        self._check_declined(company)
        try:
            links = await self._client.map(home.ref.url)
        except UpstreamError as failed:
            self._record(failed, company)
            raise
        checked = [(link, own_url(link.url, company, self.allow)) for link in links]
        own = [link.model_copy(update={"url": url}) for link, url in checked if isinstance(url, str)]
        return await computed(site_addresses, company, home, own, {})

    async def read(self, company: Company, requests: Sequence[PageRequest]) -> Sequence[CacheEntry]:
        by_url: dict[str, CacheEntry] = {}
        try:
            self._check_declined(company)
            await self._read(company, requests, by_url)
        except (Declined, Transient) as failed:
            self._record(failed, company)
            by_url = {request.url: _declined(request.url, failed) for request in requests} | by_url
        return [by_url[request.url] for request in requests]

    async def close(self) -> None:
        for check in self._address_checks.values():
            check.cancel()
        await asyncio.gather(*self._address_checks.values(), return_exceptions=True)
        await self._client.close()
        await self._access.close()

    async def _read(self, company: Company, requests: Sequence[PageRequest], by_url: dict[str, CacheEntry]) -> None:
        """Read the pages, and add a page or a failure for each of them to `by_url`."""
        urls = [
            url
            for url in await together(*(self._permitted(request.url, company, by_url) for request in requests))
            if url
        ]
        if delay := await self._access.delay(company):
            pages = [PageRequest(url) for url in urls]
            copies = await read_with_delay(pages, delay, lambda request: self._one(request.url, company, by_url))
            by_url |= dict(zip(urls, copies, strict=True))
        elif len(urls) == 1:
            await self._one(urls[0], company, by_url)
        elif urls:
            await self._batch(urls, company, by_url)

    async def _batch(self, urls: Sequence[str], company: Company, by_url: dict[str, CacheEntry]) -> None:
        """Scrape the pages as one job.

        If a page is missing from the job's result, it is scraped on its own, because the response to a single scrape
        says why the page failed.
        """
        done = 0

        async def on_page(document: Document) -> None:
            nonlocal done
            done += 1
            self.on_progress(f"{done} of {len(urls)} pages of {company.domain} fetched by Firecrawl")
            by_url[document.asked] = await self._page(document, company, "page")

        in_time = True
        with suppress(PageFailed):  # If Firecrawl refuses the job, scrape each page in its own request below.
            in_time = await self._client.batch(urls, on_page)
        left = [url for url in urls if url not in by_url]
        if in_time:
            await together(*(self._one(url, company, by_url) for url in left))
        else:
            reason = f"Firecrawl did not fetch the page within {JOB_SECONDS:g} seconds"
            by_url |= {url: CacheEntry(found=PageFailure(url=url, code="timeout", reason=reason)) for url in left}

    async def _one(self, url: str, company: Company, by_url: dict[str, CacheEntry]) -> CacheEntry:
        """Scrape one page, and add it to `by_url`."""
        try:
            by_url[url] = await self._page(await self._client.scrape(url), company, "page")
        except PageFailed as error:
            by_url[url] = CacheEntry(found=error.failure)
        except Transient as failed:
            self._record(failed, company)
            by_url[url] = _declined(url, failed)
        return by_url[url]

    async def _page(self, document: Document, company: Company, origin: LinkOrigin) -> CacheEntry:
        """Parse the document, and return the page or a failure."""
        asked = document.asked
        try:
            url = check_url(document.url, self.allow)
            await self._check_document(document, url, company)
            context = PageContext(url=url, company=company, fetched_at=document.fetched_at, origin=origin)
            page = await self._parser.parse(document.html.encode("utf-8", "replace"), "utf-8", context)
        except InputError as error:
            return CacheEntry(found=PageFailure(url=asked, code="host_not_allowed", reason=str(error)))
        except PageFailed as error:
            return CacheEntry(found=error.failure)
        return CacheEntry(found=page, kept_at=document.fetched_at)

    async def _check_document(self, document: Document, url: str, company: Company) -> None:
        """Check that the document is a page of the site.

        Raises:
            PageFailed: If the document is from another site after a redirect, has an error status, or is not HTML.
        """
        asked = document.asked
        if not same_site(url, company):
            where = f"Redirects to {urlsplit(url).netloc}, which is not part of {company.domain}"
            raise PageFailed(asked, "redirected_off_site", where)
        if url != asked:
            await self._check(url, asked, company)
        if document.status and document.status not in OK:
            raise PageFailed(asked, f"http_{document.status}", f"The site responds with {document.status}")
        if document.kind and document.kind not in HTML:
            raise PageFailed(asked, "not_html", f"The response is {document.kind}, not a web page")
        if not document.html.strip():
            raise PageFailed(asked, "empty", "The response has no content")

    async def _permitted(self, url: str, company: Company, by_url: dict[str, CacheEntry]) -> str | None:
        try:
            await self._check(url, url, company)
        except PageFailed as error:
            by_url[url] = CacheEntry(found=error.failure)
            return None
        return url

    async def _check(self, target: str, url: str, company: Company) -> None:
        """Check that Firecrawl is allowed to fetch this page for us.

        Raises:
            PageFailed: If robots.txt forbids reading the page, or its host is not public.
        """
        rules = await self._rules(target, company)
        if rules and not rules.allow(target):
            raise PageFailed(url, "robots_disallowed", f"robots.txt forbids reading {path_of(target)}")
        await self._check_address(target, url)

    async def _rules(self, url: str, company: Company) -> Rules | None:
        """Return the robots.txt rules of the host, or None if we cannot fetch them."""
        try:
            return await self._access.robots.rules(url, company)
        except UpstreamError:
            return None

    async def _check_address(self, target: str, url: str) -> None:
        """Check that all addresses of the host are public. Hosts that the settings allow are not checked.

        Raises:
            PageFailed: If the host has no address, or if one of its addresses is not public.
        """
        if self._is_allowed(target):
            return
        host = urlsplit(target).netloc
        if host not in self._address_checks:
            # All pages of the host share this lookup. The lookup is shielded below. Without the shield, cancelling one
            # page would cancel the lookup that the other pages wait for.
            self._address_checks[host] = asyncio.ensure_future(retrying(lambda: self._access.check_address(target)))
        try:
            await asyncio.shield(self._address_checks[host])
        except HostNotAllowed as error:
            raise PageFailed(url, "host_not_allowed", str(error)) from None

    def _is_allowed(self, url: str) -> bool:
        parts = urlsplit(url)
        return is_allowed(parts.hostname or "", parts.port or PORTS[parts.scheme], self.allow)

    def _check_declined(self, company: Company) -> None:
        """Raise `Declined` if Firecrawl has already declined this site or all requests."""
        if why := self._declined.get("") or self._declined.get(company.domain):
            raise Declined(why)

    def _record(self, failed: UpstreamError, company: Company) -> None:
        """Remember which sites Firecrawl declines, so that it is not asked for these sites again."""
        if isinstance(failed, Declined):
            self._declined["" if failed.everything else company.domain] = str(failed)
        elif isinstance(failed, Unreachable):
            self._declined[""] = str(failed)


def _declined(url: str, failed: UpstreamError) -> CacheEntry:
    return CacheEntry(found=PageFailure(url=url, code=DECLINED, reason=str(failed)))
