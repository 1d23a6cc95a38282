"""Tables as pipe tables, each cell in the slots that the HTML standard's algorithm for forming a table gives it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from octave_mcp.sources.html.tree import Element

CELLS = frozenset({"td", "th"})
GROUPS = ("thead", "tbody", "tfoot")
LAYOUT = frozenset({"presentation", "none"})
# A number as the standard reads an attribute: white space may precede it, anything may follow it.
INTEGER = re.compile(r"[ \t\n\f\r]*\+?([0-9]{1,9})")
# Bounds against pages that span and repeat without end.
MAX_COLUMNS, MAX_SPANNED = 40, 50_000
# Characters of a cell, and of a table, that are written again in the slots a cell spans.
LONGEST_REPEATED, MAX_REPEATED = 80, 20_000

ReadCell = Callable[[Element], str]


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    heads: bool
    column: int
    across: int
    below: int

    def again(self, column: int) -> str:
        """What is written in another slot of the cell: what it says holds for each of its rows and columns.

        A heading above several columns, and a label that begins in the first, are repeated in rows only.
        """
        if len(self.text) > LONGEST_REPEATED:
            return ""
        if column == self.column:
            return self.text
        return "" if self.heads or self.column == 0 else self.text


@dataclass(slots=True)
class _Row:
    own: dict[int, _Cell] = field(default_factory=dict[int, _Cell])
    covered: dict[int, _Cell] = field(default_factory=dict[int, _Cell])


def table(element: Element, cell: ReadCell) -> str | None:
    """The pipe table, its first row the header; None for a table that only lays out the page."""
    if element.attributes.get("role") in LAYOUT or any(inner is not element for inner in element.find("table")):
        return None
    spanned = iter(range(MAX_SPANNED))
    rows = [row for group in _groups(element) for row in _grid(group, cell, spanned)]
    rows = [row for row in rows if any(own.text for own in row.own.values())]
    width = max((max(row.own) + 1 for row in rows), default=0)
    if width <= 1:
        return None
    header, *body = _lines(rows, width)
    return "\n".join([header, _line(["---"] * width), *body])


def _groups(element: Element) -> Iterator[list[Element]]:
    """The rows of each group as they are shown: thead first and tfoot last, wherever they stand."""
    groups = {tag: [list(group.find("tr")) for group in element.find(tag)] for tag in GROUPS}
    grouped = {id(row) for found in groups.values() for rows in found for row in rows}
    loose = [row for row in element.find("tr") if id(row) not in grouped]
    return iter([*groups["thead"], loose, *groups["tbody"], *groups["tfoot"]])


def _grid(rows: list[Element], cell: ReadCell, spanned: Iterator[int]) -> Iterator[_Row]:
    """The rows of one group, which no cell grows out of; spans count until `spanned` is used up."""
    growing: dict[int, tuple[_Cell, int]] = {}
    for at, element in enumerate(rows):
        growing = {slot: (above, end) for slot, (above, end) in growing.items() if end > at}
        row = _Row(covered={slot: above for slot, (above, _) in growing.items() if next(spanned, None) is not None})
        for placed in _placed(element, cell, row, len(rows) - at):
            for slot in range(placed.column, min(placed.column + placed.across, MAX_COLUMNS)):
                if slot > placed.column:
                    row.covered.setdefault(slot, placed)
                if placed.below > 1:
                    growing[slot] = (placed, at + placed.below)
        yield row


def _placed(element: Element, cell: ReadCell, row: _Row, rows_left: int) -> Iterator[_Cell]:
    """The cells of a row, each in the first slot that no other cell covers."""
    column = 0
    for child in element.children:
        if not isinstance(child, Element) or child.tag not in CELLS:
            continue
        while column in row.covered:
            column += 1
        text = cell(child).replace("|", "/")
        across = min(_number(child, "colspan") or 1, max(1, MAX_COLUMNS - column))
        below = min(_number(child, "rowspan") or rows_left, rows_left)
        row.own[column] = placed = _Cell(text, child.tag == "th", column, across, below)
        yield placed
        column += across


def _number(element: Element, name: str) -> int:
    found = INTEGER.match(element.attributes.get(name, ""))
    return int(found[1]) if found else 1


def _lines(rows: list[_Row], width: int) -> Iterator[str]:
    """A row that is wider than tables are widens no other, or a page could cost its rows times its columns."""
    left = MAX_REPEATED
    for row in rows:
        texts = [""] * max(min(width, MAX_COLUMNS), max(row.own) + 1)
        for column, cell in row.covered.items():
            if column < len(texts) and left > 0:
                texts[column] = cell.again(column)
                left -= len(texts[column])
        for column, own in row.own.items():
            texts[column] = own.text
        yield _line(texts)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
