"""Background tasks that retry after failures, log each failure once, and end when their supervisor closes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from loguru import logger

from octave_mcp.concurrency.retrying import backoff_seconds
from octave_mcp.errors import OctaveError

T = TypeVar("T")
Work = Callable[[], Awaitable[Any]]

# The waits are short, so that a task works again soon after an operator has fixed the cause.
FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS = 1.0, 10.0
# If a task keeps failing for the same reason and recovering, the reason is logged at most once in this time.
REPEAT_LOG_SECONDS = 60.0


class Supervisor:
    """Owns background tasks. `failing` maps the name of each failing task to the reason for its latest failure."""

    def __init__(self) -> None:
        self.failing: dict[str, str] = {}
        self._down: dict[str, set[str]] = {}
        self._last: dict[str, tuple[str, float]] = {}
        self._loops: set[asyncio.Task[Any]] = set()
        self._single: set[asyncio.Task[Any]] = set()

    def start(
        self, name: str, work: Work, *, every_seconds: float | None = None, delay_seconds: float = 0
    ) -> asyncio.Task[None]:
        """Run `work` in a task until it succeeds. If `every_seconds` is given, then repeat `work` at that interval.

        After a failure, wait a random time and retry. The maximum wait doubles with each consecutive failure, up to 10
        seconds or the interval, whichever is shorter. To stop the work before `close`, cancel the returned task.
        """
        return _tracked(self._repeat(name, work, every_seconds, delay_seconds), self._loops, name)

    def once(self, name: str, work: Work) -> asyncio.Task[str]:
        """Start `work` as a task that never raises and continues if its caller is cancelled.

        The task's result is the reason why `work` failed, or '' if `work` succeeded.
        """
        return _tracked(self._attempt(name, work), self._single, name)

    async def close(self) -> None:
        """Cancel repeated tasks, and wait for all tasks to end."""
        for task in self._loops:
            task.cancel()
        # Tasks started by `once` are not cancelled, because data that they write, such as events, would be lost. The
        # loop is needed because a task may start another task just before it ends.
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
        """Run `work`. Return the reason why `work` failed, or '' if `work` succeeded."""
        try:
            await work()
        except Exception as failed:  # noqa: BLE001 - reported, because often no caller awaits the task
            return self._report(name, failed)
        if self._down.pop(name, None):
            logger.info("{} works again", name)
        return ""

    def _report(self, name: str, failed: Exception) -> str:
        """Log the failure if it is new, and return a reason that can be shown to callers."""
        # The text of an unexpected exception goes only to the log, because it may contain confidential data.
        is_ours = isinstance(failed, OctaveError)
        reason = str(failed) if is_ours else f"{type(failed).__name__}; see the log"
        is_known = any(reason in reasons for reasons in self._down.values())
        # One outage makes many tasks fail with the same `OctaveError`, so only the first failure is logged as an error.
        if self._is_new(name, reason):
            level = "INFO" if is_known and is_ours else "ERROR"
            logger.opt(exception=None if is_ours else failed).log(level, "{} failed: {}", name, reason)
        return reason

    def _is_new(self, name: str, reason: str) -> bool:
        """Return whether to log this failure.

        If a failure is repeated, it is logged only once until the task works again. If the task keeps failing and
        recovering, the failure is logged at most once a minute.
        """
        now = asyncio.get_running_loop().time()
        last, at = self._last.get(name, ("", 0.0))
        if reason in self._down.get(name, ()) or (reason == last and now - at < REPEAT_LOG_SECONDS):
            return False
        self._down.setdefault(name, set()).add(reason)
        self._last[name] = reason, now
        return True


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`, and let `work` finish even if the caller is cancelled.

    A cancelled caller waits until `work` ends, ignores any error from `work`, and then raises `CancelledError`.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


def _tracked(work: Coroutine[Any, Any, T], tasks: set[asyncio.Task[Any]], name: str) -> asyncio.Task[T]:
    # asyncio keeps only weak references to tasks. Without this set, a task could be garbage-collected before it ends.
    task = asyncio.create_task(work, name=name)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task
