"""Describes a job board: its URLs, where it lists open jobs, and how to parse that list."""

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

# Maximum size of a list of jobs in bytes. Parsed JSON can take twenty times as much memory as the text.
MAX_BYTES = 4_000_000
MILLISECONDS_PER_SECOND = 1000
# Matches a company's account name in the URLs of a job board. Some names contain spaces (`%20`) or dots.
ACCOUNT = r"[A-Za-z0-9](?:[\w.-]|%20){0,99}"


@dataclass(frozen=True, slots=True)
class Job:
    title: str
    team: str
    location: str
    published_on: date | None


@dataclass(frozen=True, slots=True)
class Board:
    """A job board.

    - `page`: returns the URL of the company's page, given any URL of the board, such as a link, frame, script or API
      URL
    - `feeds`: returns the URLs of machine-readable job lists for that page; the first readable list is used
    - `jobs`: parses a job list
    """

    name: str
    domain: str
    page: Callable[[SplitResult], str | None]
    feeds: Callable[[str], tuple[str, ...]]
    jobs: Callable[[bytes], Iterator[Job]]


def first_group(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.fullmatch(text)
    return next(filter(None, match.groups()), None) if match else None


def listed(body: bytes, key: str = "") -> list[Node]:
    """Return the objects in a JSON list.

    `key`: the key of the list, if the response is a JSON object that contains the list.

    Raises:
        NotAFeed: If the response is too large, or does not contain the list.
    """
    if len(body) >= MAX_BYTES:
        raise NotAFeed(f"The list has more than {MAX_BYTES // 1_000_000} MB")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise NotAFeed("The response is not JSON") from None
    items = cast("Node", document).get(key) if key and isinstance(document, dict) else document
    if not isinstance(items, list):
        raise NotAFeed("The response is not a list of jobs")
    return nodes_in(cast("list[object]", items))


def text(value: object) -> str:
    return line(html.unescape(value) if isinstance(value, str) else value)


def joined(*values: object) -> str:
    parts = [part for value in values if (part := text(value))]
    return ", ".join(dict.fromkeys(parts))


def day(value: object) -> date | None:
    """Return the date of a timestamp in ISO 8601 or in milliseconds since 1970. Return None for any other value."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value / MILLISECONDS_PER_SECOND, UTC).date()
        return date.fromisoformat(str(value)[:10])
    except (ValueError, OverflowError, OSError):
        return None
