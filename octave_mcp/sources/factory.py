"""Builds the source of a run: an adapter, job boards and feeds around it, and the cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.domain.addresses import NONE_SERVED, Served
from octave_mcp.ports import Memory, Source
from octave_mcp.settings import Settings
from octave_mcp.sources.memory import RunMemory

if TYPE_CHECKING:
    from octave_mcp.sources.reader import Reader, TitledReader
    from octave_mcp.sources.web.access import SiteAccess


class Adapter(Protocol):
    """The module of a source."""

    __name__: str

    def make(
        self,
        settings: Settings,
        access: Callable[..., SiteAccess],
        *,
        crawler: Callable[[SiteAccess], TitledReader],
        refresh: bool,
    ) -> Reader:
        """Return the reader, which may delegate to the crawler that `crawler` creates.

        `access` creates the `SiteAccess`, and accepts `robots_seconds` as an argument.

        Raises:
            SetupError: the configuration of the source is missing or invalid.
        """
        ...


def make_source(
    adapter: Adapter,
    settings: Settings,
    store: Memory,
    supervisor: Supervisor,
    *,
    refresh: bool = False,
    run_id: str = "",
    memory: Memory | None = None,
    served: Served = NONE_SERVED,
) -> Source:
    """Return the adapter's source with its cache. `refresh` fetches every page again, and caches the new copies.

    Cached pages are deleted with the last run that used them. `memory` is the run's view of the store, which may wait
    until the database is back; writing to the cache never waits for that.

    Raises:
        SetupError: the configuration of the source is missing or invalid.
    """
    # Imported here because only runs need the parsers and HTTP clients, which are slow to import.
    from octave_mcp.sources.beyond import BeyondReader  # noqa: PLC0415
    from octave_mcp.sources.cache import CachedSource  # noqa: PLC0415
    from octave_mcp.sources.crawler.reader import Crawler  # noqa: PLC0415
    from octave_mcp.sources.web.access import SiteAccess  # noqa: PLC0415

    run_memory = RunMemory(memory or store, run_id)
    access = partial(SiteAccess, settings, run_memory, served=served, refresh=refresh)
    site = adapter.make(settings, access, crawler=Crawler, refresh=refresh)
    reader = BeyondReader(site, settings)
    code = (adapter.__name__, BeyondReader.__module__, Crawler.__module__)
    max_age = settings.page_max_age_seconds
    return CachedSource(
        reader, run_memory, supervisor, code=code, max_age_seconds=max_age, refresh=refresh, cache=store
    )
