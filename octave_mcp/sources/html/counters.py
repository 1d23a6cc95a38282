"""Numbers that count up: the page is served with the first, and a script ends at the one that readers see."""

from __future__ import annotations

import re

from octave_mcp.sources.html.tree import Element

TARGETS = (
    *("data-to-value", "data-to", "data-count", "data-count-to", "data-countto", "data-counter", "data-target"),
    *("data-end", "data-end-value", "data-number", "data-final", "data-stop", "data-value"),
)
FIRST = re.compile(r"0+(?:[.,]0+)?")
LAST = re.compile(r"(?=.*[1-9])\d{1,3}(?:[,. ]?\d{3}){0,4}(?:[.,]\d{1,3})?")
SIGNS = re.compile(r"[,. ’']")
THOUSANDS = re.compile(r"(?<=\d)(?=(?:\d{3}){1,6}(?:\D|\Z))")


def as_counted(part: Element | str) -> Element | str:
    """A counter with the number that it ends at, as it is shown; anything that does not count up from 0 as it is."""
    if isinstance(part, str) or not (part.words == 1 and part.attributes and part.is_leaf):
        return part
    if not FIRST.fullmatch(part.text):
        return part
    last = next((value for name in TARGETS if (value := part.attributes.get(name, "").strip())), "")
    if not LAST.fullmatch(last):
        return part
    sign = part.attributes.get("data-delimiter", "")
    return part.holding([THOUSANDS.sub(sign, last) if last.isdecimal() and SIGNS.fullmatch(sign) else last])
