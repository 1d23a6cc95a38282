"""What matters in a deal, as words to look for in passages: those of the context before those of the offer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, log

from octave_mcp.evidence.context_words import telling_words

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af]")
_OF_CONTEXT, _OF_COUNTERPART, _OF_OFFER = 2.0, 2.0, 0.7
_MOST = 4.0
# Words that differ only in their last three letters may be forms of one word: 'migrates', 'migration'.
_ENDING = 3
_MIN_STEM_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Interest:
    """What the user said of the deal, the name of the other company, and what the vendor sells."""

    context: str = ""
    counterpart: str = ""
    offer: str = ""

    @property
    def weights(self) -> dict[str, float]:
        parts = ((self.offer, _OF_OFFER), (self.counterpart, _OF_COUNTERPART), (self.context, _OF_CONTEXT))
        return {word: weight for text, weight in parts for word in telling_words(text)}


class Relevance:
    """How far texts are about what matters. A word that many of the texts have tells little of any of them."""

    def __init__(self, interest: Interest, texts: Sequence[frozenset[str]], vocabulary: frozenset[str]) -> None:
        weights, total = interest.weights, len(texts)
        self._pairs = dict(_pairs(weights))
        known = _known(weights, vocabulary)
        forms = frozenset(known)
        heard = (forms & words for words in texts)
        counts = Counter(own for found in heard if found for own in {known[word][0] for word in found})
        self._weights = {word: (own, weight * _rarity(counts[own], total)) for word, (own, weight) in known.items()}
        self._forms = forms

    def of(self, text: str, words: frozenset[str]) -> float:
        """`text` is in whatever case, and `words` are those in it in lower case."""
        heard = self._forms & words
        pairs = () if text.isascii() else [weight for pair, weight in self._pairs.items() if pair in text]
        if not heard and not pairs:
            return 0.0
        found = dict(self._weights[word] for word in heard)
        return min(_MOST, fsum((*found.values(), *pairs)))


def _known(weights: Mapping[str, float], vocabulary: Iterable[str]) -> dict[str, tuple[str, float]]:
    """The words of the texts that are forms of those that matter: which of them, and its weight."""
    stems = {word: _stem(word) for word in weights}
    anyhow = tuple({stem for stem, _ in stems.values()})
    near = sorted(form for form in vocabulary if form.startswith(anyhow))
    return {form: (word, weights[word]) for word, stem in stems.items() for form in near if _is_form(form, *stem)}


def _stem(word: str) -> tuple[str, int]:
    """The prefix that a word's forms share, and the length of the longest form."""
    if len(word) <= _MIN_STEM_LENGTH:
        return word, len(word) + 1
    return word[: max(_MIN_STEM_LENGTH, len(word) - _ENDING)], len(word) + _ENDING


def _is_form(form: str, stem: str, longest: int) -> bool:
    return len(form) <= longest and form.startswith(stem)


def _pairs(weights: Mapping[str, float]) -> Iterable[tuple[str, float]]:
    """Pairs of characters of words in scripts without spaces, in which words are not told apart."""
    for word, weight in weights.items():
        if _UNSPACED.match(word):
            pairs = {one + other for one, other in pairwise(word)}
            yield from ((pair, weight / len(pairs)) for pair in sorted(pairs))


def _rarity(count: int, total: int) -> float:
    """From 1 for a word of one text to 0 for a word of all."""
    return log(total / count) / log(total) if 1 < count <= total else 1.0
