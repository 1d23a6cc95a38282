"""Rows of logos: marked while a page is written as Markdown, so that a page's own text cannot pass for one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from octave_mcp.domain.page import Labelled
from octave_mcp.sources.html.characters import cleaned

# Private characters cannot come from a page: they are stripped from its text.
BEGIN, END = "\ue002", "\ue003"
MARK = re.compile(r"[\s#>*+-]*(?:\d+\. )?")
ROW = re.compile(f"{BEGIN}([^{BEGIN}{END}]*){END}")


class Written(NamedTuple):
    """A page's content as Markdown, and where rows of logos stand in it."""

    text: str
    logos: tuple[Labelled, ...] = ()


def row_of_logos(names: Iterable[str]) -> str:
    return f"{BEGIN}{', '.join(map(cleaned, names))}{END}"


def without_marks(text: str) -> Written:
    if BEGIN not in text:
        return Written(text)
    return Written(ROW.sub(r"\1", text), tuple(_rows(text)))


def _rows(text: str) -> Iterator[Labelled]:
    """The rows that are all of a line but its mark; within a table's cell they are text like any other."""
    for before, row in enumerate(ROW.finditer(text)):
        mark = text[text.rfind("\n", 0, row.start()) + 1 : row.start()]
        if MARK.fullmatch(mark) and text[row.end() : row.end() + 1] in {"", "\n"}:
            start = row.start() - 2 * before
            yield Labelled(label="Logos", where="logos", start=start, end=start + len(row[1]))
