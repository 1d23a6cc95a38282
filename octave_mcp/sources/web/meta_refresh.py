"""Where a page's meta element sends its readers."""

from __future__ import annotations

import html
import re

WITHIN_BYTES = 10_000
LONGEST_SECONDS = 5
"""A page that is shown for longer is meant to be read."""

UNSEEN = re.compile(rb"<!--.*?(?:-->|$)|<(noscript|script|style)\b.*?(?:</\1|$)", re.IGNORECASE | re.DOTALL)
META = re.compile(rb"<meta\s[^<>]{0,3000}>", re.IGNORECASE)
REFRESH = re.compile(rb"http-equiv\s*=\s*[\"']?refresh\b", re.IGNORECASE)
CONTENT = re.compile(
    rb"content\s*=\s*(?:\"\s*(\d+)[\d.]*\s*[;,]\s*(?:url\s*=\s*)?'?([^\"']+)|"
    rb"'\s*(\d+)[\d.]*\s*[;,]\s*(?:url\s*=\s*)?\"?([^\"']+))",
    re.IGNORECASE,
)


def refresh(body: bytes) -> str | None:
    """The address that the page leads on to at once, as it is written there."""
    start = UNSEEN.sub(b"", body[:WITHIN_BYTES]) if b"efresh" in body[:WITHIN_BYTES].lower() else b""
    for meta in META.finditer(start):
        found = REFRESH.search(meta[0]) and CONTENT.search(meta[0])
        if found:
            seconds, where = found[1] or found[3], found[2] or found[4]
            return _address(where) if int(seconds[:4]) <= LONGEST_SECONDS else None
    return None


def _address(written: bytes) -> str:
    return html.unescape(written.decode("utf-8", "replace")).strip()
