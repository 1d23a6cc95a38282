"""The model that is none: it selects and arranges verbatim evidence, invents nothing, and needs no key."""

from __future__ import annotations

from octave_mcp.models.extractive.model import Extractive
from octave_mcp.ports import Beside, Model
from octave_mcp.settings import Settings


def make(settings: Settings, beside: Beside | None = None) -> Model:
    return Extractive()
