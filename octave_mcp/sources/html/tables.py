"""Converts HTML tables to Markdown pipe tables.

The HTML standard's algorithm for forming a table determines the column of each cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from octave_mcp.sources.html.tree import Element

CELLS = frozenset({"td", "th"})
ROW_GROUPS = ("thead", "tbody", "tfoot")
LAYOUT_ROLES = frozenset({"presentation", "none"})
# The HTML standard's parsing rules ignore white space before an integer and any text after it: `colspan=" 2px"`.
LEADING_INTEGER = re.compile(r"[ \t\n\f\r]*\+?([0-9]{1,9})")
# Large values such as `colspan="1000"` and `rowspan="65534"` are valid HTML, so these limits bound the processing time
# and the size of the text.
MAX_COLUMNS, MAX_SPANNED_SLOTS = 40, 50_000
MAX_REPEATED_CELL_CHARACTERS, MAX_REPEATED_CHARACTERS = 80, 20_000

ReadCell = Callable[[Element], str]


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    is_header: bool
    column: int
    colspan: int
    rowspan: int

    def repeated_text(self, column: int) -> str:
        """Return the text to show in another row or column that the cell spans, or '' to leave the place empty.

        `column` is the column in which the text is repeated.

        A header is repeated in further rows, but not in further columns. The same is true of a cell in the first
        column. Other cells are repeated in further rows and columns. A long text is not repeated.
        """
        if len(self.text) > MAX_REPEATED_CELL_CHARACTERS:
            return ""
        if column == self.column:
            return self.text
        return "" if self.is_header or self.column == 0 else self.text


@dataclass(slots=True)
class _Row:
    own: dict[int, _Cell] = field(default_factory=dict[int, _Cell])
    spanned: dict[int, _Cell] = field(default_factory=dict[int, _Cell])


def pipe_table(element: Element, read_cell: ReadCell) -> str | None:
    """Return a pipe table whose first row is the header. Return None if the table is used only for layout."""
    if element.attributes.get("role") in LAYOUT_ROLES or any(inner is not element for inner in element.find("table")):
        return None
    slots_left = iter(range(MAX_SPANNED_SLOTS))
    rows = [row for group in _groups(element) for row in _grid(group, read_cell, slots_left)]
    rows = [row for row in rows if any(own.text for own in row.own.values())]
    width = max((max(row.own) + 1 for row in rows), default=0)
    if width <= 1:
        return None
    header, *body = _text_lines(rows, width)
    return "\n".join([header, _line(["---"] * width), *body])


def _groups(element: Element) -> Iterator[list[Element]]:
    """Return the rows of each group in the order in which browsers show them: thead first, tfoot last."""
    groups = {tag: [list(group.find("tr")) for group in element.find(tag)] for tag in ROW_GROUPS}
    grouped = {id(row) for row_lists in groups.values() for rows in row_lists for row in rows}
    ungrouped = [row for row in element.find("tr") if id(row) not in grouped]
    return iter([*groups["thead"], ungrouped, *groups["tbody"], *groups["tfoot"]])


def _grid(rows: list[Element], read_cell: ReadCell, slots_left: Iterator[int]) -> Iterator[_Row]:
    """Yield the rows in one row group, such as `<tbody>`.

    A `rowspan` ends at the end of its row group. `slots_left` limits how many slots (positions in the grid) the
    `rowspan`s of the whole table can fill.
    """
    spans: dict[int, tuple[_Cell, int]] = {}
    for index, element in enumerate(rows):
        spans = {slot: (cell, end) for slot, (cell, end) in spans.items() if end > index}
        row = _Row(spanned={slot: cell for slot, (cell, _) in spans.items() if next(slots_left, None) is not None})
        for placed in _placed_cells(element, read_cell, row, len(rows) - index):
            for slot in range(placed.column, min(placed.column + placed.colspan, MAX_COLUMNS)):
                if slot > placed.column:
                    row.spanned.setdefault(slot, placed)
                if placed.rowspan > 1:
                    spans[slot] = (placed, index + placed.rowspan)
        yield row


def _placed_cells(element: Element, read_cell: ReadCell, row: _Row, rows_left: int) -> Iterator[_Cell]:
    """Yield the cells of a row. Each cell is placed in the first free slot of the row."""
    column = 0
    for child in element.children:
        if not isinstance(child, Element) or child.tag not in CELLS:
            continue
        while column in row.spanned:
            column += 1
        text = read_cell(child).replace("|", "/")
        colspan = min(_span(child, "colspan") or 1, max(1, MAX_COLUMNS - column))
        # With `rowspan="0"`, a cell spans all remaining rows of its row group.
        rowspan = min(_span(child, "rowspan") or rows_left, rows_left)
        row.own[column] = placed = _Cell(text, child.tag == "th", column, colspan, rowspan)
        yield placed
        column += colspan


def _span(element: Element, name: str) -> int:
    match = LEADING_INTEGER.match(element.attributes.get(name, ""))
    return int(match[1]) if match else 1


def _text_lines(rows: list[_Row], width: int) -> Iterator[str]:
    """Yield the rows as text.

    If one row is very wide, the other rows are not padded to its width, because the table could become too large.
    """
    characters_left = MAX_REPEATED_CHARACTERS
    for row in rows:
        texts = [""] * max(min(width, MAX_COLUMNS), max(row.own) + 1)
        for column, cell in row.spanned.items():
            if column < len(texts) and characters_left > 0:
                texts[column] = cell.repeated_text(column)
                characters_left -= len(texts[column])
        for column, own in row.own.items():
            texts[column] = own.text
        yield _line(texts)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
