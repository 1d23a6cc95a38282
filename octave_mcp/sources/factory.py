"""Builds the source of a run: a reader, support for job boards and feeds, and a cache."""

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
    """The interface of a module that implements a source."""

    __name__: str

    def make(
        self,
        settings: Settings,
        access: Callable[..., SiteAccess],
        *,
        crawler: Callable[[SiteAccess], TitledReader],
        refresh: bool,
    ) -> Reader:
        """Return the reader of this source. `crawler` creates a crawler, which the reader can use as a fallback.

        `access` is called to create a `SiteAccess`, with `robots_seconds` as an optional argument.

        Raises:
            SetupError: If the configuration of the source is missing or invalid.
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
    """Return the source of this adapter, with a cache.

    If `refresh` is true, every page is fetched again, and the new copies are cached.

    A cached page is deleted together with the last run that used it. `memory` is the store that the run uses. By
    default, it is `store`. During a database outage, calls of `memory` can wait, but writes to the cache never wait.

    Raises:
        SetupError: If the configuration of the source is missing or invalid.
    """
    # The imports are here, because parsers and HTTP clients are slow to import and only runs need them.
    from octave_mcp.sources.cache import CachedSource  # noqa: PLC0415
    from octave_mcp.sources.crawler.reader import Crawler  # noqa: PLC0415
    from octave_mcp.sources.related_sites import BeyondReader  # noqa: PLC0415
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
