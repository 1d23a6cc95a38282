"""Passages that belong together, and what they speak of: a quotation is shown with whoever says it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from octave_mcp.domain.evidence import Passage
from octave_mcp.domain.page import is_in_head
from octave_mcp.evidence.worth import Cue, Cues

_BREAK = "\x1f"
"""Between two texts that are taken apart into words together, which is faster by far than one by one."""
_MARKS = '()[]"“”*|/,.;:!?'
_DIGITS = re.compile(r"\d+")
_QUOTATION, _TITLE, _PRICE = int(Cue.QUOTATION), int(Cue.TITLE), int(Cue.PRICE)
_SIGNS = int(Cue.TITLE | Cue.NAME)
_SPEAKER, _LOGOS, _DATED = int(Cue.SPEAKER), int(Cue.LOGOS), int(Cue.DATED)
_SIGNATURE_CHARACTERS = 140
_SIGNED = re.compile(r"\n\s*(?:>\s*)?[—–―]")
_DASHES = ("—", "–", "―", "-")
_FEWEST_WORDS = 6
"""With fewer words, two texts that differ in a figure alone are not the same: '10 GB', '50 GB'."""


class Unit(NamedTuple):
    """Neighbouring passages, by their places in the list. `said` is their words in lower case; `cues` are bits."""

    at: tuple[int, ...]
    first: Passage
    text: str
    said: str
    words: frozenset[str]
    cues: int

    @property
    def key(self) -> tuple[str, int]:
        return self.first.page.url, self.first.number

    @property
    def is_heading(self) -> bool:
        return self.first.text.startswith("#") or is_in_head(self.first.where)

    @property
    def gist(self) -> str:
        """The same for units that say the same, apart from their figures; prices count."""
        is_short = self.cues & _PRICE or len(self.words) < _FEWEST_WORDS
        return self.said if is_short else _DIGITS.sub("0", self.said)

    @property
    def word_pairs(self) -> set[str]:
        return {f"{one} {other}" for one, other in pairwise(self.said.split())}


def units(passages: Sequence[Passage]) -> Iterator[Unit]:
    """The units of passages of any pages; those of one page stand together, in their order."""
    single, at = _single(passages), 0
    while at < len(single):
        pair = single[at : at + 2]
        is_pair = len(pair) > 1 and (_is_signed(*pair) or _is_introduced(*pair))
        yield _joined(*pair) if is_pair else single[at]
        at += 2 if is_pair else 1


def words_of(texts: Iterable[str]) -> list[list[str]]:
    """The words of each text, in lower case."""
    joined = _BREAK.join(text.replace(_BREAK, " ") for text in texts).lower()
    for mark in _MARKS:
        joined = joined.replace(mark, " ")
    return [part.split() for part in joined.split(_BREAK)]


def _single(passages: Sequence[Passage]) -> list[Unit]:
    listed = words_of(passage.text for passage in passages)
    words = [frozenset(own) for own in listed]
    known = Cues(frozenset[str]().union(*words))
    return [
        Unit(
            (at,),
            passage,
            passage.text,
            " ".join(listed[at]),
            own,
            _and_of_passage(known.of(passage.text, own), passage),
        )
        for at, (passage, own) in enumerate(zip(passages, words, strict=False))
    ]


def _and_of_passage(found: int, passage: Passage) -> int:
    if found & _QUOTATION and (found & _TITLE or _SIGNED.search(passage.text)):
        found |= _SPEAKER
    if passage.where == "logos":
        found |= _LOGOS
    return found | _DATED if passage.page.published_on else found


def _joined(one: Unit, other: Unit) -> Unit:
    found = one.cues | other.cues | _SPEAKER
    text, said = f"{one.text}\n{other.text}", f"{one.said} {other.said}"
    return Unit((*one.at, *other.at), one.first, text, said, one.words | other.words, found)


def _is_signed(said: Unit, by: Unit) -> bool:
    return bool(said.cues & _QUOTATION) and _is_next(said, by) and _is_signature(by)


def _is_introduced(by: Unit, said: Unit) -> bool:
    return bool(said.cues & _QUOTATION and by.cues & _TITLE) and _is_next(by, said) and _is_signature(by)


def _is_next(one: Unit, other: Unit) -> bool:
    return one.first.page.url == other.first.page.url and other.first.number == one.first.number + 1


def _is_signature(unit: Unit) -> bool:
    """A short line with a dash before it, or one with a name or a title that is no sentence."""
    text = unit.text.lstrip("> ")
    if len(text) > _SIGNATURE_CHARACTERS or unit.is_heading:
        return False
    if text.startswith(_DASHES):
        return True
    return bool(unit.cues & _SIGNS) and not unit.cues & _QUOTATION and not text.endswith((".", "!", "?"))
