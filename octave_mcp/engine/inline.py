"""Runs executed here and now, in the caller's event loop; what is under way ends with its process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.ports import Claims, Execute, Journal
from octave_mcp.settings import Settings

T = TypeVar("T")


def make(settings: Settings, supervisor: Supervisor) -> Inline:  # noqa: ARG001 - every engine is made of them
    return Inline(supervisor)


class NoJournal:
    """Remembers nothing: each step is done when it is asked for."""

    async def step(self, name: str, call: Callable[[], Awaitable[T]], kind: type[T]) -> T:  # noqa: ARG002 - a real one's
        return await call()

    def part(self, places: int) -> Journal:  # noqa: ARG002 - a real one's
        return self


class Inline:
    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._tasks: dict[str, asyncio.Task[str]] = {}
        self._execute: Execute | None = None

    async def launch(self, execute: Execute, claims: Claims) -> None:  # noqa: ARG002 - nothing is left to carry on
        self._execute = execute

    async def start(self, run_id: str) -> None:
        if run_id not in self._tasks and self._execute:
            self._tasks[run_id] = self._supervisor.once(run_id, partial(self._execute, run_id, NoJournal()))

    async def is_known(self, run_id: str) -> bool:
        return run_id in self._tasks

    async def cancel(self, run_id: str) -> None:
        if task := self._tasks.get(run_id):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def forget(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            self._tasks.pop(run_id, None)

    async def close(self, grace_seconds: float = 0) -> None:
        going = [task for task in self._tasks.values() if not task.done()]
        if going and grace_seconds:
            await asyncio.wait(going, timeout=grace_seconds)
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)
