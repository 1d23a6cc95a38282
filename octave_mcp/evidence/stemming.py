"""Stems of words: what their grammatical forms have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Protocol

# A stemmer has a state, and texts are read in several threads.
_STEMMING = Lock()


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...  # noqa: N802 - the library's own


@cache
def has_stems(language: str) -> bool:
    """Whether there are rules for the language, by its English name: 'english'."""
    import Stemmer  # noqa: PLC0415 - only checks and contexts need it

    algorithms: Callable[[], list[str]] = vars(Stemmer)["algorithms"]
    return language in algorithms()


def stem(word: str, language: str = "english") -> str:
    """That of a word in lower case."""
    with _STEMMING:
        return _stemmer(language).stemWord(word)


@cache
def _stemmer(language: str) -> _Stemmer:
    import Stemmer  # noqa: PLC0415 - only checks and contexts need it

    make: Callable[[str], _Stemmer] = vars(Stemmer)["Stemmer"]
    return make(language)
