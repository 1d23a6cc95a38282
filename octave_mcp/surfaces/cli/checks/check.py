"""Types for a check and its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from octave_mcp.settings import Settings

# 'failed': something is wrong. 'warning': something is worth a look. 'not set up': something that the product can do
# without.
Status = Literal["ok", "not set up", "warning", "failed"]

# Timeouts. Checks that load packages, start another Python process or ask a provider get the longer timeout.
SECONDS, SLOW_SECONDS = 5.0, 20.0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of a check. `fix`: the command or setting that solves the problem."""

    status: Status
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    look: Callable[[Settings], CheckResult]
    seconds: float = SECONDS


def ok(text: str) -> CheckResult:
    return CheckResult("ok", text)


def not_set_up(text: str, fix: str = "") -> CheckResult:
    """Return the result for something that is optional. `fix` says how to set it up."""
    return CheckResult("not set up", text, fix)
