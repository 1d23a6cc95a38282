"""What pages say to models instead of to their readers is left out before any model is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable

from octave_mcp.domain.evidence import Passage
from octave_mcp.evidence.injection import addresses_model

# Of a name.
MAX_WORDS = 6
_SENTENCE = re.compile(r"[:/\\\n]|\w{4}[.!?]\s")


def screened(passages: Iterable[Passage]) -> list[Passage]:
    """Without passages that speak to a model; a heading or a title that does is blank."""
    return [_shown(passage) for passage in passages if not addresses_model(passage.text)]


def safe_name(name: str, otherwise: str) -> str:
    """What a company calls itself, if that is a name, and does not speak to a model."""
    is_name = len(name.split()) <= MAX_WORDS and not _SENTENCE.search(name)
    return name if is_name and not addresses_model(name) else otherwise


def safe_title(title: str) -> str:
    """A heading or a title, unless it speaks to a model."""
    return "" if addresses_model(title) else title


def _shown(passage: Passage) -> Passage:
    heading, title = safe_title(passage.heading), safe_title(passage.page.title)
    if (heading, title) == (passage.heading, passage.page.title):
        return passage
    page = passage.page.model_copy(update={"title": title})
    return passage.model_copy(update={"heading": heading, "page": page})
