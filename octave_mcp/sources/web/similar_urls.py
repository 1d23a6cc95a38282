"""Limits the number of similar URLs that are read, such as the pages of a calendar.

Some query strings select a separate page (`?page=pricing`, `?id=12`). Other query strings only select a part of a long
list, or its order (`?page=2`, `?sort=price`).
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
# Maximum number of URLs that have the same path but different queries. The limit is high, because some sites serve all
# pages at a single path.
MAX_QUERY_PAGES = 50
MAX_PATH_REPEATS = 2
# Matches numbers, and hexadecimal identifiers such as '3f9a0b12'.
NUMBER = re.compile(r"[0-9a-f]{8,}|\d+", re.IGNORECASE)
# Matches the names of query fields that select a part of a list or calendar, such as `offset` and `month`. The value
# must also match `PAGING_VALUE`, because `?page=pricing` selects a separate page.
PAGING_FIELD = re.compile(
    r"page|paged|pg|page[-_]?(?:no|num|number)|offset|start|skip|from|to|limit|per[-_]?page|size|date|day|month|year|week|"
    r"time|tribe-bar-date|ical",
    re.IGNORECASE,
)
# '2', '2026-10-01', '2026-10-01T09:00', '9:30am'.
PAGING_VALUE = re.compile(r"[\d:./+-]*(?:T[\d:.]+)?(?:am|pm|z)?", re.IGNORECASE)
# Matches the names of query fields that sort, filter, search, reply, share or print. Their values are not checked.
VIEW_FIELD = re.compile(
    r"sort\w*|order|order[-_]?by|filters?\b.*|dir|q|query|search|replytocom|share|print", re.IGNORECASE
)
REFERRER_FIELD = re.compile(r"ref|ref[-_]?src|referr?er|source|src|from|via", re.IGNORECASE)


def limit_similar(links: Iterable[L]) -> list[L]:
    """Return the links in the same order, without links that are too similar to earlier links.

    At most five URLs that differ only in numbers are kept. At most fifty URLs that have the same path but different
    queries are kept. At most five of these fifty can be URLs that only show different parts of a list.
    """
    links = list(links)
    urls = {link.url for link in links}
    seen: Counter[str] = Counter()
    return [
        link
        for link in links
        if not _is_circular(link.url) and not _only_adds_referrer(link.url, urls) and _is_among_first(link, seen)
    ]


def _only_adds_referrer(url: str, urls: set[str]) -> bool:
    """Whether the query only adds a referrer to another known URL, as in `/pricing?ref=footer`."""
    path, _, query = url.partition("?")
    return bool(query) and path in urls and all(REFERRER_FIELD.fullmatch(name) for name, _ in fields_of(query))


def _is_among_first(link: _HasUrl, seen: Counter[str]) -> bool:
    path, has_query, query = link.url.partition("?")
    pattern = NUMBER.sub(_placeholder, path)
    if not has_query:
        return pattern == path or _is_within(seen, pattern, MAX_SIMILAR)
    fields = fields_of(query)
    names = [field for field in fields if not _is_view(*field)]
    text = getattr(link, "text", "")
    if names == fields or _is_first_with_text(f"{pattern}?{text}", text, seen):
        return _is_within(seen, f"{pattern}?", MAX_QUERY_PAGES)
    return _is_within(seen, f"{pattern}?{names}", MAX_SIMILAR) and _is_within(seen, f"{pattern}?", MAX_QUERY_PAGES)


def _is_within(seen: Counter[str], pattern: str, limit: int) -> bool:
    seen[pattern] += 1
    return seen[pattern] <= limit


def _is_view(name: str, value: str) -> bool:
    is_paging = bool(PAGING_FIELD.fullmatch(name)) and bool(value) and bool(PAGING_VALUE.fullmatch(value))
    return is_paging or bool(VIEW_FIELD.fullmatch(name))


def _is_first_with_text(pattern: str, text: str, seen: Counter[str]) -> bool:
    """Whether a link's text has no digits and differs from the texts of all earlier links to the same path.

    A link with a text such as 'Pricing' probably leads to a separate page. Links such as '2' or 'May 3' lead to pages
    of a list.
    """
    return text[:1].isalpha() and not any(map(str.isdigit, text)) and _is_within(seen, f"{pattern} ", 1)


def _placeholder(match: re.Match[str]) -> str:
    return match[0] if match[0].isalpha() else "#"


def _is_circular(url: str) -> bool:
    """Whether the path repeats a part more than twice, as in `/blog/en/blog/en/blog`.

    Broken relative links can produce an endless number of such URLs.
    """
    parts = [part for part in url.partition("?")[0].split("/")[3:] if part]
    return any(count > MAX_PATH_REPEATS for count in Counter(parts).values())
