"""A clock for the event loop that stands still until a test advances it, and a wall clock that a test sets."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from datetime import datetime, tzinfo
from types import ModuleType
from typing import Any, TypeVar, cast

import pytest

T = TypeVar("T")

# `run_until_done` advances the clock only if no data has arrived for this number of real seconds. The test still
# receives data that arrives after the clock has advanced.
SETTLED_SECONDS = 0.001


class Clock:
    """A stopped clock for the running event loop: no deadline passes and no sleep ends until a test advances the clock.

    Tasks that wait for the network, a thread or a subprocess are not affected.
    """

    def __init__(self, now: float) -> None:
        self._now = now
        self._moves = False
        self._in_threads = 0

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds

    async def run_until_done(self, task: asyncio.Task[T]) -> T:
        """Run the task to its end. Whenever nothing else happens, advance the clock to the next timer."""
        self._moves = True
        try:
            return await task
        finally:
            self._moves = False

    def watch_threads(self, run_in_executor: Callable[..., asyncio.Future[Any]]) -> Callable[..., asyncio.Future[Any]]:
        """Wrap `run_in_executor` so that the clock stands still while a thread works, however long the work takes."""

        def run(*work: Any) -> asyncio.Future[Any]:  # noqa: ANN401 - the loop's own
            self._in_threads += 1
            done = run_in_executor(*work)
            done.add_done_callback(self._thread_is_done)
            return done

        return run

    def _thread_is_done(self, _: asyncio.Future[Any]) -> None:
        self._in_threads -= 1

    def select(self, real: selectors.BaseSelector, timeout: float | None) -> list[Any]:
        """Replace the `select` method of the selector.

        `timeout`: how many seconds of this clock remain until the next timer.
        """
        if not timeout:
            return real.select(timeout)
        if self._in_threads or not self._moves:
            return real.select(None)
        if not (events := real.select(SETTLED_SECONDS)):
            self.advance(timeout)
        return events


def stop_the_clock() -> Clock:
    """Replace the clock of the running event loop.

    The original clock is never restored, because each test has its own event loop.
    """
    loop = cast("Any", asyncio.get_running_loop())
    clock = Clock(loop.time())
    loop.time = clock
    real = loop._selector  # noqa: SLF001 - a loop has no public attribute for it
    loop._selector = _Waiting(real, clock)  # noqa: SLF001 - ditto
    loop.run_in_executor = clock.watch_threads(loop.run_in_executor)
    return clock


class _Waiting:
    def __init__(self, real: selectors.BaseSelector, clock: Clock) -> None:
        self._real, self._clock = real, clock

    def select(self, timeout: float | None = None) -> list[Any]:
        return self._clock.select(self._real, timeout)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the selector's own
        return getattr(self._real, name)


def set_time(monkeypatch: pytest.MonkeyPatch, module: ModuleType, at: datetime) -> None:
    """Stop the wall clock that this module reads with `datetime.now`."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return at.astimezone(tz)

    monkeypatch.setattr(module, "datetime", Stopped)
