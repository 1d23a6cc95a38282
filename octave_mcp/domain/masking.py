"""Masks secrets, including user names and passwords in URLs, before texts are logged or shown."""

from __future__ import annotations

import re

MASK = "***"
PASSWORD = re.compile(r"://[^:/]*:(?P<password>.+)@")

_USER = re.compile(r"(://)[^/@?#]*@")
_HOST = r"(?:\[[0-9a-f:.]+\]|[\w.-]*)(?::\d+)?"
_URL = re.compile(
    rf"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<user>[^@/?#]*@)?(?P<place>{_HOST}(?:,{_HOST})*(?:/[^@?#]*)?)(?:\?[^@#]*)?",
    re.IGNORECASE,
)


def without_user(secret: str) -> str:
    """Return the scheme, host and database of a URL. Text that is not clearly a URL is masked entirely."""
    url = _URL.fullmatch(secret)
    if not url:
        return MASK
    return url["scheme"] + (f"{MASK}@" if url["user"] else "") + url["place"]


def without_user_in(text: str) -> str:
    """Mask the user names and passwords of all URLs in `text`."""
    return _USER.sub(rf"\1{MASK}@", text)
