"""Removes text that addresses language models, before a model sees the passages, names and titles."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from octave_mcp.domain.evidence import Passage
from octave_mcp.evidence.injection import addresses_model

# If a company name has more than six words, it is probably a slogan.
MAX_NAME_WORDS = 6
# Matches what a name should not contain: a colon, a slash, a backslash, a line break or the end of a sentence. The full
# stop in 'Inc.' does not match, because at least four letters must precede the full stop.
_SENTENCE = re.compile(r"[:/\\\n]|\w{4}[.!?]\s")


def screened(passages: Iterable[Passage]) -> list[Passage]:
    """Return the passages without those that address a language model.

    If only its heading or title addresses a model, the passage is kept without that heading or title.
    """
    return [_with_safe_titles(passage) for passage in passages if not addresses_model(passage.text)]


def safe_name(name: str, otherwise: str) -> str:
    """Return the company name, or `otherwise` if the name is implausible or addresses a model."""
    is_name = len(name.split()) <= MAX_NAME_WORDS and not _SENTENCE.search(name)
    return name if is_name and not addresses_model(name) else otherwise


@lru_cache(maxsize=1024)
def safe_title(title: str) -> str:
    """Return the heading or title, or '' if it addresses a model.

    The result is cached, because many passages have the same heading and title.
    """
    return "" if addresses_model(title) else title


def _with_safe_titles(passage: Passage) -> Passage:
    heading, title = safe_title(passage.heading), safe_title(passage.page.title)
    if (heading, title) == (passage.heading, passage.page.title):
        return passage
    page = passage.page.model_copy(update={"title": title})
    return passage.model_copy(update={"heading": heading, "page": page})
