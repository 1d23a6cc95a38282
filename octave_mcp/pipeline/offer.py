"""What the vendor sells, in the words of its home page: known before any page of either company is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from octave_mcp.domain.company import Site
from octave_mcp.domain.evidence import Passage
from octave_mcp.evidence.passages import passages
from octave_mcp.evidence.screening import screened

MOST_CHARACTERS = 500
DESCRIPTION = "Description"


def offer(sites: Iterable[Site]) -> str:
    """The description in the head of the vendor's home page, then its headings; '' if the page has neither."""
    home = next(site.home for site in sites if site.company.role == "vendor")
    return _cut(_parts(screened(passages(home))))


def _parts(shown: Sequence[Passage]) -> Iterator[str]:
    yield from (passage.text for passage in shown if passage.label == DESCRIPTION)
    yield from (passage.heading for passage in shown if not passage.where)


def _cut(parts: Iterable[str]) -> str:
    text = ""
    for part in dict.fromkeys(" ".join(part.split()) for part in parts):
        if part and len(text) + len(part) < MOST_CHARACTERS:
            text = f"{text} {part}".strip() if part.endswith((".", "!", "?")) else f"{text} {part}.".strip()
    return text
