from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from octave_mcp.domain.company import Role
from octave_mcp.domain.value import Value

EventName = Literal[
    "run_started", "run_resumed", "run_finished", "step_started", "step_finished", "progress", "call_failed"
]


class Event(Value):
    """Something that happened in a run.

    `done` of `total` counts units of work (a page, an ask); the total grows as work is found, `done` only grows.
    """

    event: EventName
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
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

    @property
    def text(self) -> str:
        """What is told to someone who watches: the message, else the step."""
        return self.message or self.step.replace("_", " ")
