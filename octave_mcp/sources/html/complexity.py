"""A linear look at HTML before it is parsed: the parser takes minutes for what a page can be built to contain."""

from __future__ import annotations

import re
from collections import Counter

MAX_BYTES = 3_000_000
DEEPEST = 512
# A page of nothing but such elements takes the parser a second; drawings in an address look like them, too.
MAX_ATTRIBUTES = 2000

# `[^>]*` in place of `[^<>]*` would be quadratic on `<a <a <a`.
TAG = re.compile(rb"<(/?)([a-zA-Z][^\s/<>]*)([^<>]*)|<!--")
QUOTED = re.compile(rb"\"[^\"]*\"|'[^']*'")
VOID = frozenset(
    {
        b"area",
        b"base",
        b"br",
        b"col",
        b"embed",
        b"hr",
        b"img",
        b"input",
        b"link",
        b"meta",
        b"param",
        b"source",
        b"track",
        b"wbr",
    }
)
IMPLIED_END = frozenset(
    {
        b"p",
        b"li",
        b"dt",
        b"dd",
        b"tr",
        b"td",
        b"th",
        b"thead",
        b"tbody",
        b"tfoot",
        b"option",
        b"optgroup",
        b"colgroup",
        b"rb",
        b"rt",
        b"rp",
    }
)
DRAWINGS = frozenset({b"svg", b"math"})
BREAKOUT = frozenset(
    name.encode()
    for name in (
        *("b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed", "font"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta", "nobr", "ol"),
        *("p", "pre", "ruby", "s", "small", "span", "strike", "strong", "sub", "sup", "table", "tt", "u", "ul", "var"),
    )
)
RAW = frozenset({b"script", b"style", b"textarea", b"title", b"xmp", b"iframe"})


MAX_TAGS = 15_000
MAX_FORMATTED = 150_000
MAX_SPACES = 5000
FORMATTING = re.compile(rb"<(/?)(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])", re.IGNORECASE)
SPACES = re.compile(rb"\s{50,}")
SPELLED_SPACES = (b"&nbsp;", b"&#160;", b"\xc2\xa0")


def is_suspicious(html: bytes) -> bool:
    """Whether parsing may take long although it is not `too_complex`: true of one page in hundreds."""
    tags = html.count(b"<")
    return tags > MAX_TAGS or tags * _most_formatting(html) > MAX_FORMATTED or _most_spaces(html) > MAX_SPACES


def _most_spaces(html: bytes) -> int:
    for spelled in SPELLED_SPACES:
        html = html.replace(spelled, b" ")
    return max((len(found[0]) for found in SPACES.finditer(html)), default=0)


def _most_formatting(html: bytes) -> int:
    """The most elements of formatting open at once, each of which a parser repeats in every paragraph that follows."""
    opened = most = 0
    for found in FORMATTING.finditer(html):
        opened = max(0, opened - 1) if found[1] else opened + 1
        most = max(most, opened)
    return most


def too_complex(html: bytes) -> str | None:
    """Why the page had better not be parsed, or None."""
    if len(html) > MAX_BYTES:
        return f"The page has more than {MAX_BYTES // 1_000_000} MB of HTML"
    lowered = html.lower()
    nesting = Nesting()
    at = 0
    while found := TAG.search(lowered, at):
        at = found.end()
        name, rest = found[2], found[3]
        if name is None:
            at = _past(lowered, b"-->", at)
        elif found[1]:
            nesting.close(name)
        elif _attributes(rest) > MAX_ATTRIBUTES:
            return f"An element of the page has more than {MAX_ATTRIBUTES} attributes"
        elif nesting.open(name, closed=rest.endswith(b"/")) > DEEPEST:
            return f"The elements of the page are nested more than {DEEPEST} deep"
        elif name in RAW and not nesting.in_drawing:
            at = _past(lowered, b"</" + name, at) - len(name) - 2
    return None


class Nesting:
    """Open elements, counted per name, so that a stray end tag of another cannot lower the depth."""

    def __init__(self) -> None:
        self.depth = 0
        self._opened: Counter[bytes] = Counter()
        self._foreign = False

    @property
    def in_drawing(self) -> bool:
        return any(self._opened[name] for name in DRAWINGS)

    def open(self, name: bytes, *, closed: bool) -> int:
        """The depth now. A slash closes only what stands in a drawing, which an element of text ends."""
        self._foreign = name in DRAWINGS or (self._foreign and name not in BREAKOUT)
        if name not in VOID and name not in IMPLIED_END and not (closed and self._foreign):
            self._opened[name] += 1
            self.depth += 1
        return self.depth

    def close(self, name: bytes) -> None:
        if name in DRAWINGS:
            self._foreign = False
        if self._opened[name] > 0:
            self._opened[name] -= 1
            self.depth -= 1


def _attributes(text: bytes) -> int:
    return len(QUOTED.sub(b"", text).split()) if text else 0


def _past(html: bytes, end: bytes, start: int) -> int:
    at = html.find(end, start)
    return len(html) + len(end) if at < 0 else at + len(end)
