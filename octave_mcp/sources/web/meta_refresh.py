"""Where a page's meta element, or its Refresh header, sends its readers."""

from __future__ import annotations

import html
import re

from octave_mcp.sources.html.encoding import tags

WITHIN_BYTES = 10_000
# A page that is shown for longer is meant to be read.
MAX_SECONDS = 5

UNSEEN = re.compile(rb"<!--.*?(?:-->|$)|<(noscript|script|style)\b.*?(?:</\1|$)", re.IGNORECASE | re.DOTALL)
# As the HTML standard reads it: seconds, then perhaps an address, with or without its name and quotes.
CONTENT = re.compile(
    r"\s*(\d++)[\d.]*+(?:\s*[;,]|\s|$)\s*[;,]?\s*(?:url\s*=\s*)?(?:'([^']*)|\"([^\"]*)|(.*))",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)


def refresh(body: bytes) -> str | None:
    """The address that the page leads on to at once, as it is written there; empty for its own."""
    start = UNSEEN.sub(b"", body[:WITHIN_BYTES]) if b"efresh" in body[:WITHIN_BYTES].lower() else b""
    for meta in tags(start, b"meta"):
        if meta.get(b"http-equiv", b"").strip().lower() == b"refresh" and b"content" in meta:
            return refreshed(html.unescape(meta[b"content"].decode("utf-8", "replace")))
    return None


def refreshed(content: str) -> str | None:
    """The address in the value of a refresh, if it does not let its readers wait."""
    found = CONTENT.match(content)
    if found is None or int(found[1][:4]) > MAX_SECONDS:
        return None
    return (found[2] or found[3] or found[4] or "").strip()
