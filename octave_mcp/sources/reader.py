"""What reads a site, and what all such readers do alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

from octave_mcp.domain.addresses import Allowed, check_url, is_address, same_site, url_key
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Addresses, Copy, Link, Page, PageFailure, PageRef
from octave_mcp.errors import HostNotAllowed, InputError, SiteUnreachable
from octave_mcp.sources.web.failures import Unread
from octave_mcp.sources.web.numbered_urls import few_alike
from octave_mcp.sources.web.translations import Variant, in_one_language

T = TypeVar("T")

LONGEST_DELAY_SECONDS = 5
PAGES_OF_SLOW_SITES = 5


class Wanted(NamedTuple):
    """An address to read, and the copy of it that is too old to be used unseen."""

    url: str
    known: Copy | None = None


class Reader(Protocol):
    """A source that remembers nothing; `name` is the source's, and `tell` is called while a call takes long."""

    name: str
    allow: Allowed
    tell: Callable[[str], None]

    @property
    def credits(self) -> int:
        """As `Source.credits`."""
        ...

    async def open(self, company: Company) -> Company:
        """As `Source.open`."""
        ...

    async def home(self, company: Company, known: Copy | None = None) -> Copy:
        """As `Source.home`."""
        ...

    async def map(self, company: Company, home: Page) -> Addresses:
        """As `Source.map`."""
        ...

    async def read(self, site: Site, wanted: Sequence[Wanted]) -> Sequence[Copy]:
        """A copy of a page or of a failure for each, in the order given; each address is one of the site's own."""
        ...

    async def close(self) -> None: ...


def silence(_: str) -> None:
    """Nobody listens."""


async def at_the_door(company: Company, read: Callable[[Company], Awaitable[T]]) -> T:
    """What is read at the company's address as given, else with or without www.

    Raises:
        HostNotAllowed: its address is not public.
        SiteUnreachable: neither answers.
    """
    failures: list[Unread] = []
    for candidate in _addresses(company):
        try:
            return await read(candidate)
        except Unread as error:
            failures.append(error)
    first = failures[0]
    if first.failure.code == "host_not_allowed":
        raise HostNotAllowed(first.failure.reason) from first
    text = f"{company.url} cannot be read: {first.failure.reason}. Check the domain, or try again later"
    raise SiteUnreachable(text) from first


def _addresses(company: Company) -> list[Company]:
    scheme, _, host = company.url.partition("://")
    name = host.partition(":")[0]
    if is_address(name) or "." not in name or host.startswith("["):
        return [company]
    other = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
    return [company, company.model_copy(update={"url": f"{scheme}://{other}"})]


def addresses_of(
    company: Company,
    home: Page,
    listed: Iterable[Link],
    told: Mapping[str, Variant],
    failures: Sequence[PageFailure] = (),
) -> Addresses:
    """The site's addresses: those that the home page names, then those listed; of translations, one.

    `told` are copies in other languages, by their keys, that the site itself names.
    """
    links = {url_key(link.url): link for link in home.links}
    for link in listed:
        links.setdefault(url_key(link.url), link)
    for url in (home.ref.url, company.url):
        links.pop(url_key(url), None)
    kept = in_one_language(links.values(), home.ref.url, home.ref.language, told)
    return Addresses(links=tuple(few_alike(kept)), failures=tuple(failures))


def permitted(url: str, company: Company, allow: Allowed) -> str | PageFailure:
    """The canonical form of one of the site's own addresses; of any other, why it is not to be read."""
    try:
        canonical = check_url(url, allow)
    except InputError as error:
        return PageFailure(url=url, code="host_not_allowed", reason=str(error))
    if not same_site(url, company):
        return PageFailure(url=url, code="host_not_allowed", reason=f"It is not a part of {company.domain}")
    return canonical


async def slowly(wanted: Sequence[Wanted], delay: float, read: Callable[[Wanted], Awaitable[Copy]]) -> list[Copy]:
    """One page after another with the pause that the site asks for; of a very slow site, the first few."""
    found: list[Copy] = []
    for at, one in enumerate(wanted):
        if delay > LONGEST_DELAY_SECONDS and at >= PAGES_OF_SLOW_SITES:
            reason = f"The site asks for {delay:g} seconds between two pages: only {PAGES_OF_SLOW_SITES} are read"
            found.append(Copy(found=PageFailure(url=one.url, code="robots_disallowed", reason=reason)))
            continue
        if at:
            await asyncio.sleep(min(delay, LONGEST_DELAY_SECONDS))
        found.append(await read(one))
    return found


def as_home(copy: Copy) -> Copy:
    return with_ref(copy, kind="home")


def confirmed(known: Copy, at: datetime) -> Copy:
    """The copy as of now: the site says that nothing has changed."""
    return with_ref(known, fetched_at=at).model_copy(update={"kept_at": at})


def with_ref(copy: Copy, **changes: object) -> Copy:
    """The copy with other things said of its page; any other copy as it is."""
    if not isinstance(copy.found, Page):
        return copy
    ref = PageRef.model_validate(dict(copy.found.ref) | changes)
    return copy.model_copy(update={"found": copy.found.model_copy(update={"ref": ref})})


def without_copies(read: Sequence[Page | PageFailure], home: Page) -> tuple[Page | PageFailure, ...]:
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
