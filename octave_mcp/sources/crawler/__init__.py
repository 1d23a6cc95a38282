"""Our own crawler as a source of pages."""

from __future__ import annotations

from octave_mcp.ports import Memory, Source
from octave_mcp.settings import Settings


def check() -> None:
    """It needs nothing to be set up."""


def make(settings: Settings, memory: Memory, *, refresh: bool = False) -> Source:
    from octave_mcp.sources._kept import Kept  # noqa: PLC0415 - parsers and a client, needed by a run only
    from octave_mcp.sources.crawler.crawler import Crawler  # noqa: PLC0415 - ditto

    reader = Crawler(settings, memory)
    return Kept(reader, memory, max_age_seconds=settings.page_max_age_seconds, refresh=refresh)
