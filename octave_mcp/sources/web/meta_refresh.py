"""Finds where a page's meta element, or its Refresh header, redirects its readers."""

from __future__ import annotations

import html
import re

from octave_mcp.sources.html.encoding import tags

SEARCHED_BYTES = 10_000
# A page that is shown for longer than this is meant to be read.
MAX_SECONDS = 5

# A refresh in a comment, a script or a `noscript` element does not apply to browsers.
IGNORED_MARKUP = re.compile(rb"<!--.*?(?:-->|$)|<(noscript|script|style)\b.*?(?:</\1|$)", re.IGNORECASE | re.DOTALL)
# The format of the HTML standard: '0; url=/en', '0;URL="/en"', '0 /en', or only '5'.
CONTENT = re.compile(
    r"\s*(\d++)[\d.]*+(?:\s*[;,]|\s|$)\s*[;,]?\s*(?:url\s*=\s*)?(?:'([^']*)|\"([^\"]*)|(.*))",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)


def refresh(body: bytes) -> str | None:
    """Return the URL in the page's meta element as written, '' for the page itself, or None if it is no redirect."""
    start = IGNORED_MARKUP.sub(b"", body[:SEARCHED_BYTES]) if b"efresh" in body[:SEARCHED_BYTES].lower() else b""
    for meta in tags(start, b"meta"):
        if meta.get(b"http-equiv", b"").strip().lower() == b"refresh" and b"content" in meta:
            return refreshed(html.unescape(meta[b"content"].decode("utf-8", "replace")))
    return None


def refreshed(content: str) -> str | None:
    """Return the URL in the content of a refresh, or None if it waits too long to be a redirect."""
    match = CONTENT.match(content)
    if match is None or int(match[1][:4]) > MAX_SECONDS:
        return None
    return (match[2] or match[3] or match[4] or "").strip()
