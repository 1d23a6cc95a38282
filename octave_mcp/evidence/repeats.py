"""The passages of several pages, each text once: menus, footers and carousels repeat much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from octave_mcp.domain.evidence import Passage
from octave_mcp.domain.names import normal
from octave_mcp.evidence.selection import KINDS
from octave_mcp.evidence.units import Unit, units
from octave_mcp.evidence.worth import Cue

BOILERPLATE_PAGES = 3
_FACT = int(Cue.SPEAKER | Cue.CERTIFICATE | Cue.FIGURE)


def without_repeats(pages: Sequence[Sequence[Passage]]) -> list[list[Passage]]:
    """Each text once, on the page that matters most.

    What stands on three pages or more is about the site, not about the page. It stays only if it is a fact: a quotation
    with its speaker, a figure, a certificate, or what the site says of itself in the head of its pages or by logos.
    """
    total = Counter(_key(passage.label, passage.text) for page in pages for passage in page)
    repeated = [[passage for passage in page if total[_key(passage.label, passage.text)] > 1] for page in pages]
    found = [list(units(page)) for page in repeated]
    counts = Counter(key for page in found for key in {_of_unit(unit) for unit in page})
    kept = {_of_unit(unit): unit for unit in _most_important_last(found) if _is_kept(unit, counts[_of_unit(unit)])}
    gone = {
        id(page[at])
        for page, own in zip(repeated, found, strict=True)
        for unit in own
        if kept.get(_of_unit(unit)) is not unit
        for at in unit.at
    }
    return [[passage for passage in page if id(passage) not in gone] for page in pages]


def _key(label: str, text: str) -> Hashable:
    return label, normal(text)


def _of_unit(unit: Unit) -> Hashable:
    return _key(unit.first.label, unit.text)


def _is_kept(unit: Unit, count: int) -> bool:
    return count < BOILERPLATE_PAGES or bool(unit.first.where) or bool(unit.cues & _FACT)


def _most_important_last(pages: Sequence[Sequence[Unit]]) -> list[Unit]:
    """By the kind of their pages; the first of equals is the last."""
    backwards = [unit for page in reversed(pages) for unit in reversed(page)]
    return sorted(backwards, key=lambda unit: 0.0 if unit.first.where else KINDS[unit.first.page.kind])
