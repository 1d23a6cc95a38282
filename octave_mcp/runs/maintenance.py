"""What a server does from time to time: starts runs that no engine has, gives up abandoned ones, removes old ones."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from octave_mcp.asks import reuse
from octave_mcp.concurrency.computing import collect
from octave_mcp.domain.run import RunError, RunRecord
from octave_mcp.errors import Abandoned
from octave_mcp.runs.adapters import Adapters
from octave_mcp.runs.executor import Executor
from octave_mcp.runs.outcome import ended

INTERVAL_SECONDS = 60.0
UNCLAIMED_SECONDS = 30.0
"""How long after it was recorded a run may still be on its way to the engine."""
ABANDONED = timedelta(days=7)
NOBODY = RunError(
    code=Abandoned.code,
    message="for a week no server had what this run needs: its model, its source, or the hosts it was to read",
)


class Maintenance:
    def __init__(self, adapters: Adapters, executor: Executor) -> None:
        self._adapters, self._executor = adapters, executor
        self._store, self._engine = adapters.store, adapters.engine

    def begin(self) -> asyncio.Task[None]:
        """The task that starts runs, which has to end before the engine closes."""
        start, often = self._adapters.supervisor.start, INTERVAL_SECONDS
        start("garbage collection", self._collect, every_seconds=often, delay_seconds=often)
        return start("maintenance", self._maintain, every_seconds=often)

    async def _collect(self) -> None:
        if not self._executor.logs:
            collect()

    async def _maintain(self) -> None:
        await self._start_unclaimed()
        await self._remove_old()

    async def _start_unclaimed(self) -> None:
        """Starts the runs whose server recorded them but ended before its engine had them.

        A run that no server could execute for a week is given up.
        """
        now = datetime.now(UTC)
        for record in await self._store.unfinished():
            is_abandoned = now - record.created_at > ABANDONED and record.status != "waiting"
            if is_abandoned and record.run_id not in self._executor.logs:
                await self._executor.end(ended(record, "failed", NOBODY))
                await self._engine.cancel(record.run_id)
            elif await self._is_unclaimed(record, now):
                await self._engine.start(record.run_id)

    async def _is_unclaimed(self, record: RunRecord, now: datetime) -> bool:
        """Whether no engine has the run, and this process could execute it."""
        return (
            (now - record.created_at).total_seconds() > UNCLAIMED_SECONDS
            and not await self._engine.is_known(record.run_id)
            and await self._executor.claims(record.run_id) == "ours"
        )

    async def _remove_old(self) -> None:
        since = datetime.now(UTC) - timedelta(days=self._adapters.keep_days)
        if old := await self._store.ended_before(since):
            await remove(old, self._adapters)
        await self._store.delete_notes(since)
        await reuse.delete_expired(self._store)


async def remove(records: Sequence[RunRecord], adapters: Adapters) -> None:
    """Removes the runs with their files, and with all that the engine and the store have of them."""
    ids = [record.run_id for record in records]
    await adapters.engine.forget(ids)
    for record in records:
        await adapters.files.remove(record.run_id, record.files)
    await adapters.store.delete_runs(ids)
