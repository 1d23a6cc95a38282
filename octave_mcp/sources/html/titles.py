"""Removes the name of the site from titles."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from octave_mcp.sources.html.tree import Element

# Matches the dash, the vertical bar or a similar sign between two parts of a title, as in "Pricing – Acme". Only the
# vertical bar also matches without spaces around it.
SEPARATOR = re.compile(r"(?<!\s)\s+(?:[–—·•»›-]|::)\s+|(?:(?<!\s)\s+)?\|\s*")
NAME_PREFIX = re.compile(r"([^:]{1,60}):\s+(?=\S)")


def on_one_line(heading: Element) -> str:
    """Return the text of a heading on one line. Line breaks become spaces."""
    return " ".join("".join(_strings(heading)).split())


def _strings(element: Element) -> Iterator[str]:
    for child in element.children:
        if isinstance(child, str):
            yield child
            continue
        gap = " " if child.tag == "br" or child.holds_block else ""
        yield gap
        yield from _strings(child)
        yield gap


def without_site(title: str, names: Collection[str]) -> str:
    """Remove the site's names from both ends of a title. If the title contains no such name, remove its last part."""
    separators = list(SEPARATOR.finditer(title))
    spans = list(
        zip(
            [0, *(separator.end() for separator in separators)],
            [*(separator.start() for separator in separators), len(title)],
            strict=True,
        )
    )
    own_spans = _own_spans([title[start:end].casefold() in names for start, end in spans], spans)
    if not own_spans:
        return title
    start, end = own_spans[0][0], own_spans[-1][1]
    prefix = NAME_PREFIX.match(title, start, end)
    if prefix and prefix[1].casefold() in names:
        return title[prefix.end() : end]
    return title[start : own_spans[-2][1]] if len(own_spans) == len(spans) > 1 else title[start:end]


def _own_spans(is_name: list[bool], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans that are left after names of the site are removed from both ends of the title."""
    own_indices = [index for index, named in enumerate(is_name) if not named and spans[index][0] < spans[index][1]]
    return spans[own_indices[0] : own_indices[-1] + 1] if own_indices else []
