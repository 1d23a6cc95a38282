"""Parses a sitemap: XML, gzipped XML or text."""

# lxml comes without types.
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

MOST_BYTES = 20_000_000
MOST_ENTRIES = 50_000
"""The protocol's own limit."""
MOST_ELEMENTS = 300_000
MOST_ALTERNATES = 60
LONGEST_TAG_BYTES = 200_000
LONGEST_URL = 3000
"""Longer than any URL that is fetched, so that a URL that is cut is refused."""
GZIP = b"\x1f\x8b"
LINK = "{http://www.w3.org/1999/xhtml}link"


@dataclass(slots=True)
class Entry:
    """A URL, and those of the same page in other languages: pairs of hreflang and URL."""

    url: str = ""
    alternates: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def entries_of(body: bytes) -> tuple[list[Entry], list[str]]:
    """The pages and the URLs of further sitemaps; of a damaged file, those before the damage."""
    if not body.startswith(GZIP) and not body[:200].lstrip(b"\xef\xbb\xbf\xff\xfe\0\r\n\t ").startswith(b"<"):
        return _lines(body), []
    pages: list[Entry] = []
    sitemaps: list[str] = []
    with suppress(etree.XMLSyntaxError, zlib.error, OSError, EOFError):
        _collect(_LimitedFile(_unpacked(body)), pages, sitemaps)
    return pages, sitemaps


def _lines(body: bytes) -> list[Entry]:
    lines = body.decode("utf-8-sig", "replace").splitlines()[:MOST_ENTRIES]
    return [
        Entry(line[:LONGEST_URL].strip())
        for line in lines
        if line[:LONGEST_URL].strip().startswith(("http://", "https://"))
    ]


def _unpacked(body: bytes) -> io.BufferedIOBase:
    stream = io.BytesIO(body)
    return gzip.GzipFile(fileobj=stream) if body.startswith(GZIP) else stream


class _LimitedFile:
    """A file that ends at the size limit, or at a tag or text without an end, all of which the parser would buffer."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._left = MOST_BYTES
        self._unended = 0

    def read(self, size: int) -> bytes:
        read = self._stream.read(min(size, self._left))
        self._left -= len(read)
        self._unended = 0 if b">" in read else self._unended + len(read)
        return read if self._unended <= LONGEST_TAG_BYTES else b""


def _collect(stream: _LimitedFile, pages: list[Entry], sitemaps: list[str]) -> None:
    """Fill the lists, and free each element at once: a hostile file must cost no more memory than what it lists."""
    reading: Iterable[tuple[str, Any]] = etree.iterparse(
        stream, events=("end",), resolve_entities=False, no_network=True, huge_tree=False, recover=True, load_dtd=False
    )
    entry = Entry()
    for count, (_, element) in enumerate(reading):
        name, parent = element.tag, element.getparent()
        if name == LINK and element.get("rel") == "alternate" and len(entry.alternates) < MOST_ALTERNATES:
            entry.alternates.append((element.get("hreflang") or "", element.get("href") or ""))
        elif parent is not None and name == f"{_namespace(parent.tag)}loc":
            entry.url = (element.text or "")[:LONGEST_URL].strip()
        elif name in {f"{_namespace(name)}url", f"{_namespace(name)}sitemap"}:
            if name.endswith("url"):
                pages.append(entry)
            else:
                sitemaps.append(entry.url)
            entry = Entry()
        _release(element, parent)
        if len(pages) + len(sitemaps) >= MOST_ENTRIES or count >= MOST_ELEMENTS:
            return


def _namespace(tag: object) -> str:
    return f"{found[0]}}}" if isinstance(tag, str) and (found := tag.rpartition("}"))[1] else ""


def _release(element: Any, parent: Any) -> None:  # noqa: ANN401 - lxml comes without types
    element.clear()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)
