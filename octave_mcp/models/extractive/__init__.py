"""A rule-based model that needs no API key.

The model fills outlines with quotations from the two companies' pages, and cites the pages.
"""

from __future__ import annotations

from octave_mcp.models.extractive.model import Extractive
from octave_mcp.ports import Model, RunContext
from octave_mcp.settings import Settings


def make(settings: Settings, context: RunContext | None = None) -> Model:
    return Extractive()
