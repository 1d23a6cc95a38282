"""The events of a run that is executed here: each is kept once, however often the run is carried on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

from octave_mcp.domain.events import Event
from octave_mcp.errors import StoreFailed
from octave_mcp.ports import Store


class EventLog:
    """`told` are the events that were kept before the run was carried on: told again, they are not kept again.

    Calls of models are never told again: they were made, or are made anew. That a run waits is news each time.

    Events are kept in the order in which they are told, several in one transaction where they come fast; `news` is set,
    and replaced, whenever some have been.
    """

    def __init__(self, run_id: str, store: Store, observe: Callable[[Event], None], told: Sequence[Event]) -> None:
        self._run_id = run_id
        self._store = store
        self._observe = observe
        self.resumed = _fruitless(told)
        self._told = Counter(_identity(event) for event in told if event.event != "run_resumed")
        self._done = max((event.done for event in told), default=0)
        self._waiting: list[Event] = []
        self._writing: asyncio.Task[None] | None = None
        self._ended = False
        self.news = asyncio.Event()

    def end(self) -> None:
        """From now on nothing is told: the run has ended, whatever is still said of it."""
        self._ended = True

    def __call__(self, event: Event) -> None:
        if self._ended:
            return
        if event.call is None and event.event != "waiting" and self._told[_identity(event)]:
            self._told[_identity(event)] -= 1
            return
        self._done = max(self._done, event.done)
        event = event.model_copy(update={"done": self._done, "total": max(self._done, event.total)})
        self._observe(event)
        self._waiting.append(event)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self._keep()
        finally:
            self._writing = None

    async def _keep(self) -> None:
        """An event that cannot be kept costs its followers the news, not the run its end."""
        batch, self._waiting = self._waiting, []
        try:
            await self._store.append(self._run_id, batch)
        except StoreFailed as failed:
            self._observe(batch[-1].model_copy(update={"event": "call_failed", "error": str(failed), "success": False}))
        self._wake()

    def _wake(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    async def close(self) -> None:
        """Returns once every event told has been kept, and wakes those who wait for more."""
        while self._writing:
            await asyncio.wait((self._writing,))
        self._wake()


FRUITS = frozenset({"step_finished", "answered", "waiting"})


def _fruitless(told: Sequence[Event]) -> int:
    """How often the run was carried on since it last finished a step, had an answer, or came to wait for one."""
    latest = [event.event for event in reversed(told)]
    last = next((at for at, name in enumerate(latest) if name in FRUITS), None)
    return latest[:last].count("run_resumed")


def _identity(event: Event) -> Hashable:
    """What makes an event the same when a run is carried on: not its time, nor how far the rest of the run had come."""
    return event.event, event.step, event.company, event.message, event.error
