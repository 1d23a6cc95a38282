"""Our own crawler as a source of pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from octave_mcp.settings import Settings

if TYPE_CHECKING:
    from octave_mcp.sources.reader import Reader, TitledReader
    from octave_mcp.sources.web.access import SiteAccess


def check() -> None:
    """There is nothing to set up wrongly."""


def make(
    settings: Settings,  # noqa: ARG001 - all that it needs of them is in its access
    access: Callable[..., SiteAccess],
    *,
    crawler: Callable[[SiteAccess], TitledReader],  # noqa: ARG001 - it is the one that is made here
    refresh: bool,  # noqa: ARG001 - ditto
) -> Reader:
    # Only a run needs the parsers.
    from octave_mcp.sources.crawler.reader import Crawler  # noqa: PLC0415

    return Crawler(access())
