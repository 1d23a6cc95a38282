"""Titles without the name of the site."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from octave_mcp.sources.html.tree import Element

SEPARATOR = re.compile(r"(?<!\s)\s+(?:[–—·•»›-]|::)\s+|(?:(?<!\s)\s+)?\|\s*")
PREFIX = re.compile(r"([^:]{1,60}):\s+(?=\S)")


def on_one_line(heading: Element) -> str:
    """Its text, with a space for each line that it has on the screen."""
    return " ".join("".join(_strings(heading)).split())


def _strings(part: Element) -> Iterator[str]:
    for child in part.children:
        if isinstance(child, str):
            yield child
            continue
        gap = " " if child.tag == "br" or child.holds_block else ""
        yield gap
        yield from _strings(child)
        yield gap


def without_site(title: str, names: Collection[str]) -> str:
    """The title without those names, in lower case, at its ends; if it has none of them, without its last part."""
    marks = list(SEPARATOR.finditer(title))
    spans = list(
        zip([0, *(mark.end() for mark in marks)], [*(mark.start() for mark in marks), len(title)], strict=True)
    )
    own = _between([title[start:end].casefold() in names for start, end in spans], spans)
    if not own:
        return title
    start, end = own[0][0], own[-1][1]
    prefix = PREFIX.match(title, start, end)
    if prefix and prefix[1].casefold() in names:
        return title[prefix.end() : end]
    return title[start : own[-2][1]] if len(own) == len(spans) > 1 else title[start:end]


def _between(is_name: list[bool], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts from the first to the last that is no name."""
    own = [place for place, named in enumerate(is_name) if not named and spans[place][0] < spans[place][1]]
    return spans[own[0] : own[-1] + 1] if own else []
