"""Renders passages as numbered text for the model, grouped by page and heading, with a line for each sentence.

A heading is listed as sentence 0 of the passages below it, so that models can cite the heading. If a heading is itself
shown as a passage, it is not repeated.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from octave_mcp.asks.shortlist import Shortlists
from octave_mcp.asks.untrusted import one_line
from octave_mcp.domain.asks import Ask, ReadingBrief, RevisionBrief
from octave_mcp.domain.evidence import EvidenceId, Passage
from octave_mcp.domain.page import place_in_words
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.passages import numbered, passage_id
from octave_mcp.evidence.selection import selected


def numbers(
    ask: Ask[Any, Any], max_characters: int | None = None, shortlists: Shortlists | None = None
) -> dict[EvidenceId, int]:
    """Return the passages to show, as a mapping from evidence ids to passage numbers.

    An ask about pages shows all passages, and so does an ask for a revision. Any other ask shows a shortlist.
    """
    every = {passage_id(p): number for number, p in enumerate(ask.passages, 1)}
    if isinstance(ask.brief, ReadingBrief | RevisionBrief):
        return every
    by_id = {i: ask.passages[number - 1] for i, number in every.items()}
    chosen = (shortlists or Shortlists()).of(ask.brief, by_id, max_characters)
    # Do not renumber the passages, because answers cite passages by their numbers in the ask.
    return {i: number for i, number in every.items() if i in chosen}


def listed(ask: Ask[Any, Any], numbers: Mapping[EvidenceId, int]) -> str:
    return "\n".join(_lines(ask.passages, _by_page(ask.passages, sorted(numbers.values())))) or "none"


def _by_page(passages: Sequence[Passage], numbers: Sequence[int]) -> list[int]:
    """Group the passage numbers by page, so that the list names each page only once."""
    pages: dict[tuple[str, date | None], list[int]] = {}
    for number in numbers:
        pages.setdefault(_dated(passages[number - 1]), []).append(number)
    return [number for own in pages.values() for number in own]


def to_show(passages: Sequence[Passage], interest: Interest, max_bytes: int) -> tuple[Passage, ...]:
    """Return the passages that matter most for a deal, in their original order.

    The rendered list of these passages takes at most `max_bytes`.
    """
    chosen = selected(passages, interest, max_bytes, _costs(passages))
    return tuple(passage for at, passage in enumerate(passages) if at in chosen)


def _costs(passages: Sequence[Passage]) -> list[dict[Hashable, int]]:
    """For each passage, return the size of its own lines and the size of the page and heading lines above it.

    Passages of the same page and heading share the lines for the page and the heading. Sizes are in bytes, because
    bytes approximate tokens better than characters do: a Chinese character takes three bytes.
    """
    costs, page, heading = list[dict[Hashable, int]](), 0, 0
    for at, passage in enumerate(passages):
        before = passages[at - 1] if at else None
        if before is None or _dated(before) != _dated(passage):
            page = heading = at
        elif before.heading != passage.heading:
            heading = at
        own = sum(_size(line) + 1 for line in _of_passage(at + 1, passage))
        around = {("page", page): _size(_head(passage)) + 6, ("heading", heading): _size(passage.heading) + 5}
        costs.append({**around, at: own})
    return costs


def _size(text: str) -> int:
    return len(text.encode())


def _lines(passages: tuple[Passage, ...], numbers: Sequence[int]) -> Iterator[str]:
    page, heading, printed = None, "", ""
    for number in numbers:
        passage = passages[number - 1]
        if (dated := _dated(passage)) != page:
            page, heading, printed = dated, "", ""
            yield f"\n=== {_head(passage)}"
        if passage.heading != heading:
            heading, before = passage.heading, printed
            # Do not list a heading as sentence 0 if the passage itself starts with the heading.
            printed = "" if passage.text.lstrip("# ").startswith(heading) else heading
            if printed != before:
                yield f"(0) {one_line(printed)}" if printed else "--"
        yield from _of_passage(number, passage)


def _of_passage(number: int, passage: Passage) -> Iterator[str]:
    first, *more = (one_line(passage.text[start:end]) for start, end in numbered(passage))
    yield f"[{number}{_place(passage)}] {first}"
    yield from (f"({at}) {sentence}" for at, sentence in enumerate(more, 2))


def _dated(passage: Passage) -> tuple[str, date | None]:
    return passage.page.url, passage.page.published_on


def _place(passage: Passage) -> str:
    return f": {place_in_words(passage.label, passage.where)}" if passage.where else ""


def _head(passage: Passage) -> str:
    page = passage.page
    dated = page.published_on.isoformat() if page.published_on else ""
    language = "" if page.language in {"en", "und"} else f"language {page.language}"
    sister = f"sister site of {page.sister_of}" if page.sister_of else ""
    host = urlsplit(page.url).netloc
    return " | ".join(filter(None, (one_line(page.title)[:120], page.kind, host, sister, dated, language)))
