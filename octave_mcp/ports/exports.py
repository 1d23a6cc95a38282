"""The formats of a playbook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from octave_mcp.domain.playbook import Playbook


class Export(Protocol):
    """A playbook as a file of one format: text, or bytes where the format is binary."""

    def render(self, playbook: Playbook) -> str | bytes: ...


@runtime_checkable
class EmbedsPages(Export, Protocol):
    """A format that can show the texts of the pages which a playbook quotes."""

    def with_pages(self, texts: Mapping[str, str]) -> Export:
        """The format with these texts, by their digests."""
        ...
