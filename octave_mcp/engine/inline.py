"""An engine that executes runs in the caller's event loop. If the process ends, its unfinished runs are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from functools import partial

from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.ports import Claims, Execute, Heartbeats
from octave_mcp.settings import Settings


def make(settings: Settings, heartbeats: Heartbeats, supervisor: Supervisor) -> Inline:  # noqa: ARG001 - the signature of every engine
    return Inline(supervisor)


class Inline:
    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._tasks: dict[str, asyncio.Task[str]] = {}
        self._execute: Execute | None = None

    async def launch(self, execute: Execute, claims: Claims) -> None:  # noqa: ARG002 - no earlier process leaves runs to claim
        self._execute = execute

    async def start(self, run_id: str) -> None:
        if run_id not in self._tasks and self._execute:
            self._tasks[run_id] = self._supervisor.once(run_id, partial(self._execute, run_id))

    async def owners_alive(self, run_ids: Collection[str]) -> dict[str, bool]:
        return {run_id: True for run_id in run_ids if run_id in self._tasks}

    async def cancel(self, run_id: str) -> None:
        if task := self._tasks.get(run_id):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def forget(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            self._tasks.pop(run_id, None)

    async def close(self, grace_seconds: float = 0) -> None:
        active = [task for task in self._tasks.values() if not task.done()]
        if active and grace_seconds:
            await asyncio.wait(active, timeout=grace_seconds)
        for task in active:
            task.cancel()
        await asyncio.gather(*active, return_exceptions=True)
