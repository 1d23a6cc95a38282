"""Compares the words and figures of two texts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from octave_mcp.domain.names import normal
from octave_mcp.evidence.support.quantities import quantities

_WORDS = re.compile(r"[\w%]+")


class Figure(NamedTuple):
    """A figure in a normalised form, so that '40 %' equals '40 percent' and '1.2M' equals '1,200,000'.

    `is_vague` is true for an order of magnitude, such as 'millions'.
    """

    value: float
    unit: str
    is_vague: bool


def has_words(part: str, text: str) -> bool:
    """Whether `text` contains the words of `part` in the same order, ignoring punctuation."""
    return _words(part) in _words(text)


@lru_cache(maxsize=4096)
def _words(text: str) -> str:
    words = " ".join(_WORDS.findall(normal(text)))
    # The spaces prevent a match inside a word, such as 'art' in 'start'.
    return f" {words} "


def figures(text: str) -> set[Figure]:
    """Return the figures in the text, whether in digits or spelled out."""
    return {Figure(quantity.value, quantity.unit, quantity.bound == "vague") for quantity in quantities(text)}
