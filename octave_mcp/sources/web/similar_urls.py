"""Limits how many similar URLs are read: those that differ only in numbers, such as the days of a calendar."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Protocol, TypeVar


class _HasUrl(Protocol):
    @property
    def url(self) -> str: ...


L = TypeVar("L", bound=_HasUrl)

MOST_SIMILAR = 5
MOST_REPEATED = 2
# Numbers, and the identifiers that programs make of digits and the first letters.
NUMBER = re.compile(r"[0-9a-f]{8,}|\d+", re.IGNORECASE)


def limit_similar(links: Iterable[L]) -> list[L]:
    """The links in their order, at most five of each pattern of numbers, or of queries to one path."""
    seen: Counter[str] = Counter()
    return [link for link in links if not _is_circular(link.url) and _is_among_first(link.url, seen)]


def _is_among_first(url: str, seen: Counter[str]) -> bool:
    path, has_query, _ = url.partition("?")
    pattern = NUMBER.sub(_placeholder, path) + has_query
    seen[pattern] += pattern != url
    return seen[pattern] <= MOST_SIMILAR


def _placeholder(found: re.Match[str]) -> str:
    return found[0] if found[0].isalpha() else "#"


def _is_circular(url: str) -> bool:
    """Whether a part of the path repeats, as it does where relative links never end."""
    parts = [part for part in url.partition("?")[0].split("/")[3:] if part]
    return any(count > MOST_REPEATED for count in Counter(parts).values())
