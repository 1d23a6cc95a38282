"""The quotations nearest to a text, among all sentences of the pages that a run read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from math import fsum, log
from typing import NamedTuple

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Cite, Evidence, Passage
from octave_mcp.evidence.passages import numbered, quotations
from octave_mcp.evidence.support import Quoted, quoted
from octave_mcp.evidence.support.amounts import is_said
from octave_mcp.evidence.support.quantities import Quantity, quantities
from octave_mcp.evidence.support.wording import Word, wording

# What a figure in common weighs: as much as a rare word.
OF_FIGURE = 5.0
_LEANS = re.compile(r"(?:it|its|they|their|he|she|his|her)\b", re.IGNORECASE)
# What a word weighs that only the heading or the page's title has.
BESIDE = 0.5


class Source(NamedTuple):
    """A passage, and whose page it is from."""

    passage: Passage
    role: Role


class Near(NamedTuple):
    """A quotation: sentences of a passage, from `first` on. `closeness`: how much of a text it has, 0 to 1."""

    source: Source
    first: int
    length: int
    closeness: float

    @property
    def evidence(self) -> Evidence:
        cite = Cite(passage=1, sentences=tuple(range(self.first, self.first + self.length)))
        return quotations(cite, (self.source.passage,), self.source.role)[0]

    @property
    def quoted(self) -> Quoted:
        return quoted(self.evidence, self.source.passage)

    @property
    def with_neighbours(self) -> Iterator[Near]:
        """The same with the sentence before it, and with that after it, where they share a line."""
        last = len(numbered(self.source.passage))
        for first in (self.first - 1, self.first):
            if first >= 1 and first < last and not self._breaks(first):
                yield self._replace(first=first, length=2)

    def _breaks(self, number: int) -> bool:
        text, spans = self.source.passage.text, numbered(self.source.passage)
        return "\n" in text[spans[number - 1][1] : spans[number][0]]


class _Entry(NamedTuple):
    source: Source
    number: int
    keys: frozenset[str]
    beside: frozenset[str]
    figures: tuple[Quantity, ...]


class Nearest:
    """Finds quotations by their words, whatever their form, and by their figures. Rare words count for more."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._entries = [entry for source in sources for entry in _entries(source)]
        self._with: dict[str, list[int]] = defaultdict(list)
        for at, entry in enumerate(self._entries):
            for key in entry.keys | entry.beside:
                self._with[key].append(at)

    @cached_property
    def _figured(self) -> list[int]:
        return [at for at, entry in enumerate(self._entries) if entry.figures]

    def to(self, words: Sequence[Word], text: str, most: int) -> list[Near]:
        """The nearest first; `words` are those of the text that count."""
        points = self._of_figures(found := quantities(text))
        weights = [(word, self._rarity(word)) for word in words if not word.is_figure]
        for word, weight in weights:
            for at, share in self._hits(word).items():
                points[at] = points.get(at, 0.0) + weight * share
        total = fsum((*(weight for _, weight in weights), OF_FIGURE * len(found))) or 1.0
        ranked = sorted(points, key=lambda at: (-points[at], at))[:most]
        return [_near(self._entries[at], points[at] / total) for at in ranked]

    def _of_figures(self, claimed: Sequence[Quantity]) -> dict[int, float]:
        found: dict[int, float] = {}
        for at in self._figured if claimed else ():
            told = self._entries[at].figures
            if same := sum(any(is_said(one, other) for other in told) for one in claimed):
                found[at] = OF_FIGURE * same
        return found

    def _hits(self, word: Word) -> dict[int, float]:
        return {
            at: BESIDE if word.keys.isdisjoint(self._entries[at].keys) else 1.0
            for key in word.keys
            for at in self._with.get(key, ())
        }

    def _rarity(self, word: Word) -> float:
        """From 1 for a word of every sentence; one that no sentence has is the rarest."""
        count = max((len(self._with.get(key, ())) for key in word.keys), default=0)
        return 1 + log((len(self._entries) + 1) / (count + 1)) / 2


def _near(entry: _Entry, closeness: float) -> Near:
    """What begins with 'it' is quoted with the sentence before, which says what that is."""
    near = Near(entry.source, entry.number, 1, closeness)
    first, last = numbered(entry.source.passage)[entry.number - 1]
    leans = _LEANS.match(entry.source.passage.text[first:last])
    return next((wider for wider in near.with_neighbours if wider.first < near.first), near) if leans else near


def _entries(source: Source) -> Iterator[_Entry]:
    passage = source.passage
    beside = wording(f"{passage.page.title}\n{passage.heading}").keys
    for number, (first, last) in enumerate(numbered(passage), 1):
        text = passage.text[first:last]
        yield _Entry(source, number, wording(text).keys, beside, quantities(text))
