"""Marks the quotations in the texts of cited pages, so that a document can include these texts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from octave_mcp.exports.document import SourceEntry

# Matches lines with text, but not blank lines, rules ("---") or the line "|---|---|" below a table header.
_LINE = re.compile(r"^(?:[^\S\n]|[|:-])*+[^\s|:-][^\n]*", re.MULTILINE)
_STRUCTURE = re.compile(r"(?P<heading>#{1,6} +)|(?P<item> *[-*] +)|(?P<quote>> ?)|(?P<row>)(?=\|)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a line of text. Each line is cut into pieces wherever a quotation starts or ends.

    - `quoted_by`: sources whose quotations contain this piece of text.
    - `begins`: sources whose quotations begin with this piece of text.
    """

    text: str
    quoted_by: tuple[SourceEntry, ...]
    begins: tuple[SourceEntry, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page. `kind` is the line's role in Markdown: 'heading', 'item', 'quote', 'row' or 'text'."""

    kind: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class EmbeddedPage:
    """The text of a cited page, which several URLs can share."""

    sha256: str
    sources: tuple[SourceEntry, ...]
    lines: tuple[Line, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(source.evidence.url for source in self.sources))


def embedded_pages(sources: Iterable[SourceEntry], texts: Mapping[str, str]) -> tuple[EmbeddedPage, ...]:
    """Return the cited pages whose texts are in `texts`, in the order in which they are first cited."""
    pages: defaultdict[str, list[SourceEntry]] = defaultdict(list)
    for source in sources:
        if source.evidence.page_sha256 in texts:
            pages[source.evidence.page_sha256].append(source)
    return tuple(EmbeddedPage(sha256, tuple(cited), _lines(texts[sha256], cited)) for sha256, cited in pages.items())


def _lines(text: str, sources: Sequence[SourceEntry]) -> tuple[Line, ...]:
    return tuple(_line(match, sources) for match in _LINE.finditer(text))


def _line(match: re.Match[str], sources: Sequence[SourceEntry]) -> Line:
    """Return a line without the Markdown markup at its start, unless a quotation includes this markup."""
    start, end = match.span()
    quoting = [source for source in sources if source.evidence.start < end and start < source.evidence.end]
    structure = _STRUCTURE.match(match[0])
    if structure:
        start = min((start + structure.end(), *(max(start, source.evidence.start) for source in quoting)))
    kind = (structure and structure.lastgroup) or "text"
    return Line(kind, tuple(_pieces(match.string, start, end, quoting)))


def _pieces(text: str, start: int, end: int, sources: Sequence[SourceEntry]) -> Iterator[Piece]:
    """Cut the line wherever a quotation starts or ends, and yield the pieces. Quotations can overlap."""
    cuts = {cut for source in sources for cut in (source.evidence.start, source.evidence.end) if start < cut < end}
    places = (start, *sorted(cuts), end)
    for first, last in pairwise(places):
        quoted_by = tuple(s for s in sources if s.evidence.start <= first and last <= s.evidence.end)
        yield Piece(text[first:last], quoted_by, tuple(s for s in quoted_by if s.evidence.start == first))
