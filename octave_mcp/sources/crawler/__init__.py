"""Our own crawler as a source of pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from octave_mcp.settings import Settings
from octave_mcp.sources.memory import RunMemory

if TYPE_CHECKING:
    from octave_mcp.sources.reader import Reader, TitledReader
    from octave_mcp.sources.web.access import SiteAccess


def check() -> None:
    """There is nothing to set up wrongly."""


def make(
    settings: Settings,
    memory: RunMemory,
    *,
    crawler: Callable[[SiteAccess], TitledReader],  # noqa: ARG001 - it is the one that is made here
    refresh: bool,
) -> Reader:
    # Only a run needs the parsers and the client.
    from octave_mcp.sources.crawler.reader import Crawler  # noqa: PLC0415
    from octave_mcp.sources.web.access import SiteAccess  # noqa: PLC0415

    return Crawler(SiteAccess(settings, memory, refresh=refresh))
