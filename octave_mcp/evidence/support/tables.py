"""Reads comparison tables, in which a cross means that a product lacks a feature."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.evidence.support.naming import has_name
from octave_mcp.evidence.support.statement import Statement
from octave_mcp.evidence.support.wording import Word, joined, wording

_CROSS = re.compile(r"[✖✗✘❌]")
_CELLS = "|"


def is_crossed_out(statement: Statement, denied: Sequence[Word]) -> bool:
    """Whether a table has a cross in the row of the denied feature and the column of the claim's first product."""
    lines = [quotation.text for quotation in statement.evidence if _CELLS in quotation.text]
    headers = [line for line in lines if not _CROSS.search(line)]
    rows = [line for line in lines if _CROSS.search(line) and _is_about(line, denied)]
    return any(
        _CROSS.search(cell)
        for header in headers
        for row in rows
        for cell in _cell_of_first_name(statement, header, row)
    )


def _is_about(row: str, denied: Sequence[Word]) -> bool:
    keys = wording(_cells(row)[0]).keys
    return not joined(word.keys for word in denied).isdisjoint(keys)


def _cell_of_first_name(statement: Statement, header: str, row: str) -> Iterator[str]:
    """Yield the cell in the column of the product that the claim names first.

    Columns are counted from the right, because the empty first cell of the header can be missing.
    """
    names, cells = _cells(header), _cells(row)
    columns = dict(zip(names[::-1], cells[::-1], strict=False))
    named = sorted((statement.text.find(name), name) for name in columns if name and has_name(name, statement.text))
    yield from (columns[name] for _, name in named[:1])


def _cells(row: str) -> Sequence[str]:
    return [cell.strip() for cell in row.strip().strip(_CELLS).split(_CELLS)]
