"""A site read by Firecrawl: it fetches, and what it fetched is read as the crawler reads, from the same HTML.

What it cannot do, the crawler does, and the page says so. The crawler also asks for robots.txt, and its guard looks at
every address before Firecrawl hears of it: one of the user's own may stand inside a network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from pydantic import SecretStr

from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.domain.addresses import PORTS, check_url, is_allowed, same_site
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Addresses, Copy, LinkOrigin, Notice, Page, PageFailure
from octave_mcp.errors import HostNotAllowed, InputError, NoAccess, SiteUnreachable, Transient, UpstreamError
from octave_mcp.ports import Notes
from octave_mcp.settings import Settings
from octave_mcp.sources.crawler.crawler import Crawler
from octave_mcp.sources.firecrawl.client import JOB_SECONDS, Client, Document
from octave_mcp.sources.firecrawl.failures import Declined, Unreachable
from octave_mcp.sources.html.subprocess import Place, Reading
from octave_mcp.sources.reader import (
    Wanted,
    addresses_of,
    as_home,
    at_the_door,
    permitted,
    silence,
    slowly,
    with_ref,
)
from octave_mcp.sources.web.failures import Unread
from octave_mcp.sources.web.fetch import HTML, OK
from octave_mcp.sources.web.robots import SILENT
from octave_mcp.sources.web.transport import Lookup, lookup

UNREACHABLE = frozenset({"connection_failed", "no_address"})


class Firecrawl:
    """The `Reader` that has others fetch."""

    name = "firecrawl"

    def __init__(
        self, settings: Settings, notes: Notes, key: SecretStr | None, url: str, *, max_age_seconds: float,
        lookup: Lookup = lookup, refresh: bool = False,
    ) -> None:  # fmt: skip
        self.tell: Callable[[str], None] = silence
        self._crawler = Crawler(
            settings,
            notes,
            lookup,
            SILENT - {"bot_wall"},  # Firecrawl passes most walls
            refresh=refresh,
        )
        self._client = Client(key, url, max_age_seconds=max_age_seconds)
        self._reading = Reading()
        self.allow = self._crawler.allow
        self._public: dict[str, asyncio.Task[None]] = {}
        self._out_of_reach: set[str] = set()
        self._declined: dict[str, str] = {}

    @property
    def credits(self) -> int:
        return self._client.credits

    async def open(self, company: Company) -> Company:
        try:
            return await self._crawler.open(company)
        except SiteUnreachable:
            if not self._is_allowed(company.url):
                raise
            self._out_of_reach.add(company.domain)
            return company

    async def home(self, company: Company, known: Copy | None = None) -> Copy:
        try:
            self._check_declined(company)
            return as_home(await at_the_door(company, self._home))
        except (Declined, Transient, SiteUnreachable) as failed:
            why = self._noted(failed, company)
            return _noticed(await self._crawler.home(company, known), why)

    async def _home(self, company: Company) -> Copy:
        url = f"{company.url}/"
        await self._check(url, url, company)
        copy = await self._page(await self._client.scrape(url), company, "home")
        if isinstance(copy.found, PageFailure):
            raise Unread(**dict(copy.found))
        return copy

    async def map(self, company: Company, home: Page) -> Addresses:
        try:
            self._check_declined(company)
            found = await self._client.map(home.ref.url)
        except NoAccess:
            raise
        except UpstreamError as failed:
            self._noted(failed, company)
            if company.domain in self._out_of_reach:
                return await computed(addresses_of, company, home, [], {})
            return await self._crawler.map(company, home)
        allowed = [(link, permitted(link.url, company, self.allow)) for link in found]
        own = [link.model_copy(update={"url": url}) for link, url in allowed if isinstance(url, str)]
        return await computed(addresses_of, company, home, own, {})

    async def read(self, site: Site, wanted: Sequence[Wanted]) -> Sequence[Copy]:
        found: dict[str, Copy] = {}
        try:
            self._check_declined(site.company)
            await self._read(site, wanted, found)
        except (Declined, Transient) as failed:
            left = [one for one in wanted if one.url not in found]
            copies = await self._instead(site, left, failed)
            found |= {one.url: copy for one, copy in zip(left, copies, strict=True)}
        return [found[one.url] for one in wanted]

    async def close(self) -> None:
        await self._client.close()
        await self._crawler.close()

    async def _read(self, site: Site, wanted: Sequence[Wanted], found: dict[str, Copy]) -> None:
        """Adds what Firecrawl finds: also failures, but for those that the crawler may mend."""
        urls = [url for url in await together(*(self._permitted(one.url, site, found) for one in wanted)) if url]
        if delay := await self._delay(site):
            one_by_one = [Wanted(url) for url in urls]
            copies = await slowly(one_by_one, delay, lambda one: self._one(one.url, site, found))
            found |= dict(zip(urls, copies, strict=True))
        elif urls:
            await self._batch(urls, site, found)

    async def _batch(self, urls: Sequence[str], site: Site, found: dict[str, Copy]) -> None:
        """As one job; what it left out is asked for alone, which says why."""
        done = 0

        async def on_page(document: Document) -> None:
            nonlocal done
            done += 1
            self.tell(f"{done} of {len(urls)} pages of {site.company.domain} fetched by Firecrawl")
            found[document.asked] = await self._page(document, site.company, "page")

        in_time = True
        with suppress(Unread):  # it did not take the job as it was
            in_time = await self._client.batch(urls, on_page)
        left = [url for url in urls if url not in found]
        if in_time:
            await together(*(self._one(url, site, found) for url in left))
        else:
            reason = f"Firecrawl had not fetched it after {JOB_SECONDS:g} seconds"
            found |= {url: Copy(found=PageFailure(url=url, code="timeout", reason=reason)) for url in left}

    async def _one(self, url: str, site: Site, found: dict[str, Copy]) -> Copy:
        """What is found there, and added to what was found."""
        try:
            found[url] = await self._page(await self._client.scrape(url), site.company, "page")
        except Unread as error:
            found[url] = Copy(found=error.failure)
        except Transient as failed:
            (found[url],) = await self._instead(site, [Wanted(url)], failed)
        return found[url]

    async def _instead(self, site: Site, wanted: Sequence[Wanted], failed: UpstreamError) -> Sequence[Copy]:
        """What the crawler reads, because Firecrawl failed."""
        why = self._noted(failed, site.company)
        return [_noticed(copy, why) for copy in await self._crawler.read(site, wanted)]

    async def _page(self, document: Document, company: Company, origin: LinkOrigin) -> Copy:
        """The page, or why it is none, of what Firecrawl fetched."""
        asked = document.asked
        try:
            url = check_url(document.url, self.allow)
            await self._check_document(document, url, company)
            place = Place(url=url, company=company, fetched_at=document.fetched_at, origin=origin)
            page = await self._reading.read(document.html.encode("utf-8", "replace"), "utf-8", place)
        except InputError as error:
            return Copy(found=PageFailure(url=asked, code="host_not_allowed", reason=str(error)))
        except Unread as error:
            return Copy(found=error.failure)
        return Copy(found=page, kept_at=document.fetched_at)

    async def _check_document(self, document: Document, url: str, company: Company) -> None:
        """Raises: Unread: it ended up where it must not, or is no page."""
        asked = document.asked
        if not same_site(url, company):
            where = f"Redirects to {urlsplit(url).netloc}, which is not a part of {company.domain}"
            raise Unread(asked, "redirected_off_site", where)
        if url != asked:
            await self._check(url, asked, company)
        if document.status and document.status not in OK:
            raise Unread(asked, f"http_{document.status}", f"The site answers {document.status}")
        if document.kind and document.kind not in HTML:
            raise Unread(asked, "not_html", f"It is {document.kind}, not a web page")
        if not document.html.strip():
            raise Unread(asked, "empty", "The answer has no content")

    async def _permitted(self, url: str, site: Site, found: dict[str, Copy]) -> str | None:
        try:
            await self._check(url, url, site.company)
        except Unread as error:
            found[url] = Copy(found=error.failure)
            return None
        return url

    async def _check(self, target: str, url: str, company: Company) -> None:
        """Raises: Unread: robots.txt forbids it, or its host is not public."""
        await self._check_robots(target, url, company)
        if self._is_allowed(target):
            return
        host = urlsplit(target).netloc
        if host not in self._public:
            self._public[host] = asyncio.ensure_future(self._crawler.look_up(target))
        try:
            await asyncio.shield(self._public[host])
        except HostNotAllowed as error:
            raise Unread(url, "host_not_allowed", str(error)) from None

    async def _check_robots(self, target: str, url: str, company: Company) -> None:
        """An allowed host that is not to be reached from here may be from where Firecrawl is: then nothing is known."""
        if company.domain in self._out_of_reach:
            return
        try:
            await self._crawler.check_robots(target, url, company)
        except Unread as error:
            if error.failure.code not in UNREACHABLE or not self._is_allowed(target):
                raise
            self._out_of_reach.add(company.domain)

    async def _delay(self, site: Site) -> float:
        return 0 if site.company.domain in self._out_of_reach else await self._crawler.delay(site)

    def _is_allowed(self, url: str) -> bool:
        parts = urlsplit(url)
        return is_allowed(parts.hostname or "", parts.port or PORTS[parts.scheme], self.allow)

    def _check_declined(self, company: Company) -> None:
        """Raises: Declined: it has declined the site, or everything, before."""
        if why := self._declined.get("") or self._declined.get(company.domain):
            raise Declined(why)

    def _noted(self, failed: UpstreamError, company: Company) -> str:
        """Why the crawler is to do it, and told so."""
        if isinstance(failed, Declined):
            self._declined["" if failed.everything else company.domain] = str(failed)
        elif isinstance(failed, Unreachable):
            self._declined[""] = str(failed)
        self.tell(f"{company.domain} is read by the crawler: {failed}")
        return str(failed)


def _noticed(copy: Copy, why: str) -> Copy:
    return with_ref(copy, notice=Notice(code="other_source", reason=f"read by the crawler: {why}"))
