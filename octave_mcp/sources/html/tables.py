"""Tables as pipe tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from octave_mcp.sources.html.tree import Element

MOST_COLUMNS = 40


def table(element: Element, cell: Callable[[Element], str]) -> str | None:
    """The pipe table, its first row the header; None for a table that only lays out the page."""
    if any(inner is not element for inner in element.find("table")) or element.attributes.get("role") == "presentation":
        return None
    read = (list(_cells(row, cell)) for row in _rows(element))
    rows = [row for row in read if any(row)]
    width = max(map(len, rows), default=0)
    if width <= 1:
        return None
    header, *body = [_line([*row, *[""] * (width - len(row))]) for row in rows]
    return "\n".join([header, _line(["---"] * width), *body])


def _rows(element: Element) -> list[Element]:
    """In the order they are read: thead first, wherever it stands."""
    heads = [row for head in element.find("thead") for row in head.find("tr")]
    return [*heads, *(row for row in element.find("tr") if row not in heads)]


def _cells(row: Element, cell: Callable[[Element], str]) -> Iterator[str]:
    for child in row.children:
        if isinstance(child, Element) and child.tag in {"td", "th"}:
            yield cell(child).replace("|", "/")
            yield from ("" for _ in range(1, _span(child)))


def _span(cell: Element) -> int:
    text = cell.attributes.get("colspan", "1")
    return min(int(text), MOST_COLUMNS) if text.isdecimal() and text.isascii() else 1


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
