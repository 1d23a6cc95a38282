"""Wakes coroutines when a run changes. If another process executes the run, they poll the database."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from weakref import WeakValueDictionary

# Polling intervals for a run that this process does not execute, because other processes cannot notify this process.
# The interval grows from the first value to the maximum.
FIRST_POLL_SECONDS = 0.1
MAX_POLL_SECONDS = 2.0
POLL_GROWTH = 1.5


class Notifier:
    """Notifies coroutines in this process when a run changes.

    `local` contains the ids of the runs that this process executes.
    """

    def __init__(self, local: Container[str]) -> None:
        self._local = local
        # The references are weak, so that an event is garbage-collected when no watch waits for it.
        self._events: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    def notify(self, run_id: str) -> None:
        """Wake all coroutines that wait for the run. Call this method after storing a change to the run."""
        if event := self._events.pop(run_id, None):
            event.set()

    def watch(self, run_id: str) -> Watch:
        return Watch(run_id, self)

    def next_event(self, run_id: str) -> asyncio.Event:
        """Return the asyncio event that will be set at the run's next change."""
        return self._events.setdefault(run_id, asyncio.Event())

    def is_local(self, run_id: str) -> bool:
        """Whether this process executes the run. If so, its changes are noticed without polling."""
        return run_id in self._local


class Watch:
    """Waits for changes to a run.

    Use a watch in a loop that calls `arm`, queries the store, and then calls `wait`.
    """

    def __init__(self, run_id: str, notifier: Notifier) -> None:
        self._run_id, self._notifier = run_id, notifier
        self._interval = FIRST_POLL_SECONDS
        self._next = notifier.next_event(run_id)

    def arm(self) -> None:
        """Start to listen for changes, so that the next `wait` returns if the run changes from now on.

        Call this method before querying the store, so that a change between the query and `wait` is not missed.
        """
        self._next = self._notifier.next_event(self._run_id)

    def reset_interval(self) -> None:
        """Poll at short intervals again, because further changes often follow the first change."""
        self._interval = FIRST_POLL_SECONDS

    async def wait(self, seconds: float) -> bool:
        """Wait up to `seconds`. Return True if the caller should query the store again, or False after a timeout."""
        pause = seconds if self._notifier.is_local(self._run_id) else min(seconds, self._interval)
        try:
            async with asyncio.timeout(pause):
                await self._next.wait()
        except TimeoutError:
            self._interval = min(self._interval * POLL_GROWTH, MAX_POLL_SECONDS)
            return pause < seconds
        return True
