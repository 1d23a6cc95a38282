"""Runs on DBOS: each is a workflow, which has an owner and recovers. What a run has done is in our own table.

Every process that serves runs has an id, a lock that ends with it, and a heartbeat. Runs of a process whose lock is
free, or whose heartbeat stands still, are adopted: started again by one that lives and has what they need. An execution
that was taken over cannot write any more, so adopting a run too soon does no harm but to time.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import AsyncGenerator, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from dbos import DBOS, DBOSClient, SetWorkflowID, WorkflowStatus, error
from sqlalchemy.exc import SQLAlchemyError

from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.engine import dbos_setup
from octave_mcp.engine.heartbeats import Pulse
from octave_mcp.engine.locks import Locks, locks_for
from octave_mcp.errors import StoreFailed
from octave_mcp.ports import Claims, Execute, Heartbeats
from octave_mcp.settings import Settings

# How often a process says that it is alive, and looks which others are not.
ADOPTION_SECONDS = 5.0
# How often it looks through all runs under way: with 500 of them, that is most of what the looking costs.
LISTING_SECONDS = 60.0
STOPPING_SECONDS = 10.0
GOING = ["PENDING", "ENQUEUED"]
DATABASE_ERRORS = (SQLAlchemyError, error.DBOSException, OSError)
BROKEN = frozenset({"ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
# How the ids of processes, their locks and their queues begin.
SERVER = "server-"


def make(settings: Settings, heartbeats: Heartbeats, supervisor: Supervisor) -> Durable:
    return Durable(settings.url, settings.home, heartbeats, supervisor)


# The engine for which DBOS, of which there is one in a process, works now.
_serving: list[Durable] = []


@DBOS.workflow(name="playbook")
async def playbook(run_id: str) -> None:
    await _serving[-1].execute(run_id)


class Durable:
    """DBOS on the database of that URL; the locks of processes on one machine are files in `home`."""

    def __init__(self, url: str, home: Path, heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        self._url, self._home, self._supervisor = url, home, supervisor
        self._id = f"{SERVER}{secrets.token_hex(8)}"
        self._pulse = Pulse(heartbeats)
        self._launched: _Launched | None = None
        self._adopting: asyncio.Task[None] | None = None
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._idle: set[str] = set()
        self._lists_all_at = -math.inf

    async def launch(self, execute: Execute, claims: Claims) -> None:
        locks = await asyncio.to_thread(locks_for, self._url, self._home)
        try:
            await self._launch(locks)
        except BaseException as failed:
            await self._shut_down(locks)
            if isinstance(failed, DATABASE_ERRORS):
                raise StoreFailed(f"runs cannot be executed: {next(iter(str(failed).splitlines()), '')}") from failed
            raise
        self._launched = _Launched(execute, claims, locks)
        adopt = partial(self._adopt, self._launched)
        self._adopting = self._supervisor.start("adoption", adopt, every_seconds=ADOPTION_SECONDS)

    async def _launch(self, locks: Locks) -> None:
        await asyncio.to_thread(locks.hold, self._id)
        await asyncio.to_thread(DBOS.migrate, self._url)  # it waits where another process writes
        _serving.append(self)
        dbos_setup.slow_down(DBOS(config=dbos_setup.config(self._url, self._id)))
        dbos_setup.hand_over_logs()
        DBOS.listen_queues([])
        DBOS.launch()  # in the loop that is to execute the runs

    async def start(self, run_id: str) -> None:
        known = await DBOS.get_workflow_status_async(run_id)
        if known and known.status in BROKEN:
            await self._restart(run_id)
        else:
            await _begin(run_id)

    async def _restart(self, run_id: str) -> None:
        """Starts a run again whose workflow ended before it did; only one process does so."""
        async with self._alone(f"restart-{run_id}") as alone:
            known = await DBOS.get_workflow_status_async(run_id)
            if alone and known and known.status in BROKEN:
                await self.forget([run_id])
                await _begin(run_id)

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncGenerator[bool]:
        """Whether no other process is inside with this name, and none will be before the end.

        Tasks of this process wait for each other: else one that only looks would keep another from adopting.
        """
        locks = self._launched.locks if self._launched else None
        async with self._turns.setdefault(name, asyncio.Lock()):
            alone = locks is not None and await asyncio.to_thread(locks.hold, name)
            try:
                yield alone
            finally:
                if locks and alone:
                    await asyncio.to_thread(locks.free, name)

    async def execute(self, run_id: str) -> None:
        launched, task = self._launched, asyncio.current_task()
        assert launched  # noqa: S101 - DBOS calls nothing before it is launched
        assert task  # noqa: S101 - and it calls from a task
        self._running[run_id] = task
        try:
            await launched.execute(run_id)
        finally:
            if self._running.get(run_id) is task:  # another execution of the run may have begun here
                del self._running[run_id]

    async def going(self, run_ids: Collection[str]) -> dict[str, bool]:
        found = await _owners_by_run() if run_ids else {}
        owners = {run_id: found[run_id] for run_id in run_ids if run_id in found}
        alive = {owner: await self._is_alive(owner) for owner in {*owners.values()}}
        return {run_id: alive[owner] for run_id, owner in owners.items()}

    async def _is_alive(self, owner: str | None) -> bool:
        if owner is None or owner == self._id:
            return owner is not None
        async with self._alone(owner) as has_ended:
            return not has_ended and not self._pulse.is_silent(owner)

    async def cancel(self, run_id: str) -> None:
        async with self._control() as control:
            await control.cancel_workflows_async([run_id])
        if task := self._running.get(run_id):
            task.cancel()
            await asyncio.wait((task,), timeout=STOPPING_SECONDS)

    async def forget(self, run_ids: Sequence[str]) -> None:
        if not run_ids:
            return
        async with self._control() as control:
            await control.delete_workflows_async(list(run_ids))

    async def close(self, grace_seconds: float = 0) -> None:
        if self._launched is None or self._adopting is None:
            return
        self._adopting.cancel()
        running = [*self._running.values()]
        if running and grace_seconds:
            await asyncio.wait(running, timeout=grace_seconds)
        leaves_runs = not all(task.done() for task in running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, self._adopting, return_exceptions=True)
        if not leaves_runs:  # else others find them by its heartbeat, which goes with the last of them
            with suppress(StoreFailed):
                await self._pulse.stop(self._id)
        await self._shut_down(self._launched.locks)
        self._launched = None

    async def _shut_down(self, locks: Locks) -> None:
        """In a thread of its own: DBOS ends those that the loop has been using."""
        with ThreadPoolExecutor(1) as thread:
            loop = asyncio.get_running_loop()
            if self in _serving:
                await loop.run_in_executor(thread, DBOS.destroy)
                _serving.remove(self)
            await loop.run_in_executor(thread, locks.close)
        loop.set_default_executor(ThreadPoolExecutor())

    @asynccontextmanager
    async def _control(self) -> AsyncGenerator[type[DBOS] | DBOSClient]:
        """What cancels and deletes workflows: a client, where this process executes none."""
        if self._launched:
            yield DBOS
            return
        database = dbos_setup.database_of(self._url)
        control = await asyncio.to_thread(dbos_setup.client, database)
        try:
            yield control
        finally:
            await asyncio.to_thread(control.destroy)
            await asyncio.to_thread(database.dispose)

    async def _adopt(self, launched: _Launched) -> None:
        is_held = await asyncio.to_thread(launched.locks.keep, self._id)
        await self._pulse.beat(self._id)
        if is_held:  # else the database was away, and other processes may be about to take their locks again
            await self._adopt_all({*self._pulse.owners}, launched.claims)
            if (now := asyncio.get_running_loop().time()) >= self._lists_all_at:
                self._lists_all_at = now + LISTING_SECONDS
                await self._adopt_rest(launched.claims)

    async def _adopt_rest(self, claims: Claims) -> None:
        """Takes over the runs of processes that have no heartbeat, and its own that it does not execute."""
        owners = await _owners_by_run()
        await self._adopt_all({*filter(None, owners.values())} - {*self._pulse.owners}, claims)
        await self._restart_idle({run_id for run_id, owner in owners.items() if owner == self._id}, claims)

    async def _adopt_all(self, owners: set[str], claims: Claims) -> None:
        """Takes over the runs of those other processes that have ended or are silent."""
        for owner in owners - {self._id}:
            async with self._alone(owner) as has_ended:
                if (has_ended and not self._pulse.is_moving(owner)) or self._pulse.is_silent(owner):
                    await self._adopt_from(owner, claims)

    async def _restart_idle(self, mine: Collection[str], claims: Claims) -> None:
        """Starts again those of its own runs that this process did not execute at two rounds in a row.

        That is what is left where two processes adopted the same run at the same time.
        """
        idle = {*mine} - self._running.keys()
        for run_id in idle & self._idle:
            await self.forget([run_id])
            if await claims(run_id) == "ours":
                await self.start(run_id)
        self._idle = idle

    async def _adopt_from(self, owner: str, claims: Claims) -> None:
        """Starts again what this process can execute, and removes what is over; if that was all, the owner too.

        Another process may have done so before this one had the owner's lock, so the runs are listed again.
        """
        found = await _owners_by_run()
        theirs = {run_id: await claims(run_id) for run_id, whose in found.items() if whose == owner}
        await self.forget([run_id for run_id, whose in theirs.items() if whose != "others"])
        for run_id in (run_id for run_id, whose in theirs.items() if whose == "ours"):
            await self.start(run_id)
        if "others" not in theirs.values():
            await self._pulse.stop(owner)


async def _owners_by_run() -> dict[str, str | None]:
    going = DBOS.list_workflows_async(status=GOING, load_input=False, load_output=False)
    return {run.workflow_id: _owner(run) for run in await going}


async def _begin(run_id: str) -> None:
    with SetWorkflowID(run_id):
        await DBOS.start_workflow_async(playbook, run_id)


@dataclass(frozen=True, slots=True)
class _Launched:
    execute: Execute
    claims: Claims
    locks: Locks


def _owner(run: WorkflowStatus) -> str | None:
    """The process that executes the run; in an earlier release, that in whose queue it waits."""
    return run.queue_name if run.status == "ENQUEUED" else run.executor_id
