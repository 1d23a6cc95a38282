"""Makes claims from the lines of a page. A claim is a complete sentence without unbalanced quotation marks."""

from __future__ import annotations

import re

from octave_mcp.domain.evidence import Cite, Claim
from octave_mcp.models.extractive.typed_lines import Line

_SENTENCE_END = re.compile(r"[.!?。！？][\"”’)]*$")


def whole(line: Line) -> bool:
    """Whether a line is a complete sentence of 5 to 45 words, not a label or a truncated excerpt."""
    return bool(_SENTENCE_END.search(line.text)) and 5 <= len(line.text.split()) <= 45


def claim(line: Line, *context: Line) -> Claim[Cite]:
    """Return the line as a claim that cites the line and its `context`."""
    return Claim[Cite](text=balanced(line.text), evidence=(line.cite, *(extra.cite for extra in context)))


def balanced(text: str) -> str:
    """If a quotation starts or ends outside the text, strip quotation marks from both ends of the text."""
    return text if text.count("“") == text.count("”") and text.count('"') % 2 == 0 else text.strip('“”" ')
