"""Port for sources of pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Page, PageFailure


class Source(Protocol):
    """A source of pages. Each run has its own instance, which is closed when the run ends."""

    @property
    def credits(self) -> int:
        """The number of Firecrawl credits used so far; 0 if the source is free."""
        ...

    def listen(self, on_progress: Callable[[str], None]) -> None:
        """Set a callback for progress messages during long calls."""

    async def open(self, company: Company) -> Company:
        """Return the company with the URL that responds ('https://www.acme.com').

        Reads robots.txt and fetches no page.

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
        """Find all URLs of the site in sitemaps and on the home page, without the home page itself."""
        ...

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """Return a page or a failure for each URL, in the given order. Never raises for a single page.

        A page with the same text as an earlier one or the home page is returned as a failure.
        """
        ...

    async def read(self, company: Company, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """Like `scrape`, but for pages of a site that was not mapped. They are not compared with its home page."""
        ...

    async def close(self) -> None: ...
