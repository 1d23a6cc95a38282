"""Finds the URL to which a meta element or a Refresh header redirects."""

from __future__ import annotations

import html
import re

from octave_mcp.sources.html.encoding import tags

SEARCHED_BYTES = 10_000
# If a page is shown for longer than this before it redirects, the redirect is ignored.
MAX_SECONDS = 5

# Matches comments, scripts, styles and `noscript` elements, in which browsers usually ignore a refresh.
IGNORED_MARKUP = re.compile(rb"<!--.*?(?:-->|$)|<(noscript|script|style)\b.*?(?:</\1|$)", re.IGNORECASE | re.DOTALL)
# Matches the format that the HTML standard defines: '0; url=/en', '0;URL="/en"', '0 /en', or only '5'.
CONTENT = re.compile(
    r"\s*(\d++)[\d.]*+(?:\s*[;,]|\s|$)\s*[;,]?\s*(?:url\s*=\s*)?(?:'([^']*)|\"([^\"]*)|(.*))",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)


def refresh(body: bytes) -> str | None:
    """Return the URL to which the page's meta element redirects, exactly as written.

    Return '' if the page redirects to itself, and None if there is no redirect.
    """
    start = IGNORED_MARKUP.sub(b"", body[:SEARCHED_BYTES]) if b"efresh" in body[:SEARCHED_BYTES].lower() else b""
    for meta in tags(start, b"meta"):
        if meta.get(b"http-equiv", b"").strip().lower() == b"refresh" and b"content" in meta:
            return refreshed(html.unescape(meta[b"content"].decode("utf-8", "replace")))
    return None


def refreshed(content: str) -> str | None:
    """Return the URL in a value such as '0; url=/en'. Return None if the delay is too long for a redirect."""
    match = CONTENT.match(content)
    if match is None or int(match[1][:4]) > MAX_SECONDS:
        return None
    return (match[2] or match[3] or match[4] or "").strip()
