"""Rows of a comparison, with a cross for what a product does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.evidence.support.naming import has_name
from octave_mcp.evidence.support.statement import Statement

_CROSS = re.compile(r"[✖✗✘❌]")
_CELLS = "|"


def is_crossed_out(one: Statement) -> bool:
    """Whether a cross in a row denies what the claim denies, in the column of a product that the claim names.

    Without a header row, any cross may be the one.
    """
    rows = [row for row in (quoted.text for quoted in one.evidence) if _CELLS in row and _CROSS.search(row)]
    headers = [quoted.text for quoted in one.evidence if _CELLS in quoted.text and not _CROSS.search(quoted.text)]
    if not headers:
        return bool(rows)
    return any(_CROSS.search(cell) for header in headers for row in rows for cell in _own(one, header, row))


def _own(one: Statement, header: str, row: str) -> Iterator[str]:
    """The cells below the names that the claim has."""
    names, cells = _split(header), _split(row)
    if len(names) != len(cells):
        yield from cells
        return
    for name, cell in zip(names, cells, strict=True):
        if name and has_name(name, one.text):
            yield cell


def _split(row: str) -> Sequence[str]:
    return [cell.strip() for cell in row.strip().strip(_CELLS).split(_CELLS)]
