"""Reads animated counters.

The HTML of a counter contains only the initial number, and a script counts up to the number that readers see.
"""

from __future__ import annotations

import re

from octave_mcp.sources.html.tree import Element

# Many counter scripts read the final number from one of these attributes: `<span data-count="500">0</span>`.
TARGET_ATTRIBUTES = (
    *("data-to-value", "data-to", "data-count", "data-count-to", "data-countto", "data-counter", "data-target"),
    *("data-end", "data-end-value", "data-number", "data-final", "data-stop", "data-value"),
)
START_NUMBER = re.compile(r"0+(?:[.,]0+)?")
FINAL_NUMBER = re.compile(r"(?=.*[1-9])\d{1,3}(?:[,. ]?\d{3}){0,4}(?:[.,]\d{1,3})?")
SEPARATOR = re.compile(r"[,. ’']")
THOUSANDS = re.compile(r"(?<=\d)(?=(?:\d{3}){1,6}(?:\D|\Z))")


def with_final_number(node: Element | str) -> Element | str:
    """If the node is a counter, replace its text with the final number. Return any other node unchanged."""
    if isinstance(node, str) or not (node.words == 1 and node.attributes and node.is_leaf):
        return node
    if not START_NUMBER.fullmatch(node.text):
        return node
    final = next((value for name in TARGET_ATTRIBUTES if (value := node.attributes.get(name, "").strip())), "")
    if not FINAL_NUMBER.fullmatch(final):
        return node
    separator = node.attributes.get("data-delimiter", "")
    if final.isdecimal() and SEPARATOR.fullmatch(separator):
        final = THOUSANDS.sub(separator, final)
    return node.with_children([final])
