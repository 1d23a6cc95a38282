"""Scans HTML in linear time, to find pages that would keep the parser busy for minutes."""

from __future__ import annotations

import re
from collections import Counter

MAX_BYTES = 3_000_000
MAX_DEPTH = 512
# Parsing a page full of elements with this many attributes takes a second. The limit cannot be much lower, because
# the scan also counts the words of SVG code in `data:` URLs as attributes.
MAX_ATTRIBUTES = 2000

# The pattern for attributes is `[^<>]*`, so that each tag in `<a <a <a` is counted, although none of them is closed.
TAG = re.compile(rb"<(/?)([a-zA-Z][^\s/<>]*)([^<>]*)|<!--")
QUOTED_VALUE = re.compile(rb"\"[^\"]*\"|'[^']*'")
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
# The end tags of these elements can be omitted, so 600 paragraphs without `</p>` are not nested 600 levels deep.
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
FOREIGN = frozenset({b"svg", b"math"})
# The start tag of any of these elements ends SVG and MathML content (HTML standard, "parsing tokens in foreign
# content"). The standard has an exception for `font` without certain attributes, which is ignored here.
BREAKOUT = frozenset(
    name.encode()
    for name in (
        *("b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed", "font"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta", "nobr", "ol"),
        *("p", "pre", "ruby", "s", "small", "span", "strike", "strong", "sub", "sup", "table", "tt", "u", "ul", "var"),
    )
)
# Browsers treat everything up to the end tag of these elements as text, so tags in this text do not add to the depth.
RAW_TEXT = frozenset({b"script", b"style", b"textarea", b"title", b"xmp", b"iframe"})


# If a page exceeds one of these limits, it is parsed in a subprocess that can be killed (`parsing.py`). The formatting
# cost is the number of tags, multiplied by the largest number of formatting elements that are open at once.
MAX_TAGS = 15_000
MAX_FORMATTING_COST = 150_000
MAX_WHITESPACE = 5000
FORMATTING = re.compile(rb"<(/?)(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])", re.IGNORECASE)
LONG_WHITESPACE = re.compile(rb"\s{%d}" % (MAX_WHITESPACE + 1))
ENCODED_SPACES = (b"&nbsp;", b"&#160;", b"\xc2\xa0")


def is_suspicious(html: bytes) -> bool:
    """Return whether the page could be slow to parse. Fewer than one page in a hundred is suspicious."""
    tags = html.count(b"<")
    return tags > MAX_TAGS or tags * _max_open_formatting(html) > MAX_FORMATTING_COST or _has_long_whitespace(html)


def _has_long_whitespace(html: bytes) -> bool:
    for encoded in ENCODED_SPACES:
        html = html.replace(encoded, b" ")
    # White space of that length contains a whole chunk of half the length. Almost no page has such a chunk, so most
    # pages do not need the search, which is slow.
    chunk = MAX_WHITESPACE // 2
    chunks = (html[at : at + chunk] for at in range(0, len(html), chunk))
    return any(map(bytes.isspace, chunks)) and bool(LONG_WHITESPACE.search(html))


def _max_open_formatting(html: bytes) -> int:
    """Return the largest number of formatting elements that are open at once.

    Many open elements slow the parser down, because it repeats each unclosed formatting element in every following
    paragraph.
    """
    open_count = highest = 0
    for match in FORMATTING.finditer(html):
        open_count = max(0, open_count - 1) if match[1] else open_count + 1
        highest = max(highest, open_count)
    return highest


def too_complex(html: bytes) -> str | None:
    """Return why the page is too complex to be parsed, or None if it can be parsed."""
    if len(html) > MAX_BYTES:
        return f"The page has more than {MAX_BYTES // 1_000_000} MB of HTML"
    lowered = html.lower()
    nesting = Nesting()
    position = 0
    while match := TAG.search(lowered, position):
        position = match.end()
        name, rest = match[2], match[3]
        if name is None:
            position = _position_after(lowered, b"-->", position)
        elif match[1]:
            nesting.close(name)
        elif _has_too_many_attributes(rest):
            return f"An element of the page has more than {MAX_ATTRIBUTES} attributes"
        elif nesting.open(name, closed=rest.endswith(b"/")) > MAX_DEPTH:
            return f"The elements of the page are nested more than {MAX_DEPTH} deep"
        elif name in RAW_TEXT and not nesting.in_foreign_content:
            position = _position_after(lowered, b"</" + name, position) - len(name) - 2
    return None


class Nesting:
    """Counts the open elements of each tag name, and the depth of nesting.

    The counts show whether an end tag has a matching start tag. An end tag without a start tag does not reduce the
    depth.
    """

    def __init__(self) -> None:
        self.depth = 0
        self._open_counts: Counter[bytes] = Counter()
        self._in_foreign = False

    @property
    def in_foreign_content(self) -> bool:
        return any(self._open_counts[name] for name in FOREIGN)

    def open(self, name: bytes, *, closed: bool) -> int:
        """Open an element and return the new depth.

        `closed`: whether the tag ends with "/", as in `<div/>`. In SVG and MathML, such a tag also closes the element.
        In HTML, browsers ignore the slash.
        """
        self._in_foreign = name in FOREIGN or (self._in_foreign and name not in BREAKOUT)
        if name not in VOID and name not in IMPLIED_END and not (closed and self._in_foreign):
            self._open_counts[name] += 1
            self.depth += 1
        return self.depth

    def close(self, name: bytes) -> None:
        if name in FOREIGN:
            self._in_foreign = False
        if self._open_counts[name] > 0:
            self._open_counts[name] -= 1
            self.depth -= 1


def _has_too_many_attributes(text: bytes) -> bool:
    can_have = len(text) > 2 * MAX_ATTRIBUTES  # an attribute and the space after it are at least two bytes
    return can_have and len(QUOTED_VALUE.sub(b"", text).split()) > MAX_ATTRIBUTES


def _position_after(html: bytes, end: bytes, start: int) -> int:
    position = html.find(end, start)
    return len(html) + len(end) if position < 0 else position + len(end)
