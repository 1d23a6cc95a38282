"""Words and figures that two texts have in common."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from octave_mcp.domain.names import normal
from octave_mcp.evidence.support.quantities import quantities

_WORDS = re.compile(r"[\w%]+")


class Figure(NamedTuple):
    """A figure, comparable: 40 % = 40 percent, 1.2M = 1,200,000. `is_vague`: a scale alone, such as 'millions'."""

    value: float
    unit: str
    is_vague: bool


def has_words(part: str, text: str) -> bool:
    """Whether the words of `part` stand in `text` in their order, whatever the punctuation."""
    return _words(part) in _words(text)


@lru_cache(maxsize=4096)
def _words(text: str) -> str:
    inside = " ".join(_WORDS.findall(normal(text)))
    return f" {inside} "


def figures(text: str) -> set[Figure]:
    """The figures of a text, written in digits or spelled out."""
    return {Figure(found.value, found.unit, found.bound == "vague") for found in quantities(text)}
