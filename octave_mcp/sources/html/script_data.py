"""Reads a page's JSON data, and finds the text in it that scripts would show in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import cast

from octave_mcp.sources.html.characters import cleaned
from octave_mcp.sources.html.tree import CJK, Element, word_count

# Frameworks assign their state to a global variable: `window.__NUXT__={...}`, `window.__INITIAL_STATE__ = {...}`.
STATE_ASSIGNMENT = re.compile(r"(?:window|self|globalThis)\.\w{3,40}\s*=\s*(?=[{\[])")
# Next.js sends React's data in several pieces such as `self.__next_f.push([1,"..."])`. If the pieces are joined, they
# form rows such as `1a:[...]`.
REACT_PUSH = re.compile(r"self\.__next_f\.push\((?=\[)")
REACT_ROW = re.compile(r"^[0-9a-f]+:(?=[\[{])", re.MULTILINE)
HEADINGS = frozenset({"title", "heading", "headline", "question", "h1", "h2", "h3"})
KEY_WORD = re.compile(r"[A-Z]{1,50}(?![a-z])|[A-Z]?[a-z]+")
# The last word of a key usually shows what its value is: the value of `imageUrl` is a URL, but the value of
# `imageCaption` is text for people.
UNREADABLE_LAST_WORDS = frozenset(
    "class classes style styles css href link url urls uri src srcset slug slugs path paths pathname id ids uid uuid"
    " key token tokens locale lang type kind variant icon icons color colour image images img alt seo meta metadata"
    " script scripts query cookie cookies analytics tracking hash nonce build version typename component template"
    " layout date email phone".split()
)
# If a key begins with one of these words, as in `metaDescription`, its value is usually not shown on the page.
UNREADABLE_FIRST_WORDS = frozenset({"seo", "meta", "og", "twitter", "cookie", "cookies", "tracking"})
UNREADABLE_KEYS = frozenset({"classname", "classnames"})
MARKUP = re.compile(r"<[^<>]{1,200}>")
CODE = re.compile(r"[{}<>=;]|https?://|\w[._/-]\w[^\W_]*[._/-]\w")
MIN_WORDS, MIN_CJK_CHARACTERS = 4, 8
MAX_HEADING_WORDS = 14
MAX_DEPTH, MAX_STRINGS_PER_DOCUMENT = 40, 5000
# If the JSON data of a page has fewer words of text than this, the text is ignored.
MIN_TOTAL_WORDS = 15


def embedded_text(root: Element) -> str:
    """Return the headings and paragraphs in the data as Markdown, without repetitions.

    Return '' if the data has fewer than `MIN_TOTAL_WORDS` words.
    """
    lines: dict[str, None] = {}
    for value in _documents(root):
        for index, (key, text) in enumerate(_keyed_strings(value, "", 0)):
            if index >= MAX_STRINGS_PER_DOCUMENT:
                break
            if line := _line(key, text):
                lines.setdefault(line)
    paragraphs = list(lines)
    while paragraphs and paragraphs[-1].startswith("#"):
        paragraphs.pop()
    return "\n\n".join(paragraphs) if sum(map(word_count, paragraphs)) >= MIN_TOTAL_WORDS else ""


def _documents(root: Element) -> Iterator[object]:
    react_data: list[str] = []
    for script in root.find("script"):
        text = "".join(script.strings())
        if script.attributes.get("type", "").lower() == "application/json":
            yield from _decoded_json(text, 0)
        for match in STATE_ASSIGNMENT.finditer(text):
            yield from _decoded_json(text, match.end())
        for match in REACT_PUSH.finditer(text):
            react_data += [item for value in _decoded_json(text, match.end()) for item in _strings_in_list(value)]
    rows = "".join(react_data)
    for row in REACT_ROW.finditer(rows):
        yield from _decoded_json(rows, row.end())


def _decoded_json(text: str, start: int) -> Iterator[object]:
    try:
        yield json.JSONDecoder().raw_decode(text.strip() if start == 0 else text, start)[0]
    except (ValueError, RecursionError):
        return


def _strings_in_list(value: object) -> list[str]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]


def _keyed_strings(value: object, key: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield each string together with its key in the JSON data, or with the tag of its React element."""
    if isinstance(value, str):
        yield key, value
    elif depth < MAX_DEPTH and isinstance(value, dict):
        for child_key, item in cast("dict[str, object]", value).items():
            if child_key == "children":
                yield from _keyed_strings(item, key, depth + 1)
            elif (role := _role_of_key(child_key)) is not None:
                yield from _keyed_strings(item, role, depth + 1)
    elif depth < MAX_DEPTH and isinstance(value, list):
        items = cast("list[object]", value)
        is_element = len(items) > 3 and items[0] == "$" and isinstance(items[1], str)  # noqa: PLR2004 - $, tag, key, props
        for item in items[3:] if is_element else items:
            yield from _keyed_strings(item, str(items[1]) if is_element else key, depth + 1)


def _role_of_key(key: str) -> str | None:
    """Return the role of the value that has this key, such as "title" for `heroTitle`.

    Return '' if the role is unknown. Return None if the value is not text for people.
    """
    words = [word.lower() for word in KEY_WORD.findall(key)]
    if (
        not words
        or key.lower() in UNREADABLE_KEYS
        or words[0] in UNREADABLE_FIRST_WORDS
        or words[-1] in UNREADABLE_LAST_WORDS
    ):
        return None if words else ""
    return words[-1] if len(words) == 1 or words[-1] in HEADINGS else ""


def _line(key: str, text: str) -> str:
    """Convert a string in the data to a Markdown heading or paragraph. Return '' if the string is code or too short."""
    text_line = " ".join(cleaned(unescape(MARKUP.sub(" ", text))).split())
    words = word_count(text_line)
    if not text_line or CODE.search(text_line):
        return ""
    if (key in HEADINGS or key == "name") and words <= MAX_HEADING_WORDS and text_line[-1] not in ".。":
        return f"## {text_line}"
    return text_line if words >= MIN_WORDS or len(CJK.findall(text_line)) >= MIN_CJK_CHARACTERS else ""
