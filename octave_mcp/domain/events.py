from __future__ import annotations

from typing import Literal

from octave_mcp.domain.company import Role
from octave_mcp.domain.value import Value

EventName = Literal["run_started", "run_finished", "step_started", "step_finished", "progress", "call_failed"]


class Event(Value):
    """Something that happened in a run.

    `done` of `total` counts units of work (a page, an ask); the total grows as work is found, `done` only grows.
    """

    event: EventName
    run_id: str
    session_id: str
    step: str = ""
    company: Role | None = None
    message: str = ""
    done: int = 0
    total: int = 0
    duration_ms: float | None = None
    success: bool | None = None
    error: str | None = None
