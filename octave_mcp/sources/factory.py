"""Makes the source that a run reads with; the only module that knows all sources."""

from __future__ import annotations

from importlib import import_module

from octave_mcp.ports import Memory, Source
from octave_mcp.settings import Settings


def make_source(name: str, settings: Settings, memory: Memory, *, refresh: bool = False) -> Source:
    """The source of that name, with its cache. What another source fails to read, the crawler reads.

    `refresh` fetches every page again, and caches it.

    Raises:
        SetupError: the source is not set up.
    """
    # Only a run needs the parsers and the clients.
    from octave_mcp.sources.cache import CachedSource  # noqa: PLC0415
    from octave_mcp.sources.crawler.reader import Crawler  # noqa: PLC0415
    from octave_mcp.sources.web.access import SiteAccess  # noqa: PLC0415

    if name == "crawler":
        reader = Crawler(SiteAccess(settings, memory, refresh=refresh))
    else:
        adapter = import_module(f"octave_mcp.sources.{name}")
        reader = adapter.make(settings, memory, fallback=Crawler, refresh=refresh)
    return CachedSource(reader, memory, max_age_seconds=settings.page_max_age_seconds, refresh=refresh)
