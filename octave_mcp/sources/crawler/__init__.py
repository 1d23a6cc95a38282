"""The source that uses our own crawler."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from octave_mcp.settings import Settings

if TYPE_CHECKING:
    from octave_mcp.sources.reader import Reader, TitledReader
    from octave_mcp.sources.web.access import SiteAccess


def check() -> None:
    """Do nothing, because the crawler needs no configuration."""


def make(
    settings: Settings,  # noqa: ARG001 - `access` already has them
    access: Callable[..., SiteAccess],
    *,
    crawler: Callable[[SiteAccess], TitledReader],  # noqa: ARG001 - this is the crawler
    refresh: bool,  # noqa: ARG001 - ditto
) -> Reader:
    # The import is here, because the parsers are slow to import and only runs need them.
    from octave_mcp.sources.crawler.reader import Crawler  # noqa: PLC0415

    return Crawler(access())
