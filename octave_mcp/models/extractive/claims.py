"""Makes claims from the lines of a page. A claim is a complete sentence without unbalanced quotation marks."""

from __future__ import annotations

from octave_mcp.domain.evidence import Cite, Claim
from octave_mcp.models.extractive.typed_lines import Line


def claim(line: Line, *context: Line) -> Claim[Cite]:
    """Return the line as a claim that cites the line and its `context`."""
    return Claim[Cite](text=balanced(line.text), evidence=(line.cite, *(extra.cite for extra in context)))


def balanced(text: str) -> str:
    """If a quotation starts or ends outside the text, strip quotation marks from both ends of the text."""
    return text if text.count("“") == text.count("”") and text.count('"') % 2 == 0 else text.strip('“”" ')
