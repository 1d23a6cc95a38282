"""Our own crawler as a source of pages."""

from __future__ import annotations

from octave_mcp.ports import Notes, Source
from octave_mcp.settings import Settings


def make(settings: Settings, notes: Notes) -> Source:
    from octave_mcp.sources.crawler.crawler import Crawler  # noqa: PLC0415 - parsers and a client, needed by a run only

    return Crawler(settings, notes)
