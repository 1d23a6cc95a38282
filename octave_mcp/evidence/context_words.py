"""The words of what the user said of a deal that can be searched for: those that carry a meaning of their own."""

from __future__ import annotations

import re

SHORTEST = 4
"""Shorter words name nothing, acronyms aside."""


def telling_words(context: str) -> tuple[str, ...]:
    """The telling words in lower case, in their order, each once."""
    words = re.findall(r"\w+", context)
    return tuple(dict.fromkeys(word.casefold() for word in words if len(word) >= SHORTEST or word.isupper()))
