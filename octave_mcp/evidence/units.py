"""Groups neighbouring passages that belong together, such as a quotation and the line that names its speaker."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from octave_mcp.domain.evidence import Passage
from octave_mcp.domain.page import is_in_head
from octave_mcp.evidence.passage_scores import Cue, Cues

# Separates the texts while they are joined into one string.
_BREAK = "\x1f"
_MARKS = b'()[]"*|/,.;:!?'
_WITHOUT_MARKS = bytes.maketrans(_MARKS, b" " * len(_MARKS))
_WITHOUT_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
# Each pass replaces "00" with "0", so four passes reduce any number of up to 16 digits to "0".
_MASKING_PASSES = 4
_QUOTATION, _TITLE, _PRICE = int(Cue.QUOTATION), int(Cue.TITLE), int(Cue.PRICE)
_SIGNS = int(Cue.TITLE | Cue.NAME)
_SPEAKER, _LOGOS, _DATED = int(Cue.SPEAKER), int(Cue.LOGOS), int(Cue.DATED)
_MAX_SIGNATURE_CHARACTERS = 140
# Matches a new line that starts with a long dash, as in '— Ada Moss, CTO', even inside a block quotation.
_SIGNED = re.compile(r"\n[^\S\n]*(?:>\s*)?[—–―]")
_DASHES = ("—", "–", "―", "-")
# Figures matter in texts of fewer than six words: '10 GB' and '50 GB' can be two different plans.
_MIN_GIST_WORDS = 6


class AnalysedText(NamedTuple):
    """A text in two normalised forms, with its words and its cues (kinds of information) as a bit set.

    `plain` is the text in lower case without punctuation. `gist` is `plain` with "0" instead of every number.
    """

    plain: str
    gist: str
    words: frozenset[str]
    cues: int


class AnalysedTexts(NamedTuple):
    """The analyses of several texts, and the set of all their words."""

    by_text: dict[str, AnalysedText]
    vocabulary: frozenset[str]


class Unit(NamedTuple):
    """A group of one or two neighbouring passages that belong together.

    `at` contains the indexes of these passages in the list of all passages. Unlike `at`, `key` (URL and number of the
    first passage) does not depend on the list.
    """

    at: tuple[int, ...]
    key: tuple[str, int]
    first: Passage
    text: str
    analysis: AnalysedText
    cues: int

    @property
    def is_heading(self) -> bool:
        return self.text.startswith("#") or is_in_head(self.first.where)

    @property
    def gist(self) -> str:
        """The text without punctuation and figures, which is equal for texts that repeat each other.

        Short texts and prices keep their figures.
        """
        is_short = self.cues & _PRICE or len(self.analysis.words) < _MIN_GIST_WORDS
        return self.analysis.plain if is_short else self.analysis.gist

    @property
    def word_pairs(self) -> set[str]:
        return {f"{first} {second}" for first, second in pairwise(self.analysis.plain.split())}


def units(passages: Sequence[Passage], analyses: Mapping[str, AnalysedText] | None = None) -> Iterator[Unit]:
    """Group the passages that belong together. The passages of a page must be adjacent, in their original order.

    `analyses` contains the results of `analysed`, if the caller already has them.
    """
    single, at = _single(passages, analyses or analysed(passage.text for passage in passages).by_text), 0
    while at < len(single):
        pair = single[at : at + 2]
        is_pair = len(pair) > 1 and (_is_signed(*pair) or _is_introduced(*pair))
        yield _joined(*pair) if is_pair else single[at]
        at += 2 if is_pair else 1


def analysed(texts: Iterable[str]) -> AnalysedTexts:
    """Analyse the texts.

    The texts are joined and split in one operation, which is much faster than splitting each text.
    """
    if not (unique := list(dict.fromkeys(texts))):
        return AnalysedTexts({}, frozenset())
    plain = _plain(_BREAK.join(text.replace(_BREAK, " ") for text in unique))
    parts, gists = (text.decode().split(_BREAK) for text in (plain, _without_figures(plain)))
    words = [frozenset(part.split()) for part in parts]
    vocabulary = frozenset[str]().union(*words)
    known = Cues(vocabulary)
    cues = (known.of(text, own) for text, own in zip(unique, words, strict=True))
    return AnalysedTexts(dict(zip(unique, map(AnalysedText, parts, gists, words, cues), strict=True)), vocabulary)


def _plain(text: str) -> bytes:
    """Return the text in lower case without punctuation. The result is bytes, because `bytes.translate` is fast."""
    for mark in "“”":
        text = text.replace(mark, " ")
    return text.lower().encode("utf-8", "replace").translate(_WITHOUT_MARKS)


def _without_figures(plain: bytes) -> bytes:
    masked = plain.translate(_WITHOUT_DIGITS)
    for _ in range(_MASKING_PASSES):
        masked = masked.replace(b"00", b"0")
    return masked


def _single(passages: Sequence[Passage], analyses: Mapping[str, AnalysedText]) -> list[Unit]:
    return [_unit(at, passage, analyses[passage.text]) for at, passage in enumerate(passages)]


def _unit(at: int, passage: Passage, analysis: AnalysedText) -> Unit:
    return Unit(
        (at,), (passage.page.url, passage.number), passage, passage.text, analysis, _cues(passage, analysis.cues)
    )


def _cues(passage: Passage, cues: int) -> int:
    if cues & _QUOTATION and (cues & _TITLE or _SIGNED.search(passage.text)):
        cues |= _SPEAKER
    if passage.where == "logos":
        cues |= _LOGOS
    return cues | _DATED if passage.page.published_on else cues


def _joined(one: Unit, other: Unit) -> Unit:
    cues = one.cues | other.cues | _SPEAKER
    (first, second), text = (one.analysis, other.analysis), f"{one.text}\n{other.text}"
    analysis = AnalysedText(
        f"{first.plain} {second.plain}",
        f"{first.gist} {second.gist}",
        first.words | second.words,
        cues,
    )
    return Unit((*one.at, *other.at), one.key, one.first, text, analysis, cues)


def _is_signed(quotation: Unit, speaker: Unit) -> bool:
    return bool(quotation.cues & _QUOTATION) and _is_next(quotation, speaker) and _is_signature(speaker)


def _is_introduced(speaker: Unit, quotation: Unit) -> bool:
    return (
        bool(quotation.cues & _QUOTATION and speaker.cues & _TITLE)
        and _is_next(speaker, quotation)
        and _is_signature(speaker)
    )


def _is_next(one: Unit, other: Unit) -> bool:
    return one.first.page.url == other.first.page.url and other.first.number == one.first.number + 1


def _is_signature(unit: Unit) -> bool:
    """Whether the text probably names a speaker, because it is a short line after a dash, or a name or title."""
    text = unit.text.lstrip("> ")
    if len(text) > _MAX_SIGNATURE_CHARACTERS or unit.is_heading:
        return False
    if text.startswith(_DASHES):
        return True
    return bool(unit.cues & _SIGNS) and not unit.cues & _QUOTATION and not text.endswith((".", "!", "?"))
