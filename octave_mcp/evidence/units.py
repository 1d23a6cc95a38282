"""Passages that belong together, and what they are about: a quotation is shown with its speaker."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from octave_mcp.domain.evidence import Passage
from octave_mcp.domain.page import is_in_head
from octave_mcp.evidence.worth import Cue, Cues

_BREAK = "\x1f"
_MARKS = b'()[]"*|/,.;:!?'
_WITHOUT_MARKS = bytes.maketrans(_MARKS, b" " * len(_MARKS))
_WITHOUT_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
# Halved so often: figures of up to 16 digits are the same.
_DIGITS_OF_FIGURES = 4
_QUOTATION, _TITLE, _PRICE = int(Cue.QUOTATION), int(Cue.TITLE), int(Cue.PRICE)
_SIGNS = int(Cue.TITLE | Cue.NAME)
_SPEAKER, _LOGOS, _DATED = int(Cue.SPEAKER), int(Cue.LOGOS), int(Cue.DATED)
_SIGNATURE_CHARACTERS = 140
_SIGNED = re.compile(r"\n[^\S\n]*(?:>\s*)?[—–―]")
_DASHES = ("—", "–", "―", "-")
# With fewer words, two texts that differ in a figure alone are not the same: '10 GB', '50 GB'.
_MIN_WORDS = 6


class Said(NamedTuple):
    """What a text says: `plain` is its words in lower case, `gist` the same but for figures, `cues` are bits."""

    plain: str
    gist: str
    words: frozenset[str]
    cues: int


class Sayings(NamedTuple):
    """What each of some texts says, and the words of all of them."""

    by_text: dict[str, Said]
    vocabulary: frozenset[str]


class Unit(NamedTuple):
    """Neighbouring passages, by their places in the list; `key` is the same wherever they stand in it."""

    at: tuple[int, ...]
    key: tuple[str, int]
    first: Passage
    text: str
    said: Said
    cues: int

    @property
    def is_heading(self) -> bool:
        return self.text.startswith("#") or is_in_head(self.first.where)

    @property
    def gist(self) -> str:
        """The same for units that say the same, apart from their figures; prices count."""
        is_short = self.cues & _PRICE or len(self.said.words) < _MIN_WORDS
        return self.said.plain if is_short else self.said.gist

    @property
    def word_pairs(self) -> set[str]:
        return {f"{one} {other}" for one, other in pairwise(self.said.plain.split())}


def units(passages: Sequence[Passage], said: Mapping[str, Said] | None = None) -> Iterator[Unit]:
    """The units of passages of any pages; those of one page stand together, in their order.

    `said` is what `said_by` found in their texts, if that is known.
    """
    single, at = _single(passages, said or said_by(passage.text for passage in passages).by_text), 0
    while at < len(single):
        pair = single[at : at + 2]
        is_pair = len(pair) > 1 and (_is_signed(*pair) or _is_introduced(*pair))
        yield _joined(*pair) if is_pair else single[at]
        at += 2 if is_pair else 1


def said_by(texts: Iterable[str]) -> Sayings:
    """What each text says. All are taken apart into words together, which is faster by far than one by one."""
    if not (found := list(dict.fromkeys(texts))):
        return Sayings({}, frozenset())
    plain = _plain(_BREAK.join(text.replace(_BREAK, " ") for text in found))
    parts, gists = (text.decode().split(_BREAK) for text in (plain, _without_figures(plain)))
    words = [frozenset(part.split()) for part in parts]
    vocabulary = frozenset[str]().union(*words)
    known = Cues(vocabulary)
    cues = (known.of(text, own) for text, own in zip(found, words, strict=True))
    return Sayings(dict(zip(found, map(Said, parts, gists, words, cues), strict=True)), vocabulary)


def _plain(text: str) -> bytes:
    """In lower case and without marks; bytes, as these are translated in one go."""
    for mark in "“”":
        text = text.replace(mark, " ")
    return text.lower().encode("utf-8", "replace").translate(_WITHOUT_MARKS)


def _without_figures(plain: bytes) -> bytes:
    masked = plain.translate(_WITHOUT_DIGITS)
    for _ in range(_DIGITS_OF_FIGURES):
        masked = masked.replace(b"00", b"0")
    return masked


def _single(passages: Sequence[Passage], said: Mapping[str, Said]) -> list[Unit]:
    return [_unit(at, passage, said[passage.text]) for at, passage in enumerate(passages)]


def _unit(at: int, passage: Passage, said: Said) -> Unit:
    return Unit((at,), (passage.page.url, passage.number), passage, passage.text, said, _cues(passage, said.cues))


def _cues(passage: Passage, found: int) -> int:
    if found & _QUOTATION and (found & _TITLE or _SIGNED.search(passage.text)):
        found |= _SPEAKER
    if passage.where == "logos":
        found |= _LOGOS
    return found | _DATED if passage.page.published_on else found


def _joined(one: Unit, other: Unit) -> Unit:
    found = one.cues | other.cues | _SPEAKER
    (mine, theirs), text = (one.said, other.said), f"{one.text}\n{other.text}"
    said = Said(f"{mine.plain} {theirs.plain}", f"{mine.gist} {theirs.gist}", mine.words | theirs.words, found)
    return Unit((*one.at, *other.at), one.key, one.first, text, said, found)


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
