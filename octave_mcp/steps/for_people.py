"""What pages say to models instead of to their readers is left out before any model is asked."""

from __future__ import annotations

from collections.abc import Iterable

from octave_mcp.domain.evidence import Passage
from octave_mcp.suspicion import addresses_model


def for_people(passages: Iterable[Passage]) -> list[Passage]:
    """Without passages that speak to a model; a heading or a title that does is blank."""
    return [_shown(passage) for passage in passages if not addresses_model(passage.text)]


def safe_name(name: str, otherwise: str) -> str:
    """What a company calls itself, unless that speaks to a model."""
    return otherwise if addresses_model(name) else name


def _shown(passage: Passage) -> Passage:
    heading = "" if addresses_model(passage.heading) else passage.heading
    title = "" if addresses_model(passage.page.title) else passage.page.title
    if (heading, title) == (passage.heading, passage.page.title):
        return passage
    page = passage.page.model_copy(update={"title": title})
    return passage.model_copy(update={"heading": heading, "page": page})
