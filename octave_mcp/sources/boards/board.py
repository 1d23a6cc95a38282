"""A job board: the form of its addresses, where it lists its open jobs, and how to read that list."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import cast
from urllib.parse import SplitResult

from octave_mcp.sources.feeds.records import NotAFeed
from octave_mcp.sources.html.json_ld import Node, line, nodes_in

# Of a list. Read as JSON, a hostile one takes twenty times as much memory.
MAX_BYTES = 4_000_000
MILLISECONDS = 1000
# Of a company at a board, as it is written in an address.
NAME = r"[A-Za-z0-9](?:[\w.-]|%20){0,99}"


@dataclass(frozen=True, slots=True)
class Job:
    title: str
    team: str
    location: str
    published_on: date | None


@dataclass(frozen=True, slots=True)
class Board:
    """`page` finds the company's page for applicants in any address of the board: links, scripts, frames, its API.

    `feeds` are where the jobs on such a page are listed for programs. The first that can be read counts.
    """

    name: str
    domain: str
    page: Callable[[SplitResult], str | None]
    feeds: Callable[[str], tuple[str, ...]]
    jobs: Callable[[bytes], Iterator[Job]]


def first_group(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.fullmatch(text)
    return next(filter(None, found.groups()), None) if found else None


def listed(body: bytes, key: str = "") -> list[Node]:
    """The objects of a JSON list, or of the list under that key.

    Raises:
        NotAFeed: there is no such list, or it is too large.
    """
    if len(body) >= MAX_BYTES:
        raise NotAFeed(f"The list has more than {MAX_BYTES // 1_000_000} MB")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise NotAFeed("The answer is not JSON") from None
    found = cast("Node", document).get(key) if key and isinstance(document, dict) else document
    if not isinstance(found, list):
        raise NotAFeed("The answer is not a list of jobs")
    return nodes_in(cast("list[object]", found))


def text(value: object) -> str:
    return line(html.unescape(value) if isinstance(value, str) else value)


def joined(*values: object) -> str:
    parts = [part for value in values if (part := text(value))]
    return ", ".join(dict.fromkeys(parts))


def day(value: object) -> date | None:
    """The day of a time in ISO 8601, or in milliseconds since 1970."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value / MILLISECONDS, UTC).date()
        return date.fromisoformat(str(value)[:10])
    except (ValueError, OverflowError, OSError):
        return None
