"""Stores each event of a run only once, no matter how often the run is resumed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from octave_mcp.concurrency.retrying import outage_seconds
from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.domain.costs import Timings
from octave_mcp.domain.events import Event, EventName
from octave_mcp.domain.run import RunRecord
from octave_mcp.domain.steps import StepRecord
from octave_mcp.ports import Store
from octave_mcp.runs.outcome import seconds
from octave_mcp.runs.timings import company_of

# After a write, the log waits this long before the next one, so that events that come close together need only one
# transaction, and their followers only one query.
BATCH_SECONDS = 0.2
SIGNS_OF_PROGRESS = frozenset({"step_finished", "answered", "waiting"})


class EventLog:
    """Stores the events of one execution in the background, in batches and in their original order.

    If the database fails, the run continues, and the log tries to store the events again later.

    - `observe`: called with each new event.
    - `notify`: called after events were stored.
    - `earlier`: events that were stored before the run was resumed. The resumed run emits these events again, but the
      log does not store them twice.
    - `unstored`: events that could not be stored during the run's previous attempt.
    """

    def __init__(
        self,
        run_id: str,
        store: Store,
        observe: Callable[[Event], None],
        notify: Callable[[str], None],
        earlier: Sequence[Event],
        supervisor: Supervisor,
        unstored: Sequence[Event] = (),
    ) -> None:
        self._run_id, self._store, self._supervisor = run_id, store, supervisor
        self._observe, self._notify = observe, notify
        # Skip events that are stored already. The database can have stored them even if the connection was lost before
        # the reply.
        unstored = [event for event in unstored if event not in earlier]
        earlier = [*earlier, *unstored]
        self.fruitless_resumes = _fruitless_resumes(earlier)
        # Count the events, because two events of a run can be equal. Leave out "run_resumed", because every resumption
        # is a new event.
        self._earlier = Counter(_identity(event) for event in earlier if event.event != "run_resumed")
        self._done = max((event.done for event in earlier), default=0)
        self.unstored = unstored
        self._writing: asyncio.Task[str] | None = None
        self._next_write: asyncio.TimerHandle | None = None
        self._failures = 0
        self._ended = False

    def end(self) -> None:
        """Ignore all further events, because the run is final."""
        self._ended = True

    def __call__(self, event: Event) -> None:
        if self._ended:
            return
        # An event about a model call or a fetch is always new, because a resumed run does not emit the events of
        # replayed calls again. A "waiting" event is always new, because a resumed run emits it only if it waits again.
        if not (event.call or event.fetch or event.event == "waiting") and self._earlier[_identity(event)]:
            self._earlier[_identity(event)] -= 1
            return
        self._done = max(self._done, event.done)
        self.unstored.append(self.show(event))
        if self._next_write is None or not self._delay:
            self._write()

    def show(self, event: Event) -> Event:
        """Pass the event to the observers without storing it, and return it with the current progress."""
        # A resumed run counts its progress from the start again, but the progress that clients see must not decrease.
        event = event.model_copy(update={"done": self._done, "total": max(self._done, event.total)})
        self._observe(event)
        return event

    @property
    def _delay(self) -> float:
        """The seconds between the last write and the next one."""
        if self._failures:
            return outage_seconds(self._failures)
        # The client of a waiting run must see the questions at once.
        return 0.0 if any(event.event == "waiting" for event in self.unstored) else BATCH_SECONDS

    def _write(self) -> None:
        self._stop_timer()
        if self._writing is None and self.unstored:
            self._writing = self._supervisor.once("event log", self._append)

    async def _append(self) -> None:
        batch, self._failures = [*self.unstored], self._failures + 1
        try:
            await self._store.append(self._run_id, await self._without_stored(batch))
            del self.unstored[: len(batch)]
            self._failures = 0
        finally:
            self._notify(self._run_id)
            self._writing = None
            self._next_write = asyncio.get_running_loop().call_later(self._delay, self._write)

    async def _without_stored(self, batch: Sequence[Event]) -> list[Event]:
        """Return the events of the batch that are not stored yet.

        An earlier attempt can have stored some of the events, even if the attempt seemed to fail.
        """
        stored = await self._store.last_events(self._run_id, len(batch)) if self._failures > 1 else []
        known = [event for _, event in stored]
        return [event for event in batch if event not in known]

    async def close(self) -> None:
        """Make a last attempt to store the remaining events, and wake all callers that wait for the run."""
        self._write()
        while self._writing:
            await asyncio.wait((self._writing,))
            if not self._failures:
                self._write()
        self._stop_timer()
        self._notify(self._run_id)

    def _stop_timer(self) -> None:
        if self._next_write:
            self._next_write.cancel()
            self._next_write = None


def run_event(record: RunRecord, event: EventName, **more: Any) -> Event:  # noqa: ANN401 - Event's own
    return Event(event=event, run_id=record.run_id, session_id=record.session_id, **more)


def call_event(record: RunRecord, step: StepRecord) -> Event:
    return run_event(
        record,
        "call_finished",
        step=step.name,
        company=company_of(step.name),
        duration_ms=round(step.seconds * 1000, 1),
    )


def last_event(record: RunRecord, done: int, spent: Timings | None) -> Event:
    """Return the last event of a run, which says how the run ended. `done`: the number of finished units of work."""
    return run_event(
        record,
        "run_finished",
        message=record.status,
        success=record.status in {"completed", "partial"},
        error=f"{record.error.code}: {record.error.message}" if record.error else None,
        duration_ms=seconds(record) * 1000,
        done=done,
        total=done,
        timings=spent,
    )


def _fruitless_resumes(earlier: Sequence[Event]) -> int:
    """Return how often the run was resumed since it last finished a step, got an answer or started to wait."""
    names = [event.event for event in reversed(earlier)]
    last = next((at for at, name in enumerate(names) if name in SIGNS_OF_PROGRESS), None)
    return names[:last].count("run_resumed")


def _identity(event: Event) -> Hashable:
    """Return only the fields that do not change if a resumed run emits the event again."""
    return event.event, event.step, event.company, event.message, event.error
