"""Periodic work of a process: reads answers that other processes accepted, and stops lost runs.

A run is lost if it was cancelled, deleted or taken over by another process. A server also starts runs that no engine
executes, marks abandoned runs as failed, and deletes old runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from octave_mcp.asks import answer_cache
from octave_mcp.concurrency.computing import Collector
from octave_mcp.domain.run import RunError, RunRecord
from octave_mcp.errors import Abandoned
from octave_mcp.runs.adapters import Adapters
from octave_mcp.runs.executor import Executor
from octave_mcp.runs.outcome import ended

INTERVAL_SECONDS = 60.0
# How often to check whether runs of this process were cancelled, deleted or taken over by other processes. Until the
# next check, such a run can continue to cost money.
LOST_RUNS_SECONDS = 1.0
# How often to check runs that wait for answers. Waiting runs spend nothing, so this interval is longer than
# `LOST_RUNS_SECONDS`. If another process accepts an answer, the run can get the answer this much later.
WAITING_RUNS_SECONDS = 4.0
# If no process has started a stored run after this time, a server starts it. The process that stored the run needs some
# time to start the run.
UNCLAIMED_AFTER = timedelta(seconds=30)
ABANDONED_AFTER = timedelta(days=7)
MAX_SEARCHED_RUNS = 1_000
ABANDONED_ERROR = RunError(
    code=Abandoned.code,
    message="for a week, no server could use the model, the source or the hosts that this run needs",
)


class Maintenance:
    def __init__(self, adapters: Adapters, executor: Executor) -> None:
        self._adapters, self._executor = adapters, executor
        self._store, self._engine = adapters.store, adapters.engine

    def begin(self, *, for_all: bool) -> tuple[asyncio.Task[None], ...]:
        """Start the periodic work, and return the tasks that start runs.

        If `for_all` is true, the work includes runs of other processes. The caller must cancel the returned tasks
        before it closes the engine.
        """
        start, clock = self._adapters.supervisor.start, asyncio.get_running_loop().time
        collector = Collector(clock())

        async def collect() -> None:
            collector.collect(clock(), is_quiet=not self._executor.is_working)

        start("garbage collection", collect, every_seconds=INTERVAL_SECONDS, delay_seconds=INTERVAL_SECONDS)
        start("stopping lost runs", self._executor.stop_lost, every_seconds=LOST_RUNS_SECONDS)
        stop_waiting = partial(self._executor.stop_lost, waiting=True)
        start("stopping waiting runs", stop_waiting, every_seconds=WAITING_RUNS_SECONDS)
        start("answers from other servers", self._take_answers, every_seconds=WAITING_RUNS_SECONDS)
        return (start("maintenance", self._maintain, every_seconds=INTERVAL_SECONDS),) if for_all else ()

    async def _maintain(self) -> None:
        await self._start_unclaimed()
        await self._remove_old()

    async def _take_answers(self) -> None:
        """Wake each run of this process for which another process has accepted an answer."""
        # Use one query for all questions: with 500 waiting runs, one query for each question took a whole CPU core.
        if waited_for := self._executor.open_questions:
            for run_id, question_id in await self._store.answered(waited_for):
                if inbox := self._executor.inboxes.get(run_id):
                    inbox.wake(question_id)

    async def _start_unclaimed(self) -> None:
        """Start the runs that were stored but never handed to an engine, and mark abandoned runs as failed."""
        others = [record for record in await self._store.unfinished() if record.run_id not in self._executor.logs]
        is_alive = await self._engine.owners_alive([record.run_id for record in others])
        for record in others:
            if record.run_id not in is_alive and await self._is_unclaimed(record):
                await self._engine.start(record.run_id)
            elif not is_alive.get(record.run_id) and await self._is_abandoned(record):
                await self._executor.end(ended(record, "failed", ABANDONED_ERROR))
                await self._engine.cancel(record.run_id)

    async def _is_unclaimed(self, record: RunRecord) -> bool:
        """Whether the run should have been started by now, and this process can execute it."""
        is_late = datetime.now(UTC) - record.created_at > UNCLAIMED_AFTER
        return is_late and await self._executor.claims(record.run_id) == "ours"

    async def _is_abandoned(self, record: RunRecord) -> bool:
        """Whether the run has had no event for a week, and this process cannot execute the run."""
        # Use the time of the last event instead of the run's age, because a run can wait for an answer for days without
        # being abandoned.
        last = await self._store.last_events(record.run_id, 1)
        seen_at = last[-1][1].at if last else record.created_at
        return datetime.now(UTC) - seen_at > ABANDONED_AFTER and await self._executor.claims(record.run_id) == "others"

    async def _remove_old(self) -> None:
        since = datetime.now(UTC) - timedelta(days=self._adapters.keep_days)
        if old := await self._unused(await self._store.ended_before(since)):
            await remove(old, self._adapters)
        await self._store.delete_values(since)
        await answer_cache.delete_expired(self._store)

    async def _unused(self, old: Sequence[RunRecord]) -> list[RunRecord]:
        """Return the old runs, except for runs whose playbook a newer run has revised or refreshed."""
        # A version can quote pages that an earlier run has read, so delete all runs of a playbook together.
        gone, used = {record.run_id for record in old}, set[str]()
        for session_id in {record.session_id for record in old}:
            runs = await self._store.runs(session_id=session_id, limit=MAX_SEARCHED_RUNS)
            used |= {run.playbook_of for run in runs if run.run_id not in gone}
        return [record for record in old if record.playbook_of not in used]


async def remove(records: Sequence[RunRecord], adapters: Adapters) -> None:
    """Delete the runs, their files, and all data that the engine and the store keep only for these runs."""
    ids = [record.run_id for record in records]
    # Delete the runs from the store last, so that another attempt still finds them if this process ends early.
    await adapters.engine.forget(ids)
    for record in records:
        await adapters.files.remove(record.run_id, record.files)
    await adapters.store.delete_runs(ids)
