"""Progress of a run: its events, the share of work done, and the duration of each step."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from octave_mcp.domain.company import Role
from octave_mcp.domain.costs import StepTiming
from octave_mcp.domain.events import Event, EventName, Fetched, ModelCall, PageFetch
from octave_mcp.domain.page import Page, PageFailure
from octave_mcp.errors import BadAnswer, OctaveError, UpstreamError


@dataclass(slots=True)
class _Tally:
    """Counts and timings that all steps of a run share."""

    done: int = 0
    total: int = 1
    timings: list[StepTiming] = field(default_factory=list[StepTiming])


@dataclass(frozen=True, slots=True)
class Progress:
    """Reports the events of a run, and adds the current step and company to each event."""

    run_id: str
    session_id: str
    on_event: Callable[[Event], None]
    step: str = ""
    company: Role | None = None
    _tally: _Tally = field(default_factory=_Tally)

    def of(self, company: Role) -> Progress:
        return replace(self, company=company)

    def within(self, step: str) -> Progress:
        return replace(self, step=step)

    def plan(self, units: int) -> None:
        """Add units of work to the total."""
        self._tally.total += units

    def __call__(self, message: str, units: int = 0) -> None:
        """Report a message, and count `units` of work as done."""
        self._tally.done += units
        self.report("progress", message=message)

    @contextmanager
    def timed(self) -> Generator[None]:
        """Report the start and end of the step. The step's duration is recorded only if the step succeeds."""
        started = time.perf_counter()
        self.report("step_started")
        try:
            yield
        except Exception as failed:
            code = getattr(failed, "code", OctaveError.code)
            self.report("step_finished", duration_ms=_milliseconds(started), success=False, error=code)
            raise
        self.report("step_finished", duration_ms=_milliseconds(started), success=True)
        seconds = round(time.perf_counter() - started, 3)
        self._tally.timings.append(StepTiming(step=self.step, company=self.company, seconds=seconds))

    @property
    def timings(self) -> tuple[StepTiming, ...]:
        return tuple(self._tally.timings)

    @contextmanager
    def fetching(self, what: Fetched) -> Generator[list[Page | PageFailure]]:
        """Report the duration of a fetch, and count the pages and failures that the caller adds to the list."""
        started, started_at, read = time.perf_counter(), datetime.now(UTC), list[Page | PageFailure]()
        try:
            yield read
        except Exception as failed:
            code = getattr(failed, "code", OctaveError.code)
            fetch = PageFetch(fetched=what)
            self.report("fetched", fetch=fetch, duration_ms=_milliseconds(started), success=False, error=code)
            raise
        pages = [page.ref for page in read if isinstance(page, Page)]
        fetch = PageFetch(
            fetched=what,
            pages=len(pages),
            failed_pages=len(read) - len(pages),
            cached_pages=sum(page.fetched_at < started_at for page in pages),
        )
        self.report("fetched", fetch=fetch, duration_ms=_milliseconds(started), success=True)

    def model_called(self, call: ModelCall, failed: UpstreamError | None, duration_ms: float) -> None:
        # A call with an unusable answer counts as answered, because the answer was received and paid for. Only a call
        # without any answer counts as failed.
        if failed is None or isinstance(failed, BadAnswer):
            self.report("answered", call=call, message=str(failed or ""), duration_ms=duration_ms)
        else:
            error = {"error": failed.code, "message": str(failed), "success": False}
            self.report("call_failed", call=call, duration_ms=duration_ms, **error)

    def report(self, event: EventName, **more: Any) -> None:  # noqa: ANN401 - Event's fields
        tally = self._tally
        self.on_event(
            Event(
                event=event,
                run_id=self.run_id,
                session_id=self.session_id,
                step=self.step,
                company=self.company,
                done=tally.done,
                # Keep the total above `done`. Work is added to the total only when it is discovered, but a progress bar
                # must not be full before the run ends.
                total=max(tally.total, tally.done + 1),
                **more,
            )
        )


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
