"""Background tasks: a failure is logged once, the work is tried again, and all of it ends with its owner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from loguru import logger

from octave_mcp.concurrency.retrying import backoff_seconds
from octave_mcp.errors import OctaveError

T = TypeVar("T")
Work = Callable[[], Awaitable[Any]]

# Short, so that an operator who has removed the cause soon sees it work again.
FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS = 1.0, 10.0
# How long the same failure is not logged again if the task works in between.
QUIET_SECONDS = 60.0


class Supervisor:
    """`failing` has the names of started tasks that do not work now, each with the reason."""

    def __init__(self) -> None:
        self.failing: dict[str, str] = {}
        self._down: dict[str, set[str]] = {}
        self._last: dict[str, tuple[str, float]] = {}
        self._loops: set[asyncio.Task[Any]] = set()
        self._single: set[asyncio.Task[Any]] = set()

    def start(
        self, name: str, work: Work, *, every_seconds: float | None = None, delay_seconds: float = 0
    ) -> asyncio.Task[None]:
        """Retry `work` until it succeeds, waiting longer after each failure; then repeat it at the interval, if given.

        No wait is longer than the interval. To end it before the supervisor closes, cancel the task returned.
        """
        return _held(self._repeat(name, work, every_seconds, delay_seconds), self._loops, name)

    def once(self, name: str, work: Work) -> asyncio.Task[str]:
        """Do `work`, to its end even if the caller is cancelled; returns why it failed, or '', and never raises."""
        return _held(self._attempt(name, work), self._single, name)

    async def close(self) -> None:
        """Cancel what was started, and wait for it and for single tasks, which write what would be lost."""
        for task in self._loops:
            task.cancel()
        while tasks := self._loops | self._single:
            await asyncio.wait(tasks)

    async def _repeat(self, name: str, work: Work, every_seconds: float | None, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        longest = min(MAX_WAIT_SECONDS, every_seconds or MAX_WAIT_SECONDS)
        failures = 0
        try:
            while True:
                if reason := await self._attempt(name, work):
                    self.failing[name] = reason
                    failures += 1
                    await asyncio.sleep(backoff_seconds(failures, FIRST_WAIT_SECONDS, longest))
                elif every_seconds is None:
                    return
                else:
                    self.failing.pop(name, None)
                    failures = 0
                    await asyncio.sleep(every_seconds)
        finally:
            self.failing.pop(name, None)

    async def _attempt(self, name: str, work: Work) -> str:
        """Why it failed; '' if it did not."""
        try:
            await work()
        except Exception as failed:  # noqa: BLE001 - nobody else would hear of it
            return self._report(name, failed)
        if self._down.pop(name, None):
            logger.info("{} works again", name)
        return ""

    def _report(self, name: str, failed: Exception) -> str:
        """The reason, which is logged if it is new; as an error, if no other task has failed for it.

        The text of an unforeseen exception is for the log alone.
        """
        is_ours = isinstance(failed, OctaveError)
        reason = str(failed) if is_ours else f"{type(failed).__name__}; the log says more"
        is_known = any(reason in reasons for reasons in self._down.values())
        if self._is_new(name, reason):
            level = "INFO" if is_known and is_ours else "ERROR"
            logger.opt(exception=None if is_ours else failed).log(level, "{} failed: {}", name, reason)
        return reason

    def _is_new(self, name: str, reason: str) -> bool:
        """Whether to log it: once until the task works again, and of one that fails now and then once a minute."""
        now = asyncio.get_running_loop().time()
        last, at = self._last.get(name, ("", 0.0))
        if reason in self._down.get(name, ()) or (reason == last and now - at < QUIET_SECONDS):
            return False
        self._down.setdefault(name, set()).add(reason)
        self._last[name] = reason, now
        return True


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which runs to its end even if the caller is cancelled; then nobody needs its failure."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


def _held(work: Coroutine[Any, Any, T], tasks: set[asyncio.Task[Any]], name: str) -> asyncio.Task[T]:
    """A task in this set until it ends: asyncio itself holds tasks only weakly."""
    task = asyncio.create_task(work, name=name)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task
