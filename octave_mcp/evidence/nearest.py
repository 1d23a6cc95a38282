"""Finds the quotations that are most similar to a text, among all sentences on the pages that a run read."""

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

# Weight of a shared figure, which is similar to the weight of a rare word.
FIGURE_WEIGHT = 5.0
_STARTS_WITH_PRONOUN = re.compile(r"(?:it|its|they|their|he|she|his|her)\b", re.IGNORECASE)
# A word that is in the heading or the page title, but not in the sentence, counts half as much.
HEADING_WEIGHT = 0.5


class CompanyPassage(NamedTuple):
    """A passage, and the role of the company that owns its page."""

    passage: Passage
    role: Role


class Near(NamedTuple):
    """A quotation that starts with sentence number `first` of a passage and has `length` sentences.

    `closeness` is the share of the text's words and figures that the quotation contains, from 0 to 1. Rare words count
    more.
    """

    found_in: CompanyPassage
    first: int
    length: int
    closeness: float

    @property
    def evidence(self) -> Evidence:
        cite = Cite(passage=1, sentences=tuple(range(self.first, self.first + self.length)))
        return quotations(cite, (self.found_in.passage,), self.found_in.role)[0]

    @property
    def quoted(self) -> Quoted:
        return quoted(self.evidence, self.found_in.passage)

    @property
    def with_neighbours(self) -> Iterator[Near]:
        """Yield the quotation with one neighbouring sentence: first with the previous one, then with the next one.

        A neighbouring sentence on another line is not used.
        """
        last = len(numbered(self.found_in.passage))
        for first in (self.first - 1, self.first):
            if first >= 1 and first < last and not self._breaks(first):
                yield self._replace(first=first, length=2)

    def _breaks(self, number: int) -> bool:
        text, spans = self.found_in.passage.text, numbered(self.found_in.passage)
        return "\n" in text[spans[number - 1][1] : spans[number][0]]


class _Entry(NamedTuple):
    found_in: CompanyPassage
    number: int
    keys: frozenset[str]
    heading_keys: frozenset[str]
    figures: tuple[Quantity, ...]


class Nearest:
    """Finds the quotations that share most words and figures with a text.

    Different grammatical forms of a word match. Rare words have a higher weight.
    """

    def __init__(self, passages: Iterable[CompanyPassage]) -> None:
        self._entries = [entry for passage in passages for entry in _entries(passage)]
        self._entries_by_key: dict[str, list[int]] = defaultdict(list)
        for at, entry in enumerate(self._entries):
            for key in entry.keys | entry.heading_keys:
                self._entries_by_key[key].append(at)

    @cached_property
    def _with_figures(self) -> list[int]:
        return [at for at, entry in enumerate(self._entries) if entry.figures]

    def to(self, words: Sequence[Word], text: str, limit: int) -> list[Near]:
        """Return the quotations that are most similar to the text, with the most similar one first.

        `words` are the content words of the text. `limit` is the maximum the number of quotations.
        """
        points = self._figure_points(figures := quantities(text))
        weights = [(word, self._rarity(word)) for word in words if not word.is_figure]
        for word, weight in weights:
            for at, share in self._hits(word).items():
                points[at] = points.get(at, 0.0) + weight * share
        total = fsum((*(weight for _, weight in weights), FIGURE_WEIGHT * len(figures))) or 1.0
        ranked = sorted(points, key=lambda at: (-points[at], at))[:limit]
        return [_near(self._entries[at], points[at] / total) for at in ranked]

    def _figure_points(self, claimed: Sequence[Quantity]) -> dict[int, float]:
        points: dict[int, float] = {}
        for at in self._with_figures if claimed else ():
            figures = self._entries[at].figures
            if shared := sum(any(is_said(figure, other) for other in figures) for figure in claimed):
                points[at] = FIGURE_WEIGHT * shared
        return points

    def _hits(self, word: Word) -> dict[int, float]:
        return {
            at: HEADING_WEIGHT if word.keys.isdisjoint(self._entries[at].keys) else 1.0
            for key in word.keys
            for at in self._entries_by_key.get(key, ())
        }

    def _rarity(self, word: Word) -> float:
        """Return the weight of a word: about 1 if every sentence contains it, and more if it is rare."""
        count = max((len(self._entries_by_key.get(key, ())) for key in word.keys), default=0)
        return 1 + log((len(self._entries) + 1) / (count + 1)) / 2


def _near(entry: _Entry, closeness: float) -> Near:
    """Return the quotation.

    If the quotation starts with a pronoun, include the previous sentence, which explains the pronoun.
    """
    near = Near(entry.found_in, entry.number, 1, closeness)
    first, last = numbered(entry.found_in.passage)[entry.number - 1]
    has_pronoun = _STARTS_WITH_PRONOUN.match(entry.found_in.passage.text[first:last])
    return next((wider for wider in near.with_neighbours if wider.first < near.first), near) if has_pronoun else near


def _entries(found_in: CompanyPassage) -> Iterator[_Entry]:
    passage = found_in.passage
    heading_keys = wording(f"{passage.page.title}\n{passage.heading}").keys
    for number, (first, last) in enumerate(numbered(passage), 1):
        text = passage.text[first:last]
        yield _Entry(found_in, number, wording(text).keys, heading_keys, quantities(text))
