"""Splits texts into sentences, clauses and words.

Each word has comparison keys, which it shares with its other forms and its synonyms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

from octave_mcp.evidence import stemming
from octave_mcp.evidence.support.synonyms import IRREGULAR, SYNONYMS

_PLAIN_CHARACTERS = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "‑": "-", "−": "-"}
)
# Matches some Markdown marks, but not the text of a link, so "[Vessler](https://vessler.com)" becomes "Vessler".
_MARKUP = re.compile(r"[*_`]+|\[(?=[^\]]{0,200}\]\()|\]\((?:[^)\]]|\](?!\())*+\)|^#+ ", re.MULTILINE)
_MAY_BE_MARKUP = re.compile(r"[*_`\[\]#]")
_EXPANSIONS = tuple(
    (re.compile(pattern, re.IGNORECASE), expanded)
    for pattern, expanded in (
        (r"\bwon't\b", "will not"),
        (r"\b(?:can't|cannot)\b", "can not"),
        (r"n't\b", " not"),
        (r"'ll\b", " will"),
        (r"'re\b", " are"),
        (r"'ve\b", " have"),
        (r"'m\b", " am"),
        (r"\be-mail", "email"),
        (r"\bsign(ed|ing|s)?[- ]up", "signup"),
        (r"\bset(ting|s)?[- ]up\b", "setup"),
        (r"\blog(?:ged|ging|s)?[- ]in\b", "login"),
        (r"\bopen[- ]source", "opensource"),
        (r"\b(?:takes?|took|taken|taking) the place of\b", "replaced"),
        (r"\bannual(?:ly)? recurring revenue\b", "ARR"),
        (r"\bmonthly recurring revenue\b", "MRR"),
    )
)
_MAY_EXPAND = re.compile(r"'|cannot|mail|sign|set|open|log|recurring|the place of", re.IGNORECASE)
# A comma ends a clause only before certain conjunctions, as in ", but", ", while" and ", so".
_CLAUSE_BREAK = re.compile(
    r"[.!?;:](?=\s|$|\")|\s[—-]\s|—|[\"\n|]|,?\s\b(?=(?:but|while|whereas|although|though|however)\b)"
    r"|,\s(?=(?:yet|so)\b)"
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$|\")|\n")
_WORD = re.compile(r"[^\W\d_]+(?:'[sS]\b|')?|\d+(?:[.,]\d+)*[^\W\d_]*")
_POSSESSIVE = re.compile(r"'s?$", re.IGNORECASE)
_STOP_WORDS = frozenset(
    "a an the of to in on at for with by from as and or that this these those it its they them their he she his"
    " her we"
    " our us you your i my be have do which who whom whose what when where why how than then there here into onto per"
    " via about over under up down out off also too very so such own both if because since after before during"
    " through"
    " between among across while more most much many any all each every other another no not only just now still even"
    " can will would could should may might must shall one say said says get make already today well like two"
    " three four five six seven eight nine ten"
    " is are was were been being am has had having does did done got made making gets makes"
    " something anything everything someone anyone everyone somebody".split()
)


class Word(NamedTuple):
    """A word in a text.

    `at`: index of the word in the text's list of words. `start`: offset in the normalised text. `clause`: index of the
    clause that contains the word. `keys`: comparison keys, which are the word's stem and its synonym groups. Words with
    the same meaning share a key.
    """

    text: str
    lower: str
    start: int
    at: int
    clause: int
    keys: frozenset[str]

    @property
    def is_figure(self) -> bool:
        return self.lower[0].isdigit()

    @property
    def is_content(self) -> bool:
        return len(self.lower) > 1 and self.lower not in _STOP_WORDS and not self.lower[0].isdigit()


@dataclass(frozen=True)
class Wording:
    """A normalised text with its words."""

    text: str
    words: tuple[Word, ...]

    @cached_property
    def keys(self) -> frozenset[str]:
        return joined(word.keys for word in self.words)

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(stem(word.lower) for word in self.words)

    @cached_property
    def lowers(self) -> frozenset[str]:
        return frozenset(word.lower for word in self.words)

    @cached_property
    def clauses(self) -> tuple[tuple[Word, ...], ...]:
        by_clause: dict[int, list[Word]] = {}
        for word in self.words:
            by_clause.setdefault(word.clause, []).append(word)
        return tuple(map(tuple, by_clause.values()))

    @cached_property
    def sentences(self) -> tuple[tuple[Word, ...], ...]:
        ends = [grouped.start() for grouped in _SENTENCE_END.finditer(self.text)]
        grouped: list[list[Word]] = [[]]
        for word in self.words:
            while ends and ends[0] <= word.start:
                ends.pop(0)
                grouped.append([])
            grouped[-1].append(word)
        return tuple(tuple(words) for words in grouped if words)

    @cached_property
    def _spaced(self) -> str:
        return spaced(self.words)

    def has(self, phrase: str) -> bool:
        return f" {phrase} " in self._spaced

    def after(self, word: Word) -> str:
        return self.words[word.at + 1].lower if word.at + 1 < len(self.words) else ""

    def before(self, word: Word) -> str:
        return self.words[word.at - 1].lower if word.at else ""

    def neighbours(self, word: Word, reach: int) -> tuple[list[Word], list[Word]]:
        """Return the words before and after a word, up to `reach` on each side, with the nearest first.

        A comma or the end of the clause stops the search.
        """
        before = self.words[max(0, word.at - reach) : word.at][::-1]
        return self._reachable(word, before), self._reachable(word, self.words[word.at + 1 : word.at + 1 + reach])

    def _reachable(self, word: Word, others: Sequence[Word]) -> list[Word]:
        reached: list[Word] = []
        for other in others:
            last = reached[-1] if reached else word
            between = self.text[min(last.start, other.start) : max(last.start, other.start)]
            if other.clause != word.clause or ", " in between:
                break
            reached.append(other)
        return reached

    def sentence_of(self, words: Sequence[Word]) -> Sequence[Word]:
        """Return the sentence that contains a clause."""
        if not words:
            return words
        return next(
            (sentence for sentence in self.sentences if sentence[0].at <= words[0].at <= sentence[-1].at), words
        )


def spaced(words: Iterable[Word]) -> str:
    """Return the words in lower case, separated and surrounded by spaces, so that phrases can be searched."""
    return f" {' '.join(word.lower for word in words)} "


def joined(keys: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*keys)


@lru_cache(maxsize=8192)
def normalised(text: str) -> str:
    """Return the text in NFKC, without Markdown and contractions, and with plain quotation marks and dashes."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_PLAIN_CHARACTERS)
    if _MAY_BE_MARKUP.search(plain):
        plain = _MARKUP.sub("", plain)
    if _MAY_EXPAND.search(plain):
        for pattern, expanded in _EXPANSIONS:
            plain = pattern.sub(expanded, plain)
    return plain


@lru_cache(maxsize=8192)
def wording(text: str) -> Wording:
    return Wording(plain := normalised(text), tuple(_words(plain)))


def _words(plain: str) -> Iterator[Word]:
    breaks = [match.start() for match in _CLAUSE_BREAK.finditer(plain)]
    clause = 0
    for at, match in enumerate(_WORD.finditer(plain)):
        while clause < len(breaks) and breaks[clause] <= match.start():
            clause += 1
        text = _POSSESSIVE.sub("", match[0]) if "'" in match[0] else match[0]
        lower = text.lower()
        yield Word(text, lower, match.start(), at, clause, keys_of(lower))


@lru_cache(maxsize=32_768)
def keys_of(word: str) -> frozenset[str]:
    """Return the comparison keys of a word: its stem, and the ids of its synonym groups, such as "#12"."""
    word_stem = stem(word)
    return frozenset({word_stem, *_synonym_groups().get(word_stem, ())})


@lru_cache(maxsize=32_768)
def stem(word: str) -> str:
    """Return the stem of a word's base form: the stem of "rise" for "risen" and "rises"."""
    return stemming.stem(IRREGULAR.get(word, word))


def is_past(word: str) -> bool:
    """Whether a word is an irregular form, such as "grew" or "chosen"."""
    return IRREGULAR.get(word, word) != word


@cache
def _synonym_groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for number, group in enumerate(SYNONYMS):
        for word in group:
            groups.setdefault(stem(word), []).append(f"#{number}")
    return groups


@cache
def stems(words: frozenset[str]) -> frozenset[str]:
    """Return the stems of a word list."""
    return frozenset(map(stem, words))


def is_among(word: Word, words: frozenset[str]) -> bool:
    """Whether the word list contains this word in any form."""
    return stem(word.lower) in stems(words)


def best_clause(claim: Sequence[Word], text: Wording) -> tuple[Word, ...]:
    """Return the clause of the text that shares the most content words with the claim.

    A shared figure counts more than a shared word.
    """
    wanted = joined(word.keys for word in claim)
    figures = {word.lower for word in claim if word.is_figure}
    return max(
        text.clauses,
        key=lambda clause: sum(shares(word, wanted) + 2 * (word.lower in figures) for word in clause),
        default=(),
    )


def shares(word: Word, keys: frozenset[str]) -> bool:
    """Whether the word is a content word and has at least one of these comparison keys."""
    return word.is_content and not keys.isdisjoint(word.keys)
