"""Lines as claims: whole sentences, without marks of which they are only a part."""

from __future__ import annotations

import re

from octave_mcp.domain.evidence import Cite, Claim
from octave_mcp.models.extractive.typed_lines import Line

_WHOLE = re.compile(r"[.!?。！？][\"”’)]*$")


def whole(line: Line) -> bool:
    """Whether a line is a sentence to its end, not an excerpt cut short or a label."""
    return bool(_WHOLE.search(line.text)) and 5 <= len(line.text.split()) <= 45


def claim(line: Line, *more: Line) -> Claim[Cite]:
    return Claim[Cite](text=balanced(line.text), evidence=(line.cite, *(extra.cite for extra in more)))


def balanced(text: str) -> str:
    """Without quotation marks that open or close what the sentence is only a part of."""
    return text if text.count("“") == text.count("”") and text.count('"') % 2 == 0 else text.strip('“”" ')
