"""Where pages come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Page, PageFailure


class Source(Protocol):
    """Where pages come from. One is made for each run, and closed with it."""

    @property
    def credits(self) -> int:
        """The credits that it has used up; 0 where fetching is free."""
        ...

    def listen(self, on_progress: Callable[[str], None]) -> None:
        """Sets a callback that gets what is being done while a call takes long."""

    async def open(self, company: Company) -> Company:
        """The company at the address that answers ('https://www.acme.com'), its robots.txt read; no page is fetched.

        Raises:
            HostNotAllowed: its address is not public.
            SiteUnreachable: nothing answers there.
            SiteRefuses: robots.txt forbids reading it.
        """
        ...

    async def home(self, company: Company) -> Page:
        """Its home page, retried with and without www.

        Raises:
            SiteUnreachable: there is none.
        """
        ...

    async def map(self, company: Company, home: Page) -> Site:
        """Every address of the site that sitemaps and the home page name, without the home page itself."""
        ...

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """A page or a named failure for each address, in the order given. Never raises for a page.

        A page that says the same as an earlier one, or as the home page, is a failure.
        """
        ...

    async def read(self, company: Company, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """As `scrape`, without a site to compare the pages with."""
        ...

    async def close(self) -> None: ...
