"""The events of a run that is executed in this process: each is stored once, however often the run is resumed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from octave_mcp.concurrency.retrying import outage_seconds
from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.domain.events import Event, EventName
from octave_mcp.domain.run import RunRecord
from octave_mcp.ports import Store

SIGNS_OF_PROGRESS = frozenset({"step_finished", "answered", "waiting"})


class EventLog:
    """`earlier` are the events stored before the run was resumed: when they are repeated, they are not stored again.

    Calls of models are not repeated: they are replayed without an event, or made again. That a run waits is news each
    time.

    Events are stored in the order in which they arrive, several in one transaction if they come fast. `tell` is called
    whenever some were stored, and at the end. Those that cannot be stored are stored later; the run goes on. `unstored`
    are those that an earlier log of the run could not store.
    """

    def __init__(
        self,
        run_id: str,
        store: Store,
        observe: Callable[[Event], None],
        tell: Callable[[str], None],
        earlier: Sequence[Event],
        supervisor: Supervisor,
        unstored: Sequence[Event] = (),
    ) -> None:
        self._run_id, self._store, self._supervisor = run_id, store, supervisor
        self._observe, self._tell = observe, tell
        unstored = [event for event in unstored if event not in earlier]  # it may not have heard that they were stored
        earlier = [*earlier, *unstored]
        self.resumed_in_vain = _resumed_in_vain(earlier)
        self._earlier = Counter(_identity(event) for event in earlier if event.event != "run_resumed")
        self._done = max((event.done for event in earlier), default=0)
        self.unstored = unstored
        self._writing: asyncio.Task[str] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._failures = 0
        self._ended = False

    def end(self) -> None:
        """Ignores all further events: the run is final."""
        self._ended = True

    def __call__(self, event: Event) -> None:
        if self._ended:
            return
        if event.call is None and event.event != "waiting" and self._earlier[_identity(event)]:
            self._earlier[_identity(event)] -= 1
            return
        self._done = max(self._done, event.done)
        event = event.model_copy(update={"done": self._done, "total": max(self._done, event.total)})
        self._observe(event)
        self.unstored.append(event)
        if self._later is None:
            self._write()

    def _write(self) -> None:
        self._later = None
        if self._writing is None and self.unstored:
            self._writing = self._supervisor.once("event log", self._append)

    async def _append(self) -> None:
        batch, self._failures = [*self.unstored], self._failures + 1
        try:
            await self._store.append(self._run_id, await self._new(batch))
            del self.unstored[: len(batch)]
            self._failures = 0
        finally:
            self._tell(self._run_id)
            self._writing = None
            if self._failures:
                self._later = asyncio.get_running_loop().call_later(outage_seconds(self._failures), self._write)
            else:
                self._write()

    async def _new(self, batch: Sequence[Event]) -> list[Event]:
        """Those that are not stored: what was cut off in its last moment may have been."""
        stored = await self._store.last_events(self._run_id, len(batch)) if self._failures > 1 else []
        known = [event for _, event in stored]
        return [event for event in batch if event not in known]

    async def close(self) -> None:
        """Returns once every event is stored, or cannot be now, and wakes those who wait for more."""
        if self._later:
            self._later.cancel()
            self._write()
        while self._writing:
            await asyncio.wait((self._writing,))
        if self._later:
            self._later.cancel()
            self._later = None
        self._tell(self._run_id)


def run_event(record: RunRecord, event: EventName, **more: Any) -> Event:  # noqa: ANN401 - Event's own
    return Event(event=event, run_id=record.run_id, session_id=record.session_id, **more)


def _resumed_in_vain(earlier: Sequence[Event]) -> int:
    """How often the run was resumed since it last finished a step, got an answer, or began to wait for one."""
    latest = [event.event for event in reversed(earlier)]
    last = next((at for at, name in enumerate(latest) if name in SIGNS_OF_PROGRESS), None)
    return latest[:last].count("run_resumed")


def _identity(event: Event) -> Hashable:
    """What a repeated event has in common with the first: not its time, nor how far the rest of the run had come."""
    return event.event, event.step, event.company, event.message, event.error
