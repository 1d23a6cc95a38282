"""Step 2: the home page to read: the one that answered, or the one it is only the door to."""

from __future__ import annotations

from urllib.parse import urlsplit

from octave_mcp.domain.company import Site
from octave_mcp.domain.page import Page
from octave_mcp.pipeline.run import Run

DOOR_WORDS = 40
_BEYOND_THE_DOOR = frozenset({"/home", "/en", "/en-us", "/en-gb", "/welcome", "/index.html", "/main"})


async def scrape_homepage(run: Run, site: Site) -> Page:
    """A splash page or language picker of under 40 words is replaced by the page behind it, if there is one."""
    run.progress(f"reading {site.company.domain}")
    behind = [link.url for link in site.links if urlsplit(link.url).path.rstrip("/").lower() in _BEYOND_THE_DOOR]
    if site.home.words >= DOOR_WORDS or not behind:
        return site.home
    (page,) = await run.pages.scrape(site, behind[:1])
    return page if isinstance(page, Page) and page.words > site.home.words else site.home
