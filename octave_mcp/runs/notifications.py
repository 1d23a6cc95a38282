"""Wakes those who wait for something to happen to a run."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from weakref import WeakValueDictionary

FIRST_LOOK_SECONDS = 0.1
# How long to wait before looking again at a run that another process executes: longer each time.
MAX_LOOK_SECONDS = 2.0
GROWTH = 1.5


class Notifier:
    """What happened to runs, told within this process. `here` are the runs that it executes."""

    def __init__(self, here: Container[str]) -> None:
        self._here = here
        self._waited_for: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    def tell(self, run_id: str) -> None:
        """Something about the run was stored."""
        if event := self._waited_for.pop(run_id, None):
            event.set()

    def watch(self, run_id: str) -> Watch:
        return Watch(run_id, self)

    def next_of(self, run_id: str) -> asyncio.Event:
        return self._waited_for.setdefault(run_id, asyncio.Event())

    def comes(self, run_id: str) -> bool:
        """Whether this process executes the run, and so hears of all that happens to it."""
        return run_id in self._here


class Watch:
    """One who waits for news of a run: looks, waits, and looks again."""

    def __init__(self, run_id: str, notifier: Notifier) -> None:
        self._run_id, self._notifier = run_id, notifier
        self._pause = FIRST_LOOK_SECONDS
        self._next = notifier.next_of(run_id)

    def look(self) -> None:
        """To be called right before looking: whatever happens from then on ends the next wait."""
        self._next = self._notifier.next_of(self._run_id)

    def found(self) -> None:
        """More may come soon."""
        self._pause = FIRST_LOOK_SECONDS

    async def wait(self, seconds: float) -> bool:
        """True when it is time to look again; False if that many seconds pass first."""
        pause = seconds if self._notifier.comes(self._run_id) else min(seconds, self._pause)
        try:
            async with asyncio.timeout(pause):
                await self._next.wait()
        except TimeoutError:
            self._pause = min(self._pause * GROWTH, MAX_LOOK_SECONDS)
            return pause < seconds
        return True
