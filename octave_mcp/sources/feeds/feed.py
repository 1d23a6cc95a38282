"""From an RSS or Atom feed to a page: what a company published, and when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from html import unescape

from octave_mcp.domain.page import Page, PageKind
from octave_mcp.sources.feeds.dated import by_day, page_of_list
from octave_mcp.sources.feeds.records import NotAFeed, Record, records
from octave_mcp.sources.html.extraction import main_text
from octave_mcp.sources.html.json_ld import line

ROOTS = frozenset({"rss", "feed", "RDF"})
NAMES = frozenset({"item", "entry"})
DATES = ("published", "pubDate", "date", "issued", "updated", "modified")
SUMMARIES = ("summary", "description", "encoded", "content")
MAX_ENTRIES = 30
LONGEST_HTML = 8000
LONGEST_SUMMARY = 800
# Characters; a shorter summary says less than the text.
FULL_TEXT = 40
MARKUP = re.compile(r"[#>|]")
TITLES: dict[PageKind, str] = {"news": "News", "blog": "Blog"}


def feed_page(url: str, kind: PageKind, body: bytes, fetched_at: datetime) -> Page:
    """Raises: NotAFeed: it is not a feed, or has no entries."""
    entries = list(_entries(body, fetched_at.date()))
    if not entries:
        raise NotAFeed("The feed has no entries")
    newest = sorted(entries, key=lambda dated: dated[0] or date.min, reverse=True)[:MAX_ENTRIES]
    return page_of_list(url, TITLES[kind], kind, by_day(newest, "Published"), fetched_at)


def _entries(body: bytes, today: date) -> Iterator[tuple[date | None, str]]:
    for record in records(body, roots=ROOTS, names=NAMES):
        title, published = line(unescape(record.get("title", ""))), _day(record)
        if title and (published is None or published <= today):
            yield published, "\n\n".join(filter(None, (f"- {title}", _summary(record))))


def _day(record: Record) -> date | None:
    return next(filter(None, (_parsed(record[name]) for name in DATES if name in record)), None)


def _parsed(text: str) -> date | None:
    """The day of a time as RSS or as Atom writes it."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text[:100]).date()
    except (ValueError, OverflowError):
        return None


def _summary(record: Record) -> str:
    """The first paragraphs of the entry, as a reader of its page would see them."""
    texts = (_plain(record[name]) for name in SUMMARIES if record.get(name))
    return next((text for text in texts if len(text) >= FULL_TEXT), "")


def _plain(html: str) -> str:
    paragraphs: list[str] = []
    for paragraph in main_text(f"<main><div>{html[:LONGEST_HTML]}</div></main>").split("\n"):
        if paragraph.strip() and not MARKUP.match(paragraph):
            if sum(map(len, paragraphs)) + len(paragraph) > LONGEST_SUMMARY:
                break
            paragraphs.append(paragraph)
    return "\n\n".join(paragraphs)
