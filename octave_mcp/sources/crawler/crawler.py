"""A site read by ourselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.retrying import retrying
from octave_mcp.concurrency.together import together
from octave_mcp.domain.addresses import PORTS, check_url, path_of
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Addresses, Copy, Link, LinkOrigin, Page
from octave_mcp.errors import SiteRefuses, UpstreamError
from octave_mcp.ports import Notes
from octave_mcp.settings import Settings
from octave_mcp.sources.html.subprocess import Place, Reading
from octave_mcp.sources.reader import Wanted, addresses_of, as_home, at_the_door, confirmed, silence, slowly
from octave_mcp.sources.web.failures import Unread, UnreadYet
from octave_mcp.sources.web.fetch import Fetcher
from octave_mcp.sources.web.robots import SILENT, Robots
from octave_mcp.sources.web.sitemap import listed
from octave_mcp.sources.web.transport import GuardedBackend, Lookup, NoAddress, lookup


class Crawler:
    """The `Reader` that needs no account. One client serves all its sites, and is closed with it.

    `silent` are the ways in which a robots.txt is not to be had that forbid the whole site; `refresh` has it
    asked for anew.
    """

    name = "crawler"

    def __init__(
        self,
        settings: Settings,
        notes: Notes,
        lookup: Lookup = lookup,
        silent: frozenset[str] = SILENT,
        *,
        refresh: bool = False,
    ) -> None:
        self.allow = frozenset(host.lower() for host in settings.allow_hosts)
        self.credits = 0
        self.tell: Callable[[str], None] = silence
        self._backend = GuardedBackend(self.allow, lookup)
        self._fetcher = Fetcher(settings, self._backend)
        self._robots = Robots(self._fetcher, notes, silent, refresh=refresh)
        self._reading = Reading()

    async def open(self, company: Company) -> Company:
        return await at_the_door(company, self._open)

    async def _open(self, company: Company) -> Company:
        url = check_url(company.url, self.allow)
        await retrying(lambda: self.look_up(url))
        rules = await self._robots.rules(url, company)
        if not rules.allow(url):
            raise SiteRefuses(
                f"{url}robots.txt forbids reading {company.domain}; choose another company, or ask it for permission"
            )
        return company

    async def look_up(self, url: str) -> None:
        """Raises: HostNotAllowed, UnreadYet: its host has an address that is not public, or none."""
        parts = urlsplit(url)
        try:
            await self._backend.checked(parts.hostname or "", parts.port or PORTS[parts.scheme])
        except NoAddress as error:
            raise UnreadYet(url, "no_address", f"{parts.hostname} has no address") from error

    async def home(self, company: Company, known: Copy | None = None) -> Copy:
        return await at_the_door(company, lambda candidate: self._home(candidate, known))

    async def _home(self, company: Company, known: Copy | None) -> Copy:
        return as_home(await self._page(f"{company.url}/", company, "home", known))

    async def map(self, company: Company, home: Page) -> Addresses:
        rules = await self._robots.rules(home.ref.url, company)
        found = await listed(self._fetcher, company, rules.sitemaps)
        links = [Link(url=url, origin="sitemap") for url in found.urls.values()]
        return await computed(addresses_of, company, home, links, found.variants, found.failures)

    async def read(self, site: Site, wanted: Sequence[Wanted]) -> Sequence[Copy]:
        if delay := await self.delay(site):
            return await slowly(wanted, delay, lambda one: self._read(site, one))
        return await together(*(self._read(site, one) for one in wanted))

    async def close(self) -> None:
        await self._robots.close()
        await self._fetcher.close()

    async def delay(self, site: Site) -> float:
        """The pause that the site asks for; none if that is not to be had, which its pages will then say."""
        try:
            return (await self._robots.rules(site.home.ref.url, site.company)).delay_seconds
        except UpstreamError:
            return 0

    async def _read(self, site: Site, wanted: Wanted) -> Copy:
        try:
            return await self._page(wanted.url, site.company, "page", wanted.known)
        except Unread as error:
            return Copy(found=error.failure.model_copy(update={"url": wanted.url}))

    async def _page(self, url: str, company: Company, origin: LinkOrigin, known: Copy | None) -> Copy:
        """The page at `url`, if robots.txt lets us read it.

        Raises:
            Unread: its failure says why.
        """
        fetched = await self._fetcher.get(
            url, company, permit=lambda target: self.check_robots(target, url, company), known=known
        )
        if fetched.unchanged and known:
            return confirmed(known, fetched.fetched_at)
        if not fetched.body.strip():
            raise Unread(url, "empty", "The answer has no content")
        place = Place(url=fetched.url, company=company, fetched_at=fetched.fetched_at, origin=origin)
        page = await self._reading.read(fetched.body, fetched.charset, place)
        return Copy(found=page, kept_at=fetched.fetched_at, etag=fetched.etag, last_modified=fetched.last_modified)

    async def check_robots(self, target: str, url: str, company: Company) -> None:
        """Raises: Unread: robots.txt forbids reading the target, for which `url` stands, or cannot be had."""
        try:
            rules = await self._robots.rules(target, company)
        except SiteRefuses as error:
            raise Unread(url, "robots_disallowed", str(error)) from error
        if not rules.allow(target):
            raise Unread(url, "robots_disallowed", f"robots.txt forbids reading {path_of(target)}")
