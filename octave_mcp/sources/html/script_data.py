"""What a page without text brings along for its scripts to show: the sentences of its JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import cast

from octave_mcp.sources.html.characters import cleaned
from octave_mcp.sources.html.tree import CJK, Element, word_count

# Frameworks' states: window.__NUXT__={...}, __INITIAL_STATE__ = {...}, self.__next_f.push([1,"..."]).
ASSIGNED = re.compile(r"(?:window|self|globalThis)\.\w{3,40}\s*=\s*(?=[{\[])")
STREAMED = re.compile(r"self\.__next_f\.push\((?=\[)")
ROW = re.compile(r"^[0-9a-f]+:(?=[\[{])", re.MULTILINE)
HEADINGS = frozenset({"title", "heading", "headline", "question", "h1", "h2", "h3"})
WORDS = re.compile(r"[A-Z]{1,50}(?![a-z])|[A-Z]?[a-z]+")
# The last word of a key says what it holds: an `imageUrl` is a URL, an `imageCaption` is a text.
UNREAD = frozenset(
    "class classes style styles css href link url urls uri src srcset slug slugs path paths pathname id ids uid uuid"
    " key token tokens locale lang type kind variant icon icons color colour image images img alt seo meta metadata"
    " script scripts query cookie cookies analytics tracking hash nonce build version typename component template"
    " layout date email phone".split()
)
# What is for machines, or for a notice, whatever it is: `metaDescription`, `cookieNotice`.
UNREAD_FIRST = frozenset({"seo", "meta", "og", "twitter", "cookie", "cookies", "tracking"})
UNREAD_WHOLE = frozenset({"classname", "classnames"})
MARKUP = re.compile(r"<[^<>]{1,200}>")
CODE = re.compile(r"[{}<>=;]|https?://|\w[._/-]\w[^\W_]*[._/-]\w")
MIN_WORDS, MIN_CJK = 4, 8
MAX_HEADING_WORDS = 14
DEEPEST, MAX_STRINGS = 40, 5000
# Below, what the JSON says is no page.
SERVED_WORDS = 15


def embedded_text(root: Element) -> str:
    """Headings and paragraphs as Markdown, each once, in the order of the data; empty if they are next to nothing."""
    said: dict[str, None] = {}
    for value in _documents(root):
        for at, (key, text) in enumerate(_strings(value, "", 0)):
            if at >= MAX_STRINGS:
                break
            if line := _line(key, text):
                said.setdefault(line)
    lines = list(said)
    while lines and lines[-1].startswith("#"):
        lines.pop()
    return "\n\n".join(lines) if sum(map(word_count, lines)) >= SERVED_WORDS else ""


def _documents(root: Element) -> Iterator[object]:
    streamed: list[str] = []
    for script in root.find("script"):
        text = "".join(script.strings())
        if script.attributes.get("type", "").lower() == "application/json":
            yield from _json(text, 0)
        for found in ASSIGNED.finditer(text):
            yield from _json(text, found.end())
        for found in STREAMED.finditer(text):
            streamed += [part for value in _json(text, found.end()) for part in _texts(value)]
    rows = "".join(streamed)
    for row in ROW.finditer(rows):
        yield from _json(rows, row.end())


def _json(text: str, start: int) -> Iterator[object]:
    try:
        yield json.JSONDecoder().raw_decode(text.strip() if start == 0 else text, start)[0]
    except (ValueError, RecursionError):
        return


def _texts(value: object) -> list[str]:
    parts = cast("list[object]", value) if isinstance(value, list) else []
    return [part for part in parts if isinstance(part, str)]


def _strings(value: object, key: str, depth: int) -> Iterator[tuple[str, str]]:
    """Each string with the key it stands under, or the tag of the element it is the content of."""
    if isinstance(value, str):
        yield key, value
    elif depth < DEEPEST and isinstance(value, dict):
        for name, part in cast("dict[str, object]", value).items():
            if name == "children":
                yield from _strings(part, key, depth + 1)
            elif (called := _read_as(name)) is not None:
                yield from _strings(part, called, depth + 1)
    elif depth < DEEPEST and isinstance(value, list):
        parts = cast("list[object]", value)
        is_element = len(parts) > 3 and parts[0] == "$" and isinstance(parts[1], str)  # noqa: PLR2004 - $, tag, key, props
        for part in parts[3:] if is_element else parts:
            yield from _strings(part, str(parts[1]) if is_element else key, depth + 1)


def _read_as(key: str) -> str | None:
    """What a key calls its value: `name`, or its last word; None if people do not read the value."""
    words = [word.lower() for word in WORDS.findall(key)]
    if not words or key.lower() in UNREAD_WHOLE or words[0] in UNREAD_FIRST or words[-1] in UNREAD:
        return None if words else ""
    return words[-1] if len(words) == 1 or words[-1] in HEADINGS else ""


def _line(key: str, text: str) -> str:
    """The string as a heading or a paragraph, if it is one that people read."""
    flat = " ".join(cleaned(unescape(MARKUP.sub(" ", text))).split())
    words = word_count(flat)
    if not flat or CODE.search(flat):
        return ""
    if (key in HEADINGS or key == "name") and words <= MAX_HEADING_WORDS and flat[-1] not in ".。":
        return f"## {flat}"
    return flat if words >= MIN_WORDS or len(CJK.findall(flat)) >= MIN_CJK else ""
