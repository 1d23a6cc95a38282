"""A site read by ourselves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpcore2

from octave_mcp.computing import computed
from octave_mcp.domain.addresses import PORTS, check_url, is_address, path_of, same_site, url_key
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Link, LinkOrigin, Page, PageFailure
from octave_mcp.errors import HostNotAllowed, InputError, SiteRefuses, SiteUnreachable, UpstreamError
from octave_mcp.ports import Notes
from octave_mcp.retrying import retrying
from octave_mcp.settings import Settings
from octave_mcp.sources.crawler.encoding import decoded
from octave_mcp.sources.crawler.extraction import page_of
from octave_mcp.sources.crawler.fetch import Fetcher
from octave_mcp.sources.crawler.guard import GuardedBackend, Lookup, lookup
from octave_mcp.sources.crawler.robots import Robots
from octave_mcp.sources.crawler.sitemap import listed
from octave_mcp.sources.crawler.unread import Unread, UnreadYet
from octave_mcp.sources.crawler.variants import one_language
from octave_mcp.together import together

LONGEST_DELAY_SECONDS = 5
PAGES_OF_SLOW_SITES = 5


class Crawler:
    """The `Source` that needs no account. One client serves all its sites, and is closed with it."""

    def __init__(self, settings: Settings, notes: Notes, lookup: Lookup = lookup) -> None:
        allow = frozenset(host.lower() for host in settings.allow_hosts)
        self._backend = GuardedBackend(allow, lookup)
        self._fetcher = Fetcher(settings, self._backend)
        self._robots = Robots(self._fetcher, notes)

    async def open(self, company: Company) -> Company:
        failures: list[Unread] = []
        for candidate in _addresses(company):
            try:
                await self._open(candidate)
            except Unread as error:
                failures.append(error)
            else:
                return candidate
        raise _unreachable(company, failures)

    async def _open(self, company: Company) -> None:
        url = check_url(company.url, self._backend.allow)
        await retrying(lambda: self._look_up(url))
        rules = await self._robots.rules(url, company)
        if not rules.allow(url):
            raise SiteRefuses(
                f"{url}robots.txt forbids reading {company.domain}; choose another company, or ask it for permission"
            )

    async def _look_up(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            await self._backend.checked(parts.hostname or "", parts.port or PORTS[parts.scheme])
        except httpcore2.ConnectError as error:
            raise UnreadYet(url, "connection_failed", f"{parts.hostname} has no address") from error

    async def home(self, company: Company) -> Page:
        failures: list[Unread] = []
        for candidate in _addresses(company):
            try:
                return await self._home(candidate)
            except Unread as error:
                failures.append(error)
        raise _unreachable(company, failures)

    async def _home(self, company: Company) -> Page:
        page = await self._page(f"{company.url}/", company, "home")
        return page.model_copy(update={"ref": page.ref.model_copy(update={"kind": "home"})})

    async def map(self, company: Company, home: Page) -> Site:
        rules = await self._robots.rules(home.ref.url, company)
        found = await listed(self._fetcher, company, rules.sitemaps)
        links = {url_key(link.url): link for link in home.links}
        for key, url in found.urls.items():
            links.setdefault(key, Link(url=url, origin="sitemap"))
        for url in (home.ref.url, company.url):
            links.pop(url_key(url), None)
        kept = await computed(one_language, links.values(), home.ref.url, home.ref.language)
        return Site(company=company, home=home, links=tuple(kept), failures=tuple(found.failures))

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        if delay := await self._delay(site):
            read = await self._scrape_slowly(site, urls, delay)
        else:
            read = await together(*(self._scrape(site, url) for url in urls))
        return _without_copies(read, site.home)

    async def close(self) -> None:
        await self._fetcher.close()

    async def _delay(self, site: Site) -> float:
        """The pause that the site asks for; none if that is not to be had, which its pages will then say."""
        try:
            return (await self._robots.rules(site.home.ref.url, site.company)).delay_seconds
        except UpstreamError:
            return 0

    async def _scrape_slowly(self, site: Site, urls: Sequence[str], delay: float) -> list[Page | PageFailure]:
        """One page after another with the pause that the site asks for; of a very slow site, the first few."""
        read: list[Page | PageFailure] = []
        for at, url in enumerate(urls):
            if delay > LONGEST_DELAY_SECONDS and at >= PAGES_OF_SLOW_SITES:
                reason = f"The site asks for {delay:g} seconds between two pages: only {PAGES_OF_SLOW_SITES} are read"
                read.append(PageFailure(url=url, code="robots_disallowed", reason=reason))
                continue
            if at:
                await asyncio.sleep(min(delay, LONGEST_DELAY_SECONDS))
            read.append(await self._scrape(site, url))
        return read

    async def _scrape(self, site: Site, url: str) -> Page | PageFailure:
        try:
            checked = check_url(url, self._backend.allow)
            if not same_site(checked, site.company):
                reason = f"It is not a part of {site.company.domain}"
                return PageFailure(url=url, code="host_not_allowed", reason=reason)
            return await self._page(checked, site.company, "page")
        except InputError as error:
            return PageFailure(url=url, code="host_not_allowed", reason=str(error))
        except Unread as error:
            return error.failure.model_copy(update={"url": url})

    async def _page(self, url: str, company: Company, origin: LinkOrigin) -> Page:
        """The page at `url`, if robots.txt lets us read it.

        Raises:
            Unread: its failure says why.
        """
        fetched = await self._fetcher.get(url, company, permit=lambda target: self._check_robots(target, url, company))
        if not fetched.body.strip():
            raise Unread(url, "empty", "The answer has no content")
        html = decoded(fetched.body, fetched.charset)
        return await computed(page_of, html, fetched.url, company, fetched.fetched_at, origin)

    async def _check_robots(self, target: str, url: str, company: Company) -> None:
        try:
            rules = await self._robots.rules(target, company)
        except SiteRefuses as error:
            raise Unread(url, "robots_disallowed", str(error)) from error
        if not rules.allow(target):
            raise Unread(url, "robots_disallowed", f"robots.txt forbids reading {path_of(target)}")


def _addresses(company: Company) -> list[Company]:
    """The company's address as given, then with or without www."""
    scheme, _, host = company.url.partition("://")
    name = host.partition(":")[0]
    if is_address(name) or "." not in name or host.startswith("["):
        return [company]
    other = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
    return [company, company.model_copy(update={"url": f"{scheme}://{other}"})]


def _unreachable(company: Company, failures: list[Unread]) -> SiteUnreachable | HostNotAllowed:
    failure = failures[0].failure
    if failure.code == "host_not_allowed":
        return HostNotAllowed(failure.reason)
    return SiteUnreachable(f"{company.url} cannot be read: {failure.reason}. Check the domain, or try again later")


def _without_copies(read: Sequence[Page | PageFailure], home: Page) -> tuple[Page | PageFailure, ...]:
    """A page that says what an earlier one said is a failure that names it."""
    seen = {home.said: home.ref.url}
    kept: list[Page | PageFailure] = []
    for page in read:
        if isinstance(page, PageFailure):
            kept.append(page)
        elif first := seen.get(page.said):
            kept.append(PageFailure(url=page.ref.url, code="duplicate", reason=f"Says the same as {first}"))
        else:
            seen[page.said] = page.ref.url
            kept.append(page)
    return tuple(kept)
