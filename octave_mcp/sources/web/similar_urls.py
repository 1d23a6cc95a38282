"""Limits how many similar URLs are read: those that differ only in numbers, such as the days of a calendar.

A query may name a page (`?page=pricing`, `?id=12`), or only a part of a long list (`?page=2`, `?sort=price`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Protocol, TypeVar

from octave_mcp.domain.addresses import fields_of


class _HasUrl(Protocol):
    @property
    def url(self) -> str: ...


L = TypeVar("L", bound=_HasUrl)

MAX_SIMILAR = 5
# Pages at one path that their queries name: whole sites have only one path.
MAX_NAMED = 50
MAX_REPEATED = 2
# Numbers, and the identifiers that programs make of digits and the first letters.
NUMBER = re.compile(r"[0-9a-f]{8,}|\d+", re.IGNORECASE)
TURNS = re.compile(
    r"page|paged|pg|page[-_]?(?:no|num|number)|offset|start|skip|from|to|limit|per[-_]?page|size|date|day|month|year|week|"
    r"time|tribe-bar-date|ical",
    re.IGNORECASE,
)
TURNED = re.compile(r"[\d:./+-]*(?:T[\d:.]+)?(?:am|pm|z)?", re.IGNORECASE)
SORTS = re.compile(r"sort\w*|order|order[-_]?by|filters?\b.*|dir|q|query|search|replytocom|share|print", re.IGNORECASE)
SOURCES = re.compile(r"ref|ref[-_]?src|referr?er|source|src|from|via", re.IGNORECASE)


def limit_similar(links: Iterable[L]) -> list[L]:
    """The links in their order, at most five of each pattern of numbers or leaves, and fifty of queries to one path."""
    links = list(links)
    urls = {link.url for link in links}
    seen: Counter[str] = Counter()
    return [
        link
        for link in links
        if not _is_circular(link.url) and not _is_known(link.url, urls) and _is_among_first(link, seen)
    ]


def _is_known(url: str, urls: set[str]) -> bool:
    """Whether it only adds to another URL of the site where its readers come from."""
    path, _, query = url.partition("?")
    return bool(query) and path in urls and all(SOURCES.fullmatch(name) for name, _ in fields_of(query))


def _is_among_first(link: _HasUrl, seen: Counter[str]) -> bool:
    path, has_query, query = link.url.partition("?")
    pattern = NUMBER.sub(_placeholder, path)
    if not has_query:
        return pattern == path or _counts(seen, pattern, MAX_SIMILAR)
    fields = fields_of(query)
    names = [field for field in fields if not _is_leaf(*field)]
    text = getattr(link, "text", "")
    if names == fields or _is_first_so_called(f"{pattern}?{text}", text, seen):
        return _counts(seen, f"{pattern}?", MAX_NAMED)
    return _counts(seen, f"{pattern}?{names}", MAX_SIMILAR) and _counts(seen, f"{pattern}?", MAX_NAMED)


def _counts(seen: Counter[str], pattern: str, most: int) -> bool:
    seen[pattern] += 1
    return seen[pattern] <= most


def _is_leaf(name: str, value: str) -> bool:
    turns = bool(TURNS.fullmatch(name)) and bool(value) and bool(TURNED.fullmatch(value))
    return turns or bool(SORTS.fullmatch(name))


def _is_first_so_called(called: str, text: str, seen: Counter[str]) -> bool:
    """Whether words of its own lead to it: the leaves of a calendar are called by numbers."""
    return text[:1].isalpha() and not any(map(str.isdigit, text)) and _counts(seen, f"{called} ", 1)


def _placeholder(found: re.Match[str]) -> str:
    return found[0] if found[0].isalpha() else "#"


def _is_circular(url: str) -> bool:
    """Whether a part of the path repeats, as it does where relative links never end."""
    parts = [part for part in url.partition("?")[0].split("/")[3:] if part]
    return any(count > MAX_REPEATED for count in Counter(parts).values())
