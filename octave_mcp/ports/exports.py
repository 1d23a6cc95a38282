"""The formats of a playbook."""

from __future__ import annotations

from typing import Protocol

from octave_mcp.domain.playbook import Playbook


class Export(Protocol):
    """A playbook as a file of one format: text, or bytes where the format is binary."""

    def render(self, playbook: Playbook) -> str | bytes: ...
