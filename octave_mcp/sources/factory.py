"""Makes the source that a run reads with, and hands it the crawler, which sources may use as well."""

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
    """The module of one source."""

    __name__: str

    def make(
        self,
        settings: Settings,
        access: Callable[..., SiteAccess],
        *,
        crawler: Callable[[SiteAccess], TitledReader],
        refresh: bool,
    ) -> Reader:
        """The reader, which may use the crawler for what it does not read by itself.

        `access` makes the access to sites; it takes `robots_seconds`.

        Raises:
            SetupError: the source is not set up.
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
    """The source of that adapter, with its cache; `refresh` fetches every page again, and caches it.

    What is cached for a run is deleted with the last run that has used it. `memory` is the store as the run uses it: it
    may wait for the database, which what is only cached does not.

    Raises:
        SetupError: the source is not set up.
    """
    # Only a run needs the parsers and the clients.
    from octave_mcp.sources.beyond import BeyondReader  # noqa: PLC0415
    from octave_mcp.sources.cache import CachedSource  # noqa: PLC0415
    from octave_mcp.sources.crawler.reader import Crawler  # noqa: PLC0415
    from octave_mcp.sources.web.access import SiteAccess  # noqa: PLC0415

    used = RunMemory(memory or store, run_id)
    access = partial(SiteAccess, settings, used, served=served, refresh=refresh)
    site = adapter.make(settings, access, crawler=Crawler, refresh=refresh)
    reader = BeyondReader(site, settings)
    code = (adapter.__name__, BeyondReader.__module__, Crawler.__module__)
    max_age = settings.page_max_age_seconds
    return CachedSource(reader, used, supervisor, code=code, max_age_seconds=max_age, refresh=refresh, cache=store)
