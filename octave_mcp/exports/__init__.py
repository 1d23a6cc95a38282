"""Export formats of a playbook. Each format has its own module; `octave_mcp.domain.choices` lists the formats."""

from __future__ import annotations

from importlib import import_module

from octave_mcp.domain.choices import FORMATS, choice
from octave_mcp.ports import Export


def export(name: str) -> Export:
    """Return the exporter of the format with this name. The exporter's module is imported on first use.

    Raises:
        UnknownName: If no format has this name.
    """
    return import_module(choice(FORMATS, name, "format").module).EXPORT
