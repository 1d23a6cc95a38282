"""Rules in place of a model: they collect and cite what two sites say, put it into outlines, and need no key."""

from __future__ import annotations

from octave_mcp.models.extractive.model import Extractive
from octave_mcp.ports import Model, RunContext
from octave_mcp.settings import Settings


def make(settings: Settings, context: RunContext | None = None) -> Model:
    return Extractive()
