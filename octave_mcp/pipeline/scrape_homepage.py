"""Step 2: find the actual home page, which can be behind a splash page or language picker."""

from __future__ import annotations

from urllib.parse import urlsplit

from octave_mcp.domain.company import Site
from octave_mcp.domain.page import Page
from octave_mcp.pipeline.run import Run

# If the page at the root of a site has fewer words than this, it can be a splash page or language picker.
MIN_HOME_WORDS = 40
# Usual paths of the actual home page behind a splash page or language picker.
_HOME_PATHS = frozenset({"/home", "/en", "/en-us", "/en-gb", "/welcome", "/index.html", "/main"})


async def scrape_homepage(run: Run, site: Site) -> Page:
    """Return the site's home page.

    If the page at the root of the site has few words and a page such as '/en' or '/home' has more words, return that
    page.
    """
    run.progress(f"reading {site.company.domain}")
    behind = [link.url for link in site.links if urlsplit(link.url).path.rstrip("/").lower() in _HOME_PATHS]
    if site.home.words >= MIN_HOME_WORDS or not behind:
        return site.home
    (page,) = await run.pages.scrape(site, behind[:1])
    return page if isinstance(page, Page) and page.words > site.home.words else site.home
