"""Playbooks as files: one module per format. `octave_mcp.domain.choices` lists the formats."""

from __future__ import annotations

from importlib import import_module

from octave_mcp.domain.choices import FORMATS, choice
from octave_mcp.ports import Export


def export(name: str) -> Export:
    """The format of this name, loaded on first use.

    Raises:
        UnknownName: there is no such format.
    """
    return import_module(choice(FORMATS, name, "format").module).EXPORT
