"""Marks untrusted text for a model: the text is put between secret delimiters (fences) or reduced to one plain line.

Fence names are secret, so that no page can close a fence and continue with instructions.
"""

from __future__ import annotations

import re
import secrets
from hashlib import blake2b
from typing import Any, NamedTuple

from octave_mcp.domain.asks import Ask

MAX_NAME_LENGTH = 80
# Each process generates a new secret, so that a page cannot contain a fence name from an earlier process.
_SECRET = secrets.token_bytes(16)

_FENCE = re.compile(r"</?[a-z]+-[0-9a-f]+>\n?")


class Fence(NamedTuple):
    """Delimiters around untrusted text, such as <passages-3f9c...> and </passages-3f9c...>."""

    name: str

    def begin(self, what: str) -> str:
        return f"<{what}-{self.name}>"

    def end(self, what: str) -> str:
        return f"</{what}-{self.name}>"

    def around(self, what: str, text: str) -> str:
        return f"{self.begin(what)}\n{text.replace(self.name, '')}\n{self.end(what)}"


def fence_for(ask: Ask[Any, Any]) -> Fence:
    """Return a fence with a secret name, which is the same for an ask and its correction."""
    # With the same fence name, a correction starts with the same text as the first ask, so the provider's prompt cache
    # can be used.
    about = f"{ask.prompt}\n{ask.passages[0].page.sha256 if ask.passages else ''}"
    return Fence(blake2b(about.encode(), key=_SECRET, digest_size=8).hexdigest())


def without_fences(text: str) -> str:
    """Return a text that was rendered for a model without the lines that delimit untrusted text, for a person."""
    return _FENCE.sub("", text).strip()


def plain(text: str, max_length: int = MAX_NAME_LENGTH) -> str:
    """Return one line without characters that could form a fence, a placeholder or Markdown in a prompt."""
    return re.sub(r"\s+", " ", re.sub(r"[<>{}`#\x00-\x1f\x7f]", " ", text)).strip()[:max_length]


def one_line(text: str) -> str:
    return " ".join(text.split())
