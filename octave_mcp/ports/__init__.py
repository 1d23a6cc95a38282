"""Ports: the protocols through which the core uses models, sources, stores, engines and exports."""

from __future__ import annotations

from octave_mcp.ports.engines import Claim, Claims, Engine, Execute, Journal
from octave_mcp.ports.exports import EmbedsPages, Export
from octave_mcp.ports.models import Inbox, Model, RunContext
from octave_mcp.ports.sources import Source
from octave_mcp.ports.stores import CACHE_MAX_AGE, Heartbeats, KeyValues, Memory, PageCache, Store

__all__ = [
    "CACHE_MAX_AGE",
    "Claim",
    "Claims",
    "EmbedsPages",
    "Engine",
    "Execute",
    "Export",
    "Heartbeats",
    "Inbox",
    "Journal",
    "KeyValues",
    "Memory",
    "Model",
    "PageCache",
    "RunContext",
    "Source",
    "Store",
]
