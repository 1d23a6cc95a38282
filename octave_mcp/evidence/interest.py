"""Scores how relevant passages are to a deal, based on words from the user's context and the vendor's offer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, log

from octave_mcp.evidence.context_words import telling_words

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af]")
# Words from the user's context count about three times as much as words from the vendor's offer.
_CONTEXT_WEIGHT, _COUNTERPART_WEIGHT, _OFFER_WEIGHT = 2.0, 2.0, 0.7
# Without this limit, texts that repeat the user's whole context could displace all other texts.
_MAX_RELEVANCE = 4.0
# A form of a word can lack up to three of its last letters, and be up to three letters longer: 'migrates', 'migrating'.
_MAX_ENDING_LENGTH = 3
# The forms of a word of up to four letters add at most one letter: 'team' matches 'teams', but not 'teamwork'.
_MIN_STEM_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Interest:
    """What makes a passage relevant: the user's context, the other company's name, and what the vendor sells."""

    context: str = ""
    counterpart: str = ""
    offer: str = ""

    @property
    def weights(self) -> dict[str, float]:
        parts = ((self.offer, _OFFER_WEIGHT), (self.counterpart, _COUNTERPART_WEIGHT), (self.context, _CONTEXT_WEIGHT))
        return {word: weight for text, weight in parts for word in telling_words(text)}


class Relevance:
    """Scores how relevant texts are to a deal. A word has a low weight if most texts contain it."""

    def __init__(self, interest: Interest, texts: Sequence[frozenset[str]], vocabulary: frozenset[str]) -> None:
        weights, total = interest.weights, len(texts)
        self._pairs = dict(_pairs(weights))
        known = _forms_in(weights, vocabulary)
        forms = frozenset(known)
        matches = (forms & words for words in texts)
        counts = Counter(base for matched in matches if matched for base in {known[word][0] for word in matched})
        self._weights = {word: (base, weight * _rarity(counts[base], total)) for word, (base, weight) in known.items()}
        self._forms = forms

    def of(self, text: str, words: frozenset[str]) -> float:
        """Return the relevance of `text`, from 0 to 4. `words` are the text's words in lower case."""
        matches = self._forms & words
        pairs = () if text.isascii() else [weight for pair, weight in self._pairs.items() if pair in text]
        if not matches and not pairs:
            return 0.0
        weights = dict(self._weights[word] for word in matches)
        return min(_MAX_RELEVANCE, fsum((*weights.values(), *pairs)))


def _forms_in(weights: Mapping[str, float], vocabulary: Iterable[str]) -> dict[str, tuple[str, float]]:
    """Find forms of the weighted words in `vocabulary`. Map each form to its word and the weight of the word."""
    stems = {word: _stem(word) for word in weights}
    prefixes = tuple({stem for stem, _ in stems.values()})
    candidates = sorted(form for form in vocabulary if form.startswith(prefixes))
    return {form: (word, weights[word]) for word, stem in stems.items() for form in candidates if _is_form(form, *stem)}


def _stem(word: str) -> tuple[str, int]:
    """Return the prefix that all forms of a word share, and the maximum length of a form."""
    if len(word) <= _MIN_STEM_LENGTH:
        return word, len(word) + 1
    return word[: max(_MIN_STEM_LENGTH, len(word) - _MAX_ENDING_LENGTH)], len(word) + _MAX_ENDING_LENGTH


def _is_form(form: str, stem: str, max_length: int) -> bool:
    return len(form) <= max_length and form.startswith(stem)


def _pairs(weights: Mapping[str, float]) -> Iterable[tuple[str, float]]:
    """Yield pairs of characters for each word in a script without spaces, such as Chinese."""
    for word, weight in weights.items():
        if _UNSPACED.match(word):
            pairs = {first + second for first, second in pairwise(word)}
            yield from ((pair, weight / len(pairs)) for pair in sorted(pairs))


def _rarity(count: int, total: int) -> float:
    """Return how rare a word is: from 0, if all texts contain the word, to 1, if only one text contains it."""
    return log(total / count) / log(total) if 1 < count <= total else 1.0
