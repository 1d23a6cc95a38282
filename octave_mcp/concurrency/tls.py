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
# The lock is needed because clients are also created in other threads. With `cache` alone, several threads could load
# the certificates at once.
_LOCK = threading.Lock()
# OpenSSL finds a certificate in a folder only if the file is named after the hash of the certificate's subject, such as
# 5ed36f99.0.
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+", re.IGNORECASE)


def tls_context() -> ssl.SSLContext:
    """Return a TLS context that trusts the certificates set in the environment, or else the system's certificates.

    Raises:
        SetupError: If a variable in `VARIABLES` has an unusable value.
    """
    # Share one context, because loading the certificates takes about 20 ms and more than a megabyte of memory.
    with _LOCK:
        return _tls_context(*(os.environ.get(name, "") for name in VARIABLES))


@cache
def _tls_context(file: str, folders: str, key_log: str) -> ssl.SSLContext:
    if folders and not file:
        _check(folders)
    try:
        return httpx2.create_ssl_context()
    except OSError as failed:
        # If the error has a file name, the key log could not be opened. OpenSSL's errors about certificates have no
        # file name.
        raise SetupError(_unusable_log(key_log) if failed.filename else _unusable_file(file, failed)) from None


def _check(folders: str) -> None:
    # Reject a folder without certificates, because OpenSSL would accept the folder and then trust no server at all.
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
