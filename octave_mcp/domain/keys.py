"""The form that every provider's key has."""

from __future__ import annotations

import re

from pydantic import SecretStr

from octave_mcp.errors import SetupError

_KEY = re.compile(r"[!#-&(-~]+")
"""Signs of ASCII that can be seen, except quotation marks, which stand around keys, not in them."""


def sendable(variable: str, key: SecretStr) -> SecretStr:
    """The key.

    Raises:
        SetupError: no request can bear it; the text does not tell it.
    """
    if _KEY.fullmatch(key.get_secret_value()):
        return key
    raise SetupError(
        f"{variable} cannot be used: it has a quotation mark, a space, a line break or a letter that no key has; "
        f"set {variable} to the key alone"
    )
