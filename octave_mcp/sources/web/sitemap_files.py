"""Parses sitemaps: XML, feeds (RSS, Atom) or plain text, optionally gzipped."""

# lxml has no type annotations.
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
# Maximum number of URLs in one file, according to the sitemap protocol.
MAX_ENTRIES = 50_000
MAX_ELEMENTS = 300_000
MAX_ALTERNATES = 60
# Maximum length of an XML entity that is split between two reads, such as '&thetasym;'.
MAX_ENTITY_BYTES = 24
MAX_TAG_BYTES = 200_000
# In characters. Longer URLs are truncated to this length. A truncated URL is never requested, because it is still
# too long to be fetched.
MAX_URL_CHARACTERS = 3000
PEEKED_BYTES, BUFFER_BYTES = 200, 65_536
GZIP = b"\x1f\x8b"
# Some servers send blanks or several byte order marks before the XML declaration, where XML does not allow them.
BLANK = b"\xef\xbb\xbf\xff\xfe\0\r\n\t "
# An unescaped ampersand, as in '?a=1&b=2', is not valid XML.
BARE_AMPERSAND = re.compile(rb"&(?!#?\w{1,20};)")
# Names of the elements that contain an entry in sitemaps, RSS and Atom.
ENTRY_ELEMENTS = frozenset({"url", "item", "entry"})


@dataclass(slots=True)
class Entry:
    """An entry of a sitemap or feed.

    `alternates`: the URLs of the page in other languages, as pairs of hreflang and URL.

    `guid`: the identifier of an RSS item. The identifier is used as the URL if the item has no other URL.
    """

    url: str = ""
    guid: str = ""
    alternates: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def entries_of(body: bytes) -> tuple[list[Entry], list[str]]:
    """Return the pages, and the URLs of further sitemaps, exactly as written in the file.

    If a file is damaged, the part before the damage is used.
    """
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
        Entry(line[:MAX_URL_CHARACTERS].strip())
        for line in lines
        if line[:MAX_URL_CHARACTERS].strip().startswith(("http://", "https://", "/"))
    ]


def _unpacked(body: bytes) -> io.BufferedReader:
    stream = io.BytesIO(body)
    return io.BufferedReader(gzip.GzipFile(fileobj=stream) if body.startswith(GZIP) else stream, BUFFER_BYTES)  # pyright: ignore[reportArgumentType]


class _LimitedFile:
    """A file object for the XML parser.

    Reading stops early if the file exceeds the size limit, or if a tag or text is too long.

    The limits are needed, because the parser holds each complete tag or text in memory. The class also repairs common
    mistakes: blank lines before the XML declaration, and unescaped ampersands.
    """

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._left = MAX_BYTES
        self._open_bytes = 0
        self._held_back = b""
        self._is_wide = b"\0" in stream.peek(PEEKED_BYTES)[:PEEKED_BYTES]

    def read(self, size: int) -> bytes:
        """Return the next bytes of the file.

        If they end within an XML entity such as '&amp;', the start of the entity is held back until the next call.
        """
        is_first = self._left == MAX_BYTES
        read = self._stream.read(min(size, self._left))
        self._left -= len(read)
        self._open_bytes = 0 if b">" in read else self._open_bytes + len(read)
        if self._open_bytes > MAX_TAG_BYTES:
            return b""
        if self._is_wide:
            return read
        whole = self._held_back + (read.lstrip(BLANK) if is_first else read)
        cut = whole.rfind(b"&", max(0, len(whole) - MAX_ENTITY_BYTES)) if read else -1
        self._held_back = b"" if cut < 0 else whole[cut:]
        # An empty result would mean the end of the file, so if all bytes are held back, read more.
        return BARE_AMPERSAND.sub(b"&amp;", whole[: len(whole) - len(self._held_back)]) or (
            self.read(size) if read else b""
        )


def _collect(stream: _LimitedFile, pages: list[Entry], sitemaps: list[str]) -> None:
    """Add the pages and the further sitemaps of the file to the lists.

    Each element is freed immediately, so a malicious file needs no more memory than its URLs.
    """
    events: Iterable[tuple[str, Any]] = etree.iterparse(
        stream, events=("end",), resolve_entities=False, no_network=True, huge_tree=False, recover=True, load_dtd=False
    )
    entry = Entry()
    for count, (_, element) in enumerate(events):
        name, parent = _name(element), element.getparent()
        if parent is not None and _name(parent) in {*ENTRY_ELEMENTS, "sitemap"}:
            _record(entry, name, element, parent)
        if name in ENTRY_ELEMENTS or name == "sitemap":
            if name == "sitemap":
                sitemaps.append(entry.url)
            else:
                entry.url = entry.url or entry.guid
                pages.append(entry)
            entry = Entry()
        _release(element, parent)
        if len(pages) + len(sitemaps) >= MAX_ENTRIES or count >= MAX_ELEMENTS:
            return


def _record(entry: Entry, name: str, element: Any, parent: Any) -> None:  # noqa: ANN401 - lxml has no types
    """Copy the URL, translation or identifier from a child element of a sitemap entry to `entry`.

    Elements of other namespaces, such as `image:loc`, are ignored.
    """
    is_own = _namespace(element.tag) == _namespace(parent.tag)
    rel = (element.get("rel") or "alternate").lower()
    if name == "link" and element.get("hreflang") and rel == "alternate":
        if len(entry.alternates) < MAX_ALTERNATES:
            entry.alternates.append((element.get("hreflang"), element.get("href") or ""))
    elif is_own and name in {"loc", "link"} and rel == "alternate" and not entry.url:
        entry.url = _text(element) or (element.get("href") or "")[:MAX_URL_CHARACTERS].strip()
    # In RSS 2.0, a guid is a URL unless `isPermaLink` is 'false'.
    elif is_own and name == "guid" and (element.get("ispermalink") or element.get("isPermaLink")) != "false":
        entry.guid = _text(element)


def _text(element: Any) -> str:  # noqa: ANN401 - ditto
    return "".join(element.itertext(with_tail=False))[:MAX_URL_CHARACTERS].strip()


def _name(element: Any) -> str:  # noqa: ANN401 - ditto
    """Return the name of the element without its namespace or undeclared prefix."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(tag, str) else ""


def _namespace(tag: str) -> str:
    return tag.rpartition("}")[0] or tag.rpartition(":")[0]


def _release(element: Any, parent: Any) -> None:  # noqa: ANN401 - ditto
    element.clear()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)
