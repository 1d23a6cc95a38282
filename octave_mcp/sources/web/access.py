"""Controls the access to a site: checks addresses and robots.txt, and applies the crawl delay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

from octave_mcp.concurrency.retrying import retrying
from octave_mcp.domain.addresses import NONE_SERVED, PORTS, Served, check_url, path_of
from octave_mcp.domain.company import Company
from octave_mcp.domain.ip_addresses import is_address
from octave_mcp.errors import HostNotAllowed, SiteRefuses, SiteUnreachable, UpstreamError
from octave_mcp.settings import Settings
from octave_mcp.sources.failures import PageFailed, PageFailedForNow
from octave_mcp.sources.memory import RunMemory
from octave_mcp.sources.web.fetch import Fetcher
from octave_mcp.sources.web.robots import Robots, Rules
from octave_mcp.sources.web.transport import AddressCheckingBackend, NameNotResolved, Resolver, resolve

T = TypeVar("T")


class SiteAccess:
    """The HTTP client, address checks and robots.txt rules for everything that a run reads.

    `served` contains hosts that this process serves itself, such as a demo site, so requests to them go to the loopback
    address. If `refresh` is true, robots.txt is fetched again. `robots_seconds` limits the wait for the robots.txt of a
    host.
    """

    def __init__(
        self,
        settings: Settings,
        memory: RunMemory,
        resolver: Resolver = resolve,
        *,
        served: Served = NONE_SERVED,
        refresh: bool = False,
        robots_seconds: float | None = None,
    ) -> None:
        self.allow = frozenset(host.lower() for host in settings.allow_hosts)
        self._backend = AddressCheckingBackend(self.allow, resolver, served)
        self.fetcher = Fetcher(settings, self._backend)
        self.robots = Robots(self.fetcher, memory, refresh=refresh, seconds=robots_seconds)

    async def open(self, company: Company) -> Company:
        """See `Source.open`."""
        return await first_that_answers(company, self._open)

    async def _open(self, company: Company) -> Company:
        url = check_url(company.url, self.allow)
        await retrying(lambda: self.check_address(url))
        rules = await self.robots.rules(url, company)
        check_permitted(rules, url, company)
        return company

    async def check_address(self, url: str) -> None:
        """Check that the host of `url` resolves only to public addresses, unless the settings allow the host.

        Raises:
            HostNotAllowed: If an address is not public, and the settings do not allow the host.
            PageFailedForNow: If the host name has no address.
        """
        parts = urlsplit(url)
        try:
            await self._backend.checked(parts.hostname or "", parts.port or PORTS[parts.scheme])
        except NameNotResolved as error:
            raise PageFailedForNow(url, "no_address", f"{parts.hostname} has no address") from error

    async def check_robots(self, target: str, url: str, company: Company) -> None:
        """Check that robots.txt allows reading `target`, which is `url` or the target of its redirect.

        Raises:
            PageFailed: If robots.txt forbids reading `target`, or cannot be read.
        """
        try:
            rules = await self.robots.rules(target, company)
        except SiteRefuses as error:
            raise PageFailed(url, "robots_disallowed", str(error)) from error
        if not rules.allow(target):
            raise PageFailed(url, "robots_disallowed", f"robots.txt forbids reading {path_of(target)}")

    async def delay(self, company: Company) -> float:
        """Return the crawl delay of the site.

        If robots.txt cannot be read, return 0, because then the pages cannot be read either.
        """
        try:
            return (await self.robots.rules(f"{company.url}/", company)).delay_seconds
        except UpstreamError:
            return 0

    async def close(self) -> None:
        await self.robots.close()
        await self.fetcher.close()


def check_permitted(rules: Rules, url: str, company: Company) -> None:
    """Check that the rules allow reading the home page, whose URL is `url`.

    Raises:
        SiteRefuses: If the rules forbid reading the home page.
    """
    if not rules.allow(url):
        raise SiteRefuses(
            f"{url}robots.txt forbids reading {company.domain}; "
            "choose another company, or ask the company for permission"
        )


async def first_that_answers(company: Company, read: Callable[[Company], Awaitable[T]]) -> T:
    """Return `read(company)`. If the company's address fails, try again with 'www.' added or removed.

    Raises:
        HostNotAllowed: If the address is not public.
        SiteUnreachable: If the home page cannot be read at either address.
    """
    failures: list[PageFailed] = []
    for candidate in _with_and_without_www(company):
        try:
            return await read(candidate)
        except PageFailed as error:
            failures.append(error)
        except HostNotAllowed:
            if not failures:
                raise
    first = failures[0]
    if first.failure.code == "host_not_allowed":
        raise HostNotAllowed(first.failure.reason) from first
    raise SiteUnreachable(f"{company.url} cannot be read: {first.failure.reason}. {_advice(company, first)}") from first


def _advice(company: Company, failed: PageFailed) -> str:
    if failed.failure.code != "no_address":
        return "Check the domain, or try again later"
    if company.domain.endswith(".example"):
        return "Names that end in .example belong to no website: such companies, like those of the demo, are invented"
    return "Check the domain, and that this machine is connected to the network"


def _with_and_without_www(company: Company) -> list[Company]:
    scheme, _, host = company.url.partition("://")
    name = host.partition(":")[0]
    if is_address(name) or "." not in name or host.startswith("["):
        return [company]
    other = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
    return [company, company.model_copy(update={"url": f"{scheme}://{other}"})]
