"""Removes text that several pages repeat, such as menus, footers and carousels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from octave_mcp.domain.evidence import Passage
from octave_mcp.domain.names import normal
from octave_mcp.evidence.passage_scores import Cue
from octave_mcp.evidence.selection import KINDS
from octave_mcp.evidence.units import Unit, units

# Text on two pages does not count as boilerplate, because a quotation can be both in a story and on the home page.
BOILERPLATE_PAGES = 3
_FACT_CUES = int(Cue.SPEAKER | Cue.CERTIFICATE | Cue.FIGURE)


def without_repeats(pages: Sequence[Sequence[Passage]]) -> list[list[Passage]]:
    """Return the passages of each page, without repeated text.

    If two pages contain the same text, only the more important page keeps the text: a case study rather than a blog
    post.

    Text on three or more pages is removed entirely, because it is probably a menu or a footer. However, a text
    with a figure, a certificate, a quotation with its speaker, logos or metadata is kept on one page.
    """
    total = Counter(_key(passage.label, passage.text) for page in pages for passage in page)
    repeated = [[passage for passage in page if total[_key(passage.label, passage.text)] > 1] for page in pages]
    units_by_page = [list(units(page)) for page in repeated]
    counts = Counter(key for page in units_by_page for key in {_unit_key(unit) for unit in page})
    retained = {
        _unit_key(unit): unit
        for unit in _most_important_last(units_by_page)
        if _is_retained(unit, counts[_unit_key(unit)])
    }
    removed = {
        id(page[at])
        for page, page_units in zip(repeated, units_by_page, strict=True)
        for unit in page_units
        if retained.get(_unit_key(unit)) is not unit
        for at in unit.at
    }
    return [[passage for passage in page if id(passage) not in removed] for page in pages]


def _key(label: str, text: str) -> Hashable:
    return label, normal(text)


def _unit_key(unit: Unit) -> Hashable:
    return _key(unit.first.label, unit.text)


def _is_retained(unit: Unit, count: int) -> bool:
    return count < BOILERPLATE_PAGES or bool(unit.first.where) or bool(unit.cues & _FACT_CUES)


def _most_important_last(pages: Sequence[Sequence[Unit]]) -> list[Unit]:
    """Sort the passage groups by the importance of their page's kind, with the most important group last.

    The caller builds a dict, in which a later group replaces an earlier group with the same text. The order of equally
    important groups is reversed, so that the dict keeps the first of them.
    """
    backwards = [unit for page in reversed(pages) for unit in reversed(page)]
    return sorted(backwards, key=lambda unit: 0.0 if unit.first.where else KINDS[unit.first.page.kind])
