"""A site read through Firecrawl: it fetches, and we parse the HTML as we parse what the crawler fetches.

We resolve each host before Firecrawl gets a URL, since a self-hosted Firecrawl may run inside a private network. The
host need not answer us: robots.txt counts if we can fetch it; if we cannot, Firecrawl obeys it.
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

    While Firecrawl declines a site, or cannot be reached, `home` and `map` raise the reason, and `read` gives failures
    with the code `DECLINED`.
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
        cached: CacheEntry | None = None,  # noqa: ARG002 - Firecrawl has its own cache, and does not revalidate copies
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
            found = await self._client.map(home.ref.url)
        except UpstreamError as failed:
            self._record(failed, company)
            raise
        checked = [(link, own_url(link.url, company, self.allow)) for link in found]
        own = [link.model_copy(update={"url": url}) for link, url in checked if isinstance(url, str)]
        return await computed(site_addresses, company, home, own, {})

    async def read(self, company: Company, requests: Sequence[PageRequest]) -> Sequence[CacheEntry]:
        found: dict[str, CacheEntry] = {}
        try:
            self._check_declined(company)
            await self._read(company, requests, found)
        except (Declined, Transient) as failed:
            self._record(failed, company)
            found = {request.url: _declined(request.url, failed) for request in requests} | found
        return [found[request.url] for request in requests]

    async def close(self) -> None:
        for check in self._address_checks.values():
            check.cancel()
        await asyncio.gather(*self._address_checks.values(), return_exceptions=True)
        await self._client.close()
        await self._access.close()

    async def _read(self, company: Company, requests: Sequence[PageRequest], found: dict[str, CacheEntry]) -> None:
        """Add what Firecrawl finds, failures included."""
        urls = [url for url in await together(*(self._permitted(one.url, company, found) for one in requests)) if url]
        if delay := await self._access.delay(company):
            pages = [PageRequest(url) for url in urls]
            copies = await read_with_delay(pages, delay, lambda request: self._one(request.url, company, found))
            found |= dict(zip(urls, copies, strict=True))
        elif len(urls) == 1:
            await self._one(urls[0], company, found)
        elif urls:
            await self._batch(urls, company, found)

    async def _batch(self, urls: Sequence[str], company: Company, found: dict[str, CacheEntry]) -> None:
        """Scrape them as one job; what it leaves out is scraped alone, which gives the reason."""
        done = 0

        async def on_page(document: Document) -> None:
            nonlocal done
            done += 1
            self.on_progress(f"{done} of {len(urls)} pages of {company.domain} fetched by Firecrawl")
            found[document.asked] = await self._page(document, company, "page")

        in_time = True
        with suppress(PageFailed):  # Firecrawl refused the job
            in_time = await self._client.batch(urls, on_page)
        left = [url for url in urls if url not in found]
        if in_time:
            await together(*(self._one(url, company, found) for url in left))
        else:
            reason = f"Firecrawl had not fetched it after {JOB_SECONDS:g} seconds"
            found |= {url: CacheEntry(found=PageFailure(url=url, code="timeout", reason=reason)) for url in left}

    async def _one(self, url: str, company: Company, found: dict[str, CacheEntry]) -> CacheEntry:
        """Scrape one page, and add it to what was found."""
        try:
            found[url] = await self._page(await self._client.scrape(url), company, "page")
        except PageFailed as error:
            found[url] = CacheEntry(found=error.failure)
        except Transient as failed:
            self._record(failed, company)
            found[url] = _declined(url, failed)
        return found[url]

    async def _page(self, document: Document, company: Company, origin: LinkOrigin) -> CacheEntry:
        """The page that Firecrawl fetched, or the failure."""
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
        """Raises: PageFailed: it was redirected off the site, or is not a page."""
        asked = document.asked
        if not same_site(url, company):
            where = f"Redirects to {urlsplit(url).netloc}, which is not a part of {company.domain}"
            raise PageFailed(asked, "redirected_off_site", where)
        if url != asked:
            await self._check(url, asked, company)
        if document.status and document.status not in OK:
            raise PageFailed(asked, f"http_{document.status}", f"The site answers {document.status}")
        if document.kind and document.kind not in HTML:
            raise PageFailed(asked, "not_html", f"It is {document.kind}, not a web page")
        if not document.html.strip():
            raise PageFailed(asked, "empty", "The answer has no content")

    async def _permitted(self, url: str, company: Company, found: dict[str, CacheEntry]) -> str | None:
        try:
            await self._check(url, url, company)
        except PageFailed as error:
            found[url] = CacheEntry(found=error.failure)
            return None
        return url

    async def _check(self, target: str, url: str, company: Company) -> None:
        """Raises: PageFailed: robots.txt forbids it, or its host is not public."""
        rules = await self._rules(target, company)
        if rules and not rules.allow(target):
            raise PageFailed(url, "robots_disallowed", f"robots.txt forbids reading {path_of(target)}")
        await self._check_address(target, url)

    async def _rules(self, url: str, company: Company) -> Rules | None:
        """None if we cannot read robots.txt."""
        try:
            return await self._access.robots.rules(url, company)
        except UpstreamError:
            return None

    async def _check_address(self, target: str, url: str) -> None:
        """Check that the name is a public one; it is not looked up if the host is allowed.

        Raises:
            PageFailed: it has an address that is not public, or none.
        """
        if self._is_allowed(target):
            return
        host = urlsplit(target).netloc
        if host not in self._address_checks:
            self._address_checks[host] = asyncio.ensure_future(retrying(lambda: self._access.check_address(target)))
        try:
            await asyncio.shield(self._address_checks[host])
        except HostNotAllowed as error:
            raise PageFailed(url, "host_not_allowed", str(error)) from None

    def _is_allowed(self, url: str) -> bool:
        parts = urlsplit(url)
        return is_allowed(parts.hostname or "", parts.port or PORTS[parts.scheme], self.allow)

    def _check_declined(self, company: Company) -> None:
        """Raises: Declined: it declined this site, or everything, before."""
        if why := self._declined.get("") or self._declined.get(company.domain):
            raise Declined(why)

    def _record(self, failed: UpstreamError, company: Company) -> None:
        """Remember what Firecrawl declines, so that it is not asked again."""
        if isinstance(failed, Declined):
            self._declined["" if failed.everything else company.domain] = str(failed)
        elif isinstance(failed, Unreachable):
            self._declined[""] = str(failed)


def _declined(url: str, failed: UpstreamError) -> CacheEntry:
    return CacheEntry(found=PageFailure(url=url, code=DECLINED, reason=str(failed)))
