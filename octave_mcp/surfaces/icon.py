"""The product's icon: the eight notes of an octave and a bracket from the first to the last, as an SVG."""

from __future__ import annotations

from base64 import b64encode

MEDIA_TYPE = "image/svg+xml"
# Dots are lines without length, because these need fewer characters than circles. MCP clients get the icon in a data:
# URI, so it is kept short.
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#14324a"/>'
    '<g fill="none" stroke-linecap="round"><path d="M9.4 22.6h0M11.9 20.3h0M14.4 18h0M17 15.6h0M19.5 13.3h0M22 11h0" '
    'stroke="#fff" stroke-width="3"/><g stroke="#ffb454"><path d="M6.5 25.2h0M25 8.4h0" stroke-width="4.6"/>'
    '<path d="M6.5 18.5V10q0-3.5 3.5-3.5h8" stroke-width="1.8"/></g></g></svg>'
)
DATA_URI = f"data:{MEDIA_TYPE};base64,{b64encode(SVG.encode()).decode()}"
