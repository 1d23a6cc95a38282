"""Our own crawler as a source of pages."""

from __future__ import annotations

from octave_mcp.ports import Memory, Source
from octave_mcp.settings import Settings


def is_set_up() -> bool:
    """It always is."""
    return True


def check() -> None:
    """There is nothing to set up wrongly."""


def make(settings: Settings, memory: Memory, *, refresh: bool = False) -> Source:
    from octave_mcp.sources.cached import Kept  # noqa: PLC0415 - parsers and a client, needed by a run only
    from octave_mcp.sources.crawler.crawler import Crawler  # noqa: PLC0415 - ditto

    reader = Crawler(settings, memory, refresh=refresh)
    return Kept(reader, memory, max_age_seconds=settings.page_max_age_seconds, refresh=refresh)
