"""Parses what sites give as sitemaps: XML, feeds (RSS, Atom) or text, each perhaps gzipped."""

# lxml comes without types.
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

MAX_BYTES = 20_000_000
# The protocol's own limit.
MAX_ENTRIES = 50_000
MAX_ELEMENTS = 300_000
MAX_ALTERNATES = 60
LONGEST_ENTITY = 24
MAX_TAG_BYTES = 200_000
# Longer than any URL that is fetched, so that a URL that is cut is refused.
LONGEST_URL = 3000
PEEKED_BYTES, BUFFER_BYTES = 200, 65_536
GZIP = b"\x1f\x8b"
BLANK = b"\xef\xbb\xbf\xff\xfe\0\r\n\t "
BARE_AMPERSAND = re.compile(rb"&(?!#?\w{1,20};)")
# In sitemaps, RSS and Atom.
ITEMS = frozenset({"url", "item", "entry"})


@dataclass(slots=True)
class Entry:
    """A URL, and those of the same page in other languages: pairs of hreflang and URL."""

    url: str = ""
    guid: str = ""
    """What identifies an item of RSS: its URL, where it has no other."""
    alternates: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def entries_of(body: bytes) -> tuple[list[Entry], list[str]]:
    """The pages and the URLs of further sitemaps, as written; of a damaged file, those before the damage."""
    pages: list[Entry] = []
    sitemaps: list[str] = []
    with suppress(etree.XMLSyntaxError, zlib.error, OSError, EOFError):
        stream = _unpacked(body)
        if not stream.peek(PEEKED_BYTES)[:PEEKED_BYTES].lstrip(BLANK).startswith(b"<"):
            return _lines(stream.read(MAX_BYTES)), []
        _collect(_LimitedFile(stream), pages, sitemaps)
    return pages, sitemaps


def _lines(body: bytes) -> list[Entry]:
    lines = body.decode("utf-8-sig", "replace").splitlines()[:MAX_ENTRIES]
    return [
        Entry(line[:LONGEST_URL].strip())
        for line in lines
        if line[:LONGEST_URL].strip().startswith(("http://", "https://", "/"))
    ]


def _unpacked(body: bytes) -> io.BufferedReader:
    stream = io.BytesIO(body)
    return io.BufferedReader(gzip.GzipFile(fileobj=stream) if body.startswith(GZIP) else stream, BUFFER_BYTES)  # pyright: ignore[reportArgumentType]


class _LimitedFile:
    """A file that ends at the size limit, or at a tag or text without an end, all of which the parser would buffer.

    The parser is spared what sites write wrongly: blanks before the declaration, and ampersands that begin no entity.
    """

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._left = MAX_BYTES
        self._unended = 0
        self._held = b""
        self._is_wide = b"\0" in stream.peek(PEEKED_BYTES)[:PEEKED_BYTES]

    def read(self, size: int) -> bytes:
        """The next part; what may be half an entity is held back for the part after it."""
        is_first = self._left == MAX_BYTES
        read = self._stream.read(min(size, self._left))
        self._left -= len(read)
        self._unended = 0 if b">" in read else self._unended + len(read)
        if self._unended > MAX_TAG_BYTES:
            return b""
        if self._is_wide:
            return read
        whole = self._held + (read.lstrip(BLANK) if is_first else read)
        cut = whole.rfind(b"&", max(0, len(whole) - LONGEST_ENTITY)) if read else -1
        self._held = b"" if cut < 0 else whole[cut:]
        return BARE_AMPERSAND.sub(b"&amp;", whole[: len(whole) - len(self._held)]) or (self.read(size) if read else b"")


def _collect(stream: _LimitedFile, pages: list[Entry], sitemaps: list[str]) -> None:
    """Fill the lists, and free each element at once: a hostile file must cost no more memory than what it lists."""
    reading: Iterable[tuple[str, Any]] = etree.iterparse(
        stream, events=("end",), resolve_entities=False, no_network=True, huge_tree=False, recover=True, load_dtd=False
    )
    entry = Entry()
    for count, (_, element) in enumerate(reading):
        name, parent = _name(element), element.getparent()
        if parent is not None and _name(parent) in {*ITEMS, "sitemap"}:
            _note(entry, name, element, parent)
        if name in ITEMS or name == "sitemap":
            if name == "sitemap":
                sitemaps.append(entry.url)
            else:
                entry.url = entry.url or entry.guid
                pages.append(entry)
            entry = Entry()
        _release(element, parent)
        if len(pages) + len(sitemaps) >= MAX_ENTRIES or count >= MAX_ELEMENTS:
            return


def _note(entry: Entry, name: str, element: Any, parent: Any) -> None:  # noqa: ANN401 - lxml comes without types
    """Note what a child of an entry says: `image:loc` and the like are no `loc`, being of another namespace."""
    is_own = _namespace(element.tag) == _namespace(parent.tag)
    rel = (element.get("rel") or "alternate").lower()
    if name == "link" and element.get("hreflang") and rel == "alternate":
        if len(entry.alternates) < MAX_ALTERNATES:
            entry.alternates.append((element.get("hreflang"), element.get("href") or ""))
    elif is_own and name in {"loc", "link"} and rel == "alternate" and not entry.url:
        entry.url = _text(element) or (element.get("href") or "")[:LONGEST_URL].strip()
    elif is_own and name == "guid" and (element.get("ispermalink") or element.get("isPermaLink")) != "false":
        entry.guid = _text(element)


def _text(element: Any) -> str:  # noqa: ANN401 - ditto
    return "".join(element.itertext(with_tail=False))[:LONGEST_URL].strip()


def _name(element: Any) -> str:  # noqa: ANN401 - ditto
    """The name without its namespace, or the prefix of one that was not declared."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(tag, str) else ""


def _namespace(tag: str) -> str:
    return tag.rpartition("}")[0] or tag.rpartition(":")[0]


def _release(element: Any, parent: Any) -> None:  # noqa: ANN401 - lxml comes without types
    element.clear()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)
