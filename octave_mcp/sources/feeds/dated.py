"""Builds pages from dated entries. Each day becomes a section with the date in its heading."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from hashlib import sha256

from octave_mcp.domain.page import Page, PageKind, PageRef, Structured
from octave_mcp.sources.html.language import language_of


def page_of_list(url: str, title: str, kind: PageKind, sections: str, fetched_at: datetime) -> Page:
    text = f"# {title}\n\n{sections}"
    ref = PageRef(
        url=url,
        sha256=sha256(text.encode("utf-8")).hexdigest(),
        title=title,
        kind=kind,
        language=language_of(sections, ""),
        fetched_at=fetched_at,
    )
    return Page(ref=ref, text=text, structured=Structured())


def by_day(entries: Iterable[tuple[date | None, str]], heading: str) -> str:
    """Return the entries as Markdown, newest first, under headings such as 'Open jobs, 2026-11-02'.

    Entries without a date come last.
    """
    days: dict[date | None, list[str]] = {}
    for day, entry in sorted(entries, key=lambda dated: dated[0] or date.min, reverse=True):
        days.setdefault(day, []).append(entry)
    return "\n\n".join(
        f"## {heading}{f', {day}' if day else ''}\n\n" + "\n\n".join(listed) for day, listed in days.items()
    )
