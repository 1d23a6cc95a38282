"""The form that every provider's key has."""

from __future__ import annotations

import re

from pydantic import SecretStr

from octave_mcp.errors import SetupError

# Visible ASCII characters, except quotation marks, which people copy with a key.
_KEY = re.compile(r"[!#-&(-~]+")


def sendable(variable: str, key: SecretStr) -> SecretStr:
    """The key.

    Raises:
        SetupError: no request can send it. The message does not contain the key.
    """
    if _KEY.fullmatch(key.get_secret_value()):
        return key
    raise SetupError(
        f"{variable} cannot be used: it contains a quotation mark, whitespace, or a control or non-ASCII character; "
        f"set {variable} to the key alone"
    )
