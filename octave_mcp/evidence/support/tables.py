"""Rows of a comparison, with a cross for what a product does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.evidence.support.naming import has_name
from octave_mcp.evidence.support.statement import Statement
from octave_mcp.evidence.support.wording import Word, joined, wording

_CROSS = re.compile(r"[✖✗✘❌]")
_CELLS = "|"


def is_crossed_out(one: Statement, denied: Sequence[Word]) -> bool:
    """Whether a row about what the claim denies has a cross in the column of the product that the claim begins with."""
    lines = [quoted.text for quoted in one.evidence if _CELLS in quoted.text]
    headers = [line for line in lines if not _CROSS.search(line)]
    rows = [line for line in lines if _CROSS.search(line) and _is_about(line, denied)]
    return any(_CROSS.search(cell) for header in headers for row in rows for cell in _own(one, header, row))


def _is_about(row: str, denied: Sequence[Word]) -> bool:
    keys = wording(_split(row)[0]).keys
    return not joined(word.keys for word in denied).isdisjoint(keys)


def _own(one: Statement, header: str, row: str) -> Iterator[str]:
    """The cell below the name that the claim has first; a corner without text may be left out of the header."""
    names, cells = _split(header), _split(row)
    columns = dict(zip(names[::-1], cells[::-1], strict=False))
    own = sorted((one.text.find(name), name) for name in columns if name and has_name(name, one.text))
    yield from (columns[name] for _, name in own[:1])


def _split(row: str) -> Sequence[str]:
    return [cell.strip() for cell in row.strip().strip(_CELLS).split(_CELLS)]
