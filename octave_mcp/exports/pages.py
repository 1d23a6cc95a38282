"""The texts of cited pages, inside a document: line by line, with what is quoted marked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from octave_mcp.exports.document import Source

# One with text: neither blank nor the rule below the head of a table.
_LINE = re.compile(r"^(?:[^\S\n]|[|:-])*+[^\s|:-][^\n]*", re.MULTILINE)
_STRUCTURE = re.compile(r"(?P<heading>#{1,6} +)|(?P<item> *[-*] +)|(?P<quote>> ?)|(?P<row>)(?=\|)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a line, the sources that quote it, and those whose quotations begin with it."""

    text: str
    quoted_by: tuple[Source, ...]
    begins: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` is what it is in Markdown: 'heading', 'item', 'quote', 'row' or 'text'."""

    kind: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class EmbeddedPage:
    """The text with this digest. It may have been at several addresses."""

    sha256: str
    sources: tuple[Source, ...]
    lines: tuple[Line, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(source.evidence.url for source in self.sources))


def embedded_pages(sources: Iterable[Source], texts: Mapping[str, str]) -> tuple[EmbeddedPage, ...]:
    """The pages of these sources whose texts there are, in the order of the first source of each."""
    pages: defaultdict[str, list[Source]] = defaultdict(list)
    for source in sources:
        if source.evidence.page_sha256 in texts:
            pages[source.evidence.page_sha256].append(source)
    return tuple(EmbeddedPage(sha256, tuple(found), _lines(texts[sha256], found)) for sha256, found in pages.items())


def _lines(text: str, sources: Sequence[Source]) -> tuple[Line, ...]:
    return tuple(_line(found, sources) for found in _LINE.finditer(text))


def _line(found: re.Match[str], sources: Sequence[Source]) -> Line:
    """Without the signs of Markdown before its text, unless they are quoted."""
    start, end = found.span()
    quoting = [source for source in sources if source.evidence.start < end and start < source.evidence.end]
    structure = _STRUCTURE.match(found[0])
    if structure:
        start = min((start + structure.end(), *(max(start, source.evidence.start) for source in quoting)))
    kind = (structure and structure.lastgroup) or "text"
    return Line(kind, tuple(_pieces(found.string, start, end, quoting)))


def _pieces(text: str, start: int, end: int, sources: Sequence[Source]) -> Iterator[Piece]:
    """The stretch of the text, cut wherever a quotation begins or ends."""
    cuts = {cut for source in sources for cut in (source.evidence.start, source.evidence.end) if start < cut < end}
    places = (start, *sorted(cuts), end)
    for first, last in pairwise(places):
        quoted_by = tuple(s for s in sources if s.evidence.start <= first and last <= s.evidence.end)
        yield Piece(text[first:last], quoted_by, tuple(s for s in quoted_by if s.evidence.start == first))
