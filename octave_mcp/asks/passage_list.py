"""The passages of an ask as numbered text, by page and heading: a line for each sentence.

A heading whose own passage is not shown is sentence 0 of the passages under it, so that what it says can be cited.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from octave_mcp.asks.shortlist import shortlist
from octave_mcp.asks.untrusted import one_line
from octave_mcp.domain.asks import Ask, ReadingBrief, RevisionBrief
from octave_mcp.domain.evidence import EvidenceId, Passage
from octave_mcp.domain.page import place_in_words
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.passages import numbered, passage_id
from octave_mcp.evidence.selection import selected


def numbers(ask: Ask[Any, Any], most: int | None = None) -> dict[EvidenceId, int]:
    """The numbers of the passages to show, by evidence id. Readers and revisions see all; writers get a shortlist."""
    found = {passage_id(p): number for number, p in enumerate(ask.passages, 1)}
    if isinstance(ask.brief, ReadingBrief | RevisionBrief):
        return found
    chosen = shortlist(ask.brief, {i: ask.passages[number - 1] for i, number in found.items()}, most)
    return {i: number for i, number in found.items() if i in chosen}


def listed(ask: Ask[Any, Any], numbers: Mapping[EvidenceId, int]) -> str:
    return "\n".join(_lines(ask.passages, _by_page(ask.passages, sorted(numbers.values())))) or "none"


def _by_page(passages: Sequence[Passage], numbers: Sequence[int]) -> list[int]:
    """The numbers in the order of their pages, so that each page is named once."""
    pages: dict[tuple[str, date | None], list[int]] = {}
    for number in numbers:
        pages.setdefault(_dated(passages[number - 1]), []).append(number)
    return [number for own in pages.values() for number in own]


def to_show(passages: Sequence[Passage], interest: Interest, most: int) -> tuple[Passage, ...]:
    """The passages that tell most for a deal, in their order. Listed, they take at most `most` bytes."""
    chosen = selected(passages, interest, most, _costs(passages))
    return tuple(passage for at, passage in enumerate(passages) if at in chosen)


def _costs(passages: Sequence[Passage]) -> list[dict[Hashable, int]]:
    """The size of the lines that the list has for each passage, that of its page and that of its heading too.

    A Chinese character counts as three, as it does in tokens.
    """
    found, page, heading = list[dict[Hashable, int]](), 0, 0
    for at, passage in enumerate(passages):
        before = passages[at - 1] if at else None
        if before is None or _dated(before) != _dated(passage):
            page = heading = at
        elif before.heading != passage.heading:
            heading = at
        own = sum(_size(line) + 1 for line in _of_passage(at + 1, passage))
        around = {("page", page): _size(_head(passage)) + 6, ("heading", heading): _size(passage.heading) + 5}
        found.append({**around, at: own})
    return found


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
            printed = "" if passage.text.lstrip("# ").startswith(heading) else heading
            if printed != before:
                yield f"(0) {one_line(printed)}" if printed else "--"
        yield from _of_passage(number, passage)


def _of_passage(number: int, passage: Passage) -> Iterator[str]:
    first, *more = (one_line(passage.text[start:end]) for start, end in numbered(passage))
    yield f"[{number}{_place(passage)}] {first}"
    yield from (f"({at}) {sentence}" for at, sentence in enumerate(more, 2))


def _dated(passage: Passage) -> tuple[str, date | None]:
    """What has a line of its own in the list: a page, or the part of it that is of another date."""
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
