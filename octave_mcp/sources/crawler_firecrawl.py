"""The source that uses the crawler first, and Firecrawl for pages that the crawler cannot read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from octave_mcp.domain.page import CacheEntry, PageFailure
from octave_mcp.settings import Settings
from octave_mcp.sources.firecrawl import CRAWLER_SHARE, FIRECRAWL_SHARE, check, readers

if TYPE_CHECKING:
    from octave_mcp.sources.reader import Reader, TitledReader
    from octave_mcp.sources.web.access import SiteAccess

# This source needs the same configuration as the source `firecrawl`, so it uses the same check.
__all__ = ["check", "make"]

NAME = "crawler-firecrawl"
# Pages that fail with these codes are read again through Firecrawl. Firecrawl runs scripts, and its IP addresses
# usually differ from those of the crawler.
CODES_FOR_FIRECRAWL = frozenset(
    {"needs_js", "empty", "bot_wall", "http_401", "http_403", "http_429", "timeout", "connection_failed"}
)


def make(
    settings: Settings,
    access: Callable[..., SiteAccess],
    *,
    crawler: Callable[[SiteAccess], TitledReader],
    refresh: bool,
) -> Reader:
    """Return a reader that combines the crawler and Firecrawl.

    Raises:
        SetupError: If Firecrawl's configuration is missing or invalid.
    """
    # The import is here, because the parsers are slow to import and only runs need them.
    from octave_mcp.sources.two_readers import Handover, TwoReaders  # noqa: PLC0415

    firecrawl, own, shared = readers(settings, access, crawler=crawler, refresh=refresh)

    def is_due(copy: CacheEntry) -> bool:
        if isinstance(failure := copy.found, PageFailure):
            return failure.code in CODES_FOR_FIRECRAWL or shared.robots.are_unreadable(failure.url)
        return copy.is_thin

    crawler_seconds, firecrawl_seconds = (
        settings.site_timeout_seconds * share for share in (CRAWLER_SHARE, FIRECRAWL_SHARE)
    )
    handover = Handover(is_due, is_lasting=True, home_seconds=(crawler_seconds, firecrawl_seconds))
    return TwoReaders(NAME, own, firecrawl, handover)
