"""Notify coroutines of changes of a run, directly within a process, or by polling the database."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from weakref import WeakValueDictionary

# Polling intervals for a run of another process, which cannot notify this process. Each interval is longer than the
# last.
FIRST_POLL_SECONDS = 0.1
MAX_POLL_SECONDS = 2.0
POLL_GROWTH = 1.5


class Notifier:
    """Notifies waiters in this process of changes of runs.

    `local` are the ids of the runs that this process executes.
    """

    def __init__(self, local: Container[str]) -> None:
        self._local = local
        # The references are weak, so that an event is dropped with the last watch that waits for it.
        self._events: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    def notify(self, run_id: str) -> None:
        """Wake all coroutines that wait for the run. Call this after a change of the run was stored."""
        if event := self._events.pop(run_id, None):
            event.set()

    def watch(self, run_id: str) -> Watch:
        return Watch(run_id, self)

    def next_event(self, run_id: str) -> asyncio.Event:
        """Return the event that the next change of the run sets."""
        return self._events.setdefault(run_id, asyncio.Event())

    def is_local(self, run_id: str) -> bool:
        """Whether this process executes the run, so that no polling is needed to notice its changes."""
        return run_id in self._local


class Watch:
    """Waits for changes of a run. In a loop, the caller calls `arm`, queries the store, and calls `wait`."""

    def __init__(self, run_id: str, notifier: Notifier) -> None:
        self._run_id, self._notifier = run_id, notifier
        self._interval = FIRST_POLL_SECONDS
        self._next = notifier.next_event(run_id)

    def arm(self) -> None:
        """Make any change from now on end the next `wait`.

        Call this before the query; otherwise a change may be missed.
        """
        self._next = self._notifier.next_event(self._run_id)

    def reset_interval(self) -> None:
        """Poll at short intervals again: after one change, more changes may follow soon."""
        self._interval = FIRST_POLL_SECONDS

    async def wait(self, seconds: float) -> bool:
        """Return True when it is time to query again, or False if `seconds` have passed."""
        pause = seconds if self._notifier.is_local(self._run_id) else min(seconds, self._interval)
        try:
            async with asyncio.timeout(pause):
                await self._next.wait()
        except TimeoutError:
            self._interval = min(self._interval * POLL_GROWTH, MAX_POLL_SECONDS)
            return pause < seconds
        return True
