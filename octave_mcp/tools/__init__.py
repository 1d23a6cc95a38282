"""The shared functions: what a user can ask for, on every surface.

To add one, write a module with a function under `@tool`, and import the module here.
"""

from __future__ import annotations

from octave_mcp.tools import copy_check, playbooks, questions, refreshes, revisions, sessions, versions, websites
from octave_mcp.tools.registry import FUNCTIONS, TOOLS

__all__ = (
    "FUNCTIONS",
    "TOOLS",
    "copy_check",
    "playbooks",
    "questions",
    "refreshes",
    "revisions",
    "sessions",
    "versions",
    "websites",
)
