"""Reads job boards on Personio (XML feed: developer.personio.de/docs/retrieving-open-job-positions)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult

from octave_mcp.sources.boards.board import Board, Job, day, first_group, text
from octave_mcp.sources.feeds.records import records

ROOTS = frozenset({"workzag-jobs"})
NAMES = frozenset({"position"})
HOST = re.compile(r"([a-z0-9-]+\.jobs\.personio\.(?:de|com))")


def _page(parts: SplitResult) -> str | None:
    host = first_group(HOST, parts.hostname or "")
    return f"https://{host}/" if host else None


def _feeds(page: str) -> tuple[str, ...]:
    """Return the URL of the English feed, and as a fallback the URL of the feed in the company's own language."""
    return f"{page}xml?language=en", f"{page}xml"


def _jobs(body: bytes) -> Iterator[Job]:
    for position in records(body, roots=ROOTS, names=NAMES):
        team = text(position.get("department")) or text(position.get("recruitingCategory"))
        published = day(position.get("createdAt"))
        yield Job(text(position.get("name")), team, text(position.get("office")), published)


BOARD = Board("Personio", "personio", _page, _feeds, _jobs)
