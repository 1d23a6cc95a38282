"""Converts an RSS or Atom feed to a page that lists the posts of a company by date."""

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
# Some entries contain a whole article, so this limit bounds the time for parsing an entry.
MAX_HTML_CHARACTERS = 8000
MAX_SUMMARY_CHARACTERS = 800
# In characters. Shorter summaries, such as 'Read more', are useless, so the entry's next field is used instead.
MIN_SUMMARY_CHARACTERS = 40
# Matches the first character of headings, quotations and table rows, which are left out of a summary.
MARKUP = re.compile(r"[#>|]")
TITLES: dict[PageKind, str] = {"news": "News", "blog": "Blog"}


def feed_page(url: str, kind: PageKind, body: bytes, fetched_at: datetime) -> Page:
    """Return the page with the newest posts.

    Raises:
        NotAFeed: If the response is not a feed, or the feed is empty.
    """
    entries = list(_entries(body, fetched_at.date()))
    if not entries:
        raise NotAFeed("The feed has no entries")
    newest = sorted(entries, key=lambda dated: dated[0] or date.min, reverse=True)[:MAX_ENTRIES]
    return page_of_list(url, TITLES[kind], kind, by_day(newest, "Published"), fetched_at)


def _entries(body: bytes, today: date) -> Iterator[tuple[date | None, str]]:
    for record in records(body, roots=ROOTS, names=NAMES):
        title, published = line(unescape(record.get("title", ""))), _day(record)
        # Posts with a future date are skipped, because they are not published yet or their date is wrong.
        if title and (published is None or published <= today):
            yield published, "\n\n".join(filter(None, (f"- {title}", _summary(record))))


def _day(record: Record) -> date | None:
    return next(filter(None, (_parsed(record[name]) for name in DATES if name in record)), None)


def _parsed(text: str) -> date | None:
    """Return the date of a timestamp in the format of Atom (ISO 8601) or RSS (RFC 822).

    Return None for any other text.
    """
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text[:100]).date()
    except (ValueError, OverflowError):
        return None


def _summary(record: Record) -> str:
    """Return the first paragraphs of a feed entry as plain text."""
    texts = (_plain(record[name]) for name in SUMMARIES if record.get(name))
    return next((text for text in texts if len(text) >= MIN_SUMMARY_CHARACTERS), "")


def _plain(html: str) -> str:
    paragraphs: list[str] = []
    for paragraph in main_text(f"<main><div>{html[:MAX_HTML_CHARACTERS]}</div></main>").split("\n"):
        if paragraph.strip() and not MARKUP.match(paragraph):
            if sum(map(len, paragraphs)) + len(paragraph) > MAX_SUMMARY_CHARACTERS:
                break
            paragraphs.append(paragraph)
    return "\n\n".join(paragraphs)
