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
        """The number of Firecrawl credits used so far, which is 0 for a free source."""
        ...

    def listen(self, on_progress: Callable[[str], None]) -> None:
        """Set a callback that receives progress messages during long calls."""

    async def open(self, company: Company) -> Company:
        """Return the company, with the URL at which its site responds, such as 'https://www.acme.com'.

        This method requests robots.txt, but no pages.

        Raises:
            HostNotAllowed: If the IP address of the site is not public.
            SiteUnreachable: If no server responds.
            SiteRefuses: If robots.txt does not allow access to the site.
        """
        ...

    async def home(self, company: Company) -> Page:
        """Return the home page. Try the host with and without 'www.'.

        Raises:
            SiteUnreachable: If the home page cannot be read.
        """
        ...

    async def map(self, company: Company, home: Page) -> Site:
        """Return the URLs in the site's sitemaps and in the links on the home page, except the home page itself."""
        ...

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """Return a page or a failure for each URL, in the given order.

        If a page cannot be read, or has the same text as an earlier page or the home page, return a failure instead of
        raising an error.
        """
        ...

    async def read(self, company: Company, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """Read pages like `scrape`, but from a site that was not mapped.

        Unlike `scrape`, this method does not compare the pages with the home page.
        """
        ...

    async def close(self) -> None: ...
