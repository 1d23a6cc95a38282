"""What a check is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from octave_mcp.settings import Settings

Status = Literal["ok", "warning", "failed"]

# How long a check may take; those that start a Python or load everything may take longer.
SECONDS, SLOW_SECONDS = 5.0, 20.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found; `fix` is the command or the setting that helps."""

    status: Status
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    look: Callable[[Settings], Found]
    seconds: float = SECONDS


def ok(text: str) -> Found:
    return Found("ok", text)
