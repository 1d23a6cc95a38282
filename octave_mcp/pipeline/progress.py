"""Progress of a run: its events, the share of work done, and the duration of each step."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from octave_mcp.domain.company import Role
from octave_mcp.domain.costs import StepTiming
from octave_mcp.domain.events import Event, EventName, ModelCall
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

    def model_called(self, call: ModelCall, failed: UpstreamError | None) -> None:
        # A call with an unusable answer counts as answered, because the answer was received and paid for. Only a call
        # without any answer counts as failed.
        if failed is None or isinstance(failed, BadAnswer):
            self.report("answered", call=call, message=str(failed or ""))
        else:
            self.report("call_failed", call=call, error=failed.code, message=str(failed), success=False)

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
