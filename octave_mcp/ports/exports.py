"""Port for export formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from octave_mcp.domain.playbook import Playbook


class Export(Protocol):
    """An export format, which renders a playbook as text or, if the format is binary, as bytes."""

    def render(self, playbook: Playbook) -> str | bytes: ...


@runtime_checkable
class EmbedsPages(Export, Protocol):
    """An export format that can include the texts of the quoted pages."""

    def with_pages(self, texts: Mapping[str, str]) -> Export:
        """Return a copy of this format that includes the texts of pages. `texts` maps digests to texts."""
        ...
