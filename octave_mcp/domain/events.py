"""Events of a run, which callers can follow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, get_args

from pydantic import Field

from octave_mcp.domain.company import Role
from octave_mcp.domain.costs import Timings
from octave_mcp.domain.value import Value

EventName = Literal[
    "run_started",
    "run_resumed",
    "run_finished",
    "step_started",
    "step_finished",
    "call_finished",
    "progress",
    "waiting",
    "answered",
    "call_failed",
    "fetched",
    "found",
]

# The events that are stored. Callers who follow a run get these events.
STORED_EVENTS: tuple[EventName, ...] = tuple(name for name in get_args(EventName) if name != "call_finished")

# What a fetch gets: a site's robots.txt, its home page, the list of its pages, or some of these pages.
Fetched = Literal["robots", "home", "map", "pages"]


class ModelCall(Value):
    """One model call and its usage.

    `wait_seconds` is the delay before the next attempt. `usd` is None if the price is unknown. If `reused` is true, the
    answer comes from the cache and costs nothing. If `is_correction` is true, the call asks again for entries that
    failed their checks.
    """

    model: str
    prompt: str
    version: int
    beside: tuple[str, ...] = ()
    attempt: int = 1
    wait_seconds: float | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0
    reused: bool = False
    is_correction: bool = False


class PageFetch(Value):
    """Pages that were fetched together. `cached_pages`: how many of `pages` were not read from the site again."""

    fetched: Fetched
    pages: int = 0
    failed_pages: int = 0
    cached_pages: int = 0


class Event(Value):
    """Something that happened in a run.

    `done` and `total` count units of work, such as pages and asks. `total` can grow when the run finds more work.
    `done` never decreases. `duration_ms` is the duration of the run, step, call or fetch that has ended. The duration
    of a call includes the wait until the model accepts another call.

    Two things are not stored, and reach only the logs and metrics of this process: the event "call_finished", whose
    `step` is the name of a recorded call, and the `timings` of a finished run.
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
    call: ModelCall | None = None
    timings: Timings | None = Field(default=None, exclude=True)
    fetch: PageFetch | None = None

    @property
    def text(self) -> str:
        """The text for a person who follows the run: the message or, if there is none, the name of the step."""
        return self.message or self.step.replace("_", " ")
