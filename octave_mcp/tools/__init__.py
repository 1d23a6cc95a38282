"""The tools: functions that users call through MCP, HTTP or the command line.

To add a tool, write a function with the decorator `@tool` in a module and import the module here.
"""

from __future__ import annotations

from octave_mcp.tools import (
    copy_check,
    playbooks,
    questions,
    refreshes,
    revisions,
    runs,
    sections,
    sessions,
    sharing,
    versions,
    websites,
)
from octave_mcp.tools.registry import FUNCTIONS, TOOLS

__all__ = (
    "FUNCTIONS",
    "TOOLS",
    "copy_check",
    "playbooks",
    "questions",
    "refreshes",
    "revisions",
    "runs",
    "sections",
    "sessions",
    "sharing",
    "versions",
    "websites",
)
