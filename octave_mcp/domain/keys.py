"""Validates API keys of all providers."""

from __future__ import annotations

import re

from pydantic import SecretStr

from octave_mcp.errors import SetupError

# Keys are sent in HTTP headers, so only visible ASCII is allowed. Quotation marks are not allowed, because people often
# copy them together with a key by mistake.
_KEY = re.compile(r"[!#-&(-~]+")


def sendable(variable: str, key: SecretStr) -> SecretStr:
    """Return the key if it is valid in an HTTP header.

    Raises:
        SetupError: If the key has a quotation mark, whitespace, or a control or non-ASCII character. The message does
            not contain the key.
    """
    if _KEY.fullmatch(key.get_secret_value()):
        return key
    raise SetupError(
        f"{variable} cannot be used: it contains a quotation mark, whitespace, or a control or non-ASCII character; "
        f"set {variable} to the key alone"
    )
