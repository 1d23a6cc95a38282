"""Port for sources of pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Page, PageFailure


class Source(Protocol):
    """A source of pages. Each run has its own instance of the source, which is closed when the run ends."""

    @property
    def credits(self) -> int:
        """The number of Firecrawl credits used so far; 0 if the source is free."""
        ...

    def listen(self, on_progress: Callable[[str], None]) -> None:
        """Set a callback for progress messages during long calls."""

    async def open(self, company: Company) -> Company:
        """Return the company with the URL that responds, such as 'https://www.acme.com'.

        This method requests robots.txt but no page.

        Raises:
            HostNotAllowed: The IP address of the site is not public.
            SiteUnreachable: No server responds.
            SiteRefuses: robots.txt disallows reading the site.
        """
        ...

    async def home(self, company: Company) -> Page:
        """Return the home page. Tries the host with and without www.

        Raises:
            SiteUnreachable: The home page cannot be read.
        """
        ...

    async def map(self, company: Company, home: Page) -> Site:
        """Return all URLs of the site, except that of the home page, from sitemaps and the links on the home page."""
        ...

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """Return a page or a failure for each URL, in the given order.

        A page that cannot be read does not raise an error.

        A page with the same text as an earlier page or the home page is returned as a failure.
        """
        ...

    async def read(self, company: Company, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """Read pages like `scrape`, but of a site that was not mapped.

        The pages are not compared with the home page.
        """
        ...

    async def close(self) -> None: ...
