"""The product's icon as an SVG, for the pages and for MCP clients."""

from __future__ import annotations

from base64 import b64encode

MEDIA_TYPE = "image/svg+xml"
# MCP clients get the icon in a data: URI, so it is kept short.
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="16" fill="#0e5f57"/>'
    '<path d="M9 21V11m7 10V8m7 13v-6" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>'
)
DATA_URI = f"data:{MEDIA_TYPE};base64,{b64encode(SVG.encode()).decode()}"
