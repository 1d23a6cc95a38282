"""Marks text from pages as data: puts it between fences, or turns it into one plain line.

The name of a fence is secret, so no page can close it.
"""

from __future__ import annotations

import re
import secrets
from hashlib import blake2b
from typing import Any, NamedTuple

from octave_mcp.domain.asks import Ask

LONGEST_NAME = 80
_SECRET = secrets.token_bytes(16)


class Fence(NamedTuple):
    name: str

    def begin(self, what: str) -> str:
        return f"<{what}-{self.name}>"

    def end(self, what: str) -> str:
        return f"</{what}-{self.name}>"

    def around(self, what: str, text: str) -> str:
        return f"{self.begin(what)}\n{text.replace(self.name, '')}\n{self.end(what)}"


def fence_for(ask: Ask[Any, Any]) -> Fence:
    """A secret name. An ask and its correction share it, so a provider can cache their common prefix."""
    about = f"{ask.prompt}\n{ask.passages[0].page.sha256 if ask.passages else ''}"
    return Fence(blake2b(about.encode(), key=_SECRET, digest_size=8).hexdigest())


def plain(text: str, longest: int = LONGEST_NAME) -> str:
    """One line without marks that could end something: brackets, backticks, hashes."""
    return re.sub(r"\s+", " ", re.sub(r"[<>{}`#\x00-\x1f\x7f]", " ", text)).strip()[:longest]


def one_line(text: str) -> str:
    return " ".join(text.split())
