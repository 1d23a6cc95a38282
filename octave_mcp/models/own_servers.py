"""Detects the user's own model servers, which often answer one call at a time."""

from __future__ import annotations

from urllib.parse import urlsplit

from octave_mcp.domain.addresses import SPECIAL_NAMES
from octave_mcp.domain.ip_addresses import is_address, is_public_address


def is_own_server(base_url: str) -> bool:
    """Whether the server is on this machine or its local network, judged by name or IP address without a DNS lookup."""
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    if is_address(host):
        return not is_public_address(host)
    labels = host.split(".")
    # A name without a dot, such as 'ollama' in a Docker network, is resolved locally.
    return len(labels) == 1 or labels[-1] in SPECIAL_NAMES
