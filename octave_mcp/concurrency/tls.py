"""The TLS context that all HTTP clients of this process share."""

from __future__ import annotations

import ssl
import threading
from functools import cache

import httpx2

_LOCK = threading.Lock()
"""Clients are also made in threads, and `cache` alone would let several of them read the certificates."""


def tls_context() -> ssl.SSLContext:
    """With the system's certificates or those in SSL_CERT_FILE; loading them takes 15 ms and over a megabyte."""
    with _LOCK:
        return _tls_context()


@cache
def _tls_context() -> ssl.SSLContext:
    return httpx2.create_ssl_context()
