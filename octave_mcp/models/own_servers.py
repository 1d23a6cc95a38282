"""Which servers are the user's own: they often have one model that answers one call at a time."""

from __future__ import annotations

from urllib.parse import urlsplit

from octave_mcp.domain.addresses import SPECIAL_NAMES, is_address, is_public_address


def is_own_server(base_url: str) -> bool:
    """Whether it is on this machine or in its network, by its name or address; nothing is looked up."""
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    if is_address(host):
        return not is_public_address(host)
    labels = host.split(".")
    return len(labels) == 1 or labels[-1] in SPECIAL_NAMES
