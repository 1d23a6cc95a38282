"""Records where the Markdown of a page contains rows of logos, so that they are not treated as ordinary text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from octave_mcp.domain.page import Labelled
from octave_mcp.sources.html.characters import cleaned

# These private-use characters mark the start and the end of a row of logos. The text of a page cannot contain such
# characters, because `cleaned` removes them.
ROW_START, ROW_END = "\ue002", "\ue003"
LINE_PREFIX = re.compile(r"[\s#>*+-]*(?:\d+\. )?")
ROW = re.compile(f"{ROW_START}([^{ROW_START}{ROW_END}]*){ROW_END}")


class MarkdownText(NamedTuple):
    """A Markdown text, and the positions of the rows of logos in it."""

    text: str
    logos: tuple[Labelled, ...] = ()


def row_of_logos(names: Iterable[str]) -> str:
    return f"{ROW_START}{', '.join(map(cleaned, names))}{ROW_END}"


def without_marks(text: str) -> MarkdownText:
    if ROW_START not in text:
        return MarkdownText(text)
    return MarkdownText(ROW.sub(r"\1", text), tuple(_labelled_rows(text)))


def _labelled_rows(text: str) -> Iterator[Labelled]:
    """Yield the position of each row of logos that is on a line of its own.

    A row of logos in a table cell is treated as ordinary text.
    """
    for rows_before, match in enumerate(ROW.finditer(text)):
        prefix = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if LINE_PREFIX.fullmatch(prefix) and text[match.end() : match.end() + 1] in {"", "\n"}:
            # Each earlier row shifts the position by two, because `without_marks` removes the two marks of the row.
            start = match.start() - 2 * rows_before
            yield Labelled(label="Logos", where="logos", start=start, end=start + len(match[1]))
