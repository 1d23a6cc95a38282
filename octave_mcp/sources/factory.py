"""Makes the source that a run reads with, and hands it the crawler, which sources may use as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.ports import Memory, Source
from octave_mcp.settings import Settings

if TYPE_CHECKING:
    from octave_mcp.sources.reader import Reader, TitledReader
    from octave_mcp.sources.web.access import SiteAccess


class Adapter(Protocol):
    """The module of one source."""

    def make(
        self, settings: Settings, memory: Memory, *, crawler: Callable[[SiteAccess], TitledReader], refresh: bool
    ) -> Reader:
        """The reader, which may use the crawler for what it does not read by itself.

        Raises:
            SetupError: the source is not set up.
        """
        ...


def make_source(
    adapter: Adapter,
    settings: Settings,
    memory: Memory,
    *,
    refresh: bool = False,
    supervisor: Supervisor | None = None,
) -> Source:
    """The source of that adapter, with its cache; `refresh` fetches every page again, and caches it.

    Raises:
        SetupError: the source is not set up.
    """
    # Only a run needs the parsers and the clients.
    from octave_mcp.sources.beyond import BeyondReader  # noqa: PLC0415
    from octave_mcp.sources.cache import CachedSource  # noqa: PLC0415
    from octave_mcp.sources.crawler.reader import Crawler  # noqa: PLC0415

    site = adapter.make(settings, memory, crawler=Crawler, refresh=refresh)
    reader = BeyondReader(site, settings)
    max_age = settings.page_max_age_seconds
    return CachedSource(reader, memory, max_age_seconds=max_age, refresh=refresh, supervisor=supervisor)
