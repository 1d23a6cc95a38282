"""The TLS context that all HTTP clients of the process share."""

from __future__ import annotations

import os
import re
import ssl
import threading
from functools import cache
from pathlib import Path

import httpx2

from octave_mcp.errors import SetupError

FILE, FOLDER, KEY_LOG = VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
# Clients are also created in threads, and `cache` alone would let several of them load the certificates at once.
_LOCK = threading.Lock()
# OpenSSL finds a certificate in a folder only by a file name that is the hash of its subject, such as 5ed36f99.0.
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+", re.IGNORECASE)


def tls_context() -> ssl.SSLContext:
    """Return the TLS context with the system's certificates, or with the certificates that the environment names.

    Raises:
        SetupError: the value of one of `VARIABLES` cannot be used.
    """
    # Loading the certificates takes 15 ms and more than a megabyte of memory: too much for each client that a run
    # creates.
    with _LOCK:
        return _tls_context(*(os.environ.get(name, "") for name in VARIABLES))


@cache
def _tls_context(file: str, folders: str, key_log: str) -> ssl.SSLContext:
    if folders and not file:
        _check(folders)
    try:
        return httpx2.create_ssl_context()
    except OSError as failed:
        # Only the error about a key log that cannot be opened has a file name; OpenSSL's errors about certificates have
        # none.
        raise SetupError(_unusable_log(key_log) if failed.filename else _unusable_file(file, failed)) from None


def _check(folders: str) -> None:
    # OpenSSL accepts a folder without certificates, and then trusts no server at all.
    if not any(_HASHED.fullmatch(name) for folder in folders.split(os.pathsep) for name in _names_in(folder)):
        raise SetupError(
            f"{FOLDER} cannot be used: {folders} contains no certificate with a name like 5ed36f99.0; "
            f"run 'openssl rehash' on that folder, or unset {FOLDER} to use the system's certificates"
        )


def _names_in(folder: str) -> list[str]:
    try:
        return [path.name for path in Path(folder).iterdir()]
    except OSError:
        return []


def _unusable_file(file: str, failed: OSError) -> str:
    is_malformed = isinstance(failed, ssl.SSLError)
    why = "the file contains no certificate in PEM format" if is_malformed else failed.strerror
    return (
        f"{FILE} cannot be used: {file or 'the system'}: {why}; "
        f"set {FILE} to a file of certificates in PEM format, or unset it to use the system's certificates"
    )


def _unusable_log(file: str) -> str:
    return f"{KEY_LOG} cannot be used: {file} is not writable; set it to a writable file, or unset it"
