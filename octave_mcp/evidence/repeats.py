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
    found = [list(units(page)) for page in pages]
    counts = Counter(key for page in found for key in {_key(unit) for unit in page})
    kept = {_key(unit): unit for unit in _most_important_last(found) if _is_kept(unit, counts[_key(unit)])}
    return [
        [page[at] for unit in own if kept.get(_key(unit)) is unit for at in unit.at]
        for page, own in zip(pages, found, strict=True)
    ]


def _key(unit: Unit) -> Hashable:
    return unit.first.label, normal(unit.text)


def _is_kept(unit: Unit, count: int) -> bool:
    return count < BOILERPLATE_PAGES or bool(unit.first.where) or bool(unit.cues & _FACT)


def _most_important_last(pages: Sequence[Sequence[Unit]]) -> list[Unit]:
    """By the kind of their pages; the first of equals is the last."""
    backwards = [unit for page in reversed(pages) for unit in reversed(page)]
    return sorted(backwards, key=lambda unit: 0.0 if unit.first.where else KINDS[unit.first.page.kind])
