"""Reduces words to stems, so that different grammatical forms can be compared."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Protocol

# A stemmer is not thread-safe, because it has internal state.
_STEMMER_LOCK = Lock()


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...  # noqa: N802 - the library's own


@cache
def has_stems(language: str) -> bool:
    """Whether words in this language can be stemmed.

    `language` is the English name of the language, such as 'german'.
    """
    import Stemmer  # noqa: PLC0415 - only checks and contexts need it

    algorithms: Callable[[], list[str]] = vars(Stemmer)["algorithms"]
    return language in algorithms()


def stem(word: str, language: str = "english") -> str:
    """Return the stem of a lower-case word."""
    with _STEMMER_LOCK:
        return _stemmer(language).stemWord(word)


@cache
def _stemmer(language: str) -> _Stemmer:
    import Stemmer  # noqa: PLC0415 - only checks and contexts need it

    make: Callable[[str], _Stemmer] = vars(Stemmer)["Stemmer"]
    return make(language)
