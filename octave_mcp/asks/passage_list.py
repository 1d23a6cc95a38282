"""The passages of an ask as numbered text, by page and heading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from octave_mcp.asks.shortlist import shortlist
from octave_mcp.asks.untrusted import one_line
from octave_mcp.domain.asks import Ask, ReadingBrief
from octave_mcp.domain.evidence import EvidenceId, Passage
from octave_mcp.domain.page import place_in_words
from octave_mcp.evidence.passages import evidence_id


def numbers(ask: Ask[Any, Any], shown: frozenset[int] | None, most: int | None = None) -> dict[EvidenceId, int]:
    """The numbers of the passages to show, by evidence id. Writers get a shortlist; readers all, or those `shown`."""
    found = {evidence_id(p.page, p.start, p.start + len(p.text)): number for number, p in enumerate(ask.passages, 1)}
    if isinstance(ask.brief, ReadingBrief):
        return {i: number for i, number in found.items() if shown is None or number in shown}
    chosen = shortlist(ask.brief, {i: len(ask.passages[number - 1].text) for i, number in found.items()}, most)
    return {i: number for i, number in found.items() if i in chosen}


def listed(ask: Ask[Any, Any], numbers: Mapping[EvidenceId, int]) -> str:
    return "\n".join(_lines(ask.passages, sorted(numbers.values()))) or "none"


def _lines(passages: tuple[Passage, ...], numbers: Sequence[int]) -> Iterator[str]:
    page, heading, printed = None, "", ""
    for number in numbers:
        passage = passages[number - 1]
        if (dated := (passage.page.url, passage.page.published_on)) != page:
            page, heading, printed = dated, "", ""
            yield f"\n=== {_head(passage)}"
        if passage.heading != heading:
            heading, before = passage.heading, printed
            printed = "" if passage.text.lstrip("# ").startswith(heading) else heading
            if printed != before:
                yield f"-- {one_line(printed)}".rstrip()
        first, *more = (one_line(passage.sentence(at)) for at in range(1, len(passage.sentences) + 1))
        yield f"[{number}{_place(passage)}] {first}"
        yield from (f"({at}) {sentence}" for at, sentence in enumerate(more, 2))


def _place(passage: Passage) -> str:
    return f": {place_in_words(passage.label, passage.where)}" if passage.where else ""


def _head(passage: Passage) -> str:
    page = passage.page
    dated = page.published_on.isoformat() if page.published_on else ""
    language = "" if page.language in {"en", "und"} else f"language {page.language}"
    sister = f"sister site of {page.sister_of}" if page.sister_of else ""
    host = urlsplit(page.url).netloc
    return " | ".join(filter(None, (one_line(page.title)[:120], page.kind, host, sister, dated, language)))
