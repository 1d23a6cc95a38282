"""The engine that executes each run as a DBOS workflow, so that runs survive the end of their process.

DBOS stores which process owns a run. Our own journal stores the completed steps of a run. Every process that executes
runs has an ID, a heartbeat, and a lock that is freed when the process ends. If a process's lock is free or its
heartbeat is stale, another process adopts the runs of that process. The adopting process restarts only the runs whose
models and sources it can use. Adopting a run too early only wastes time, because the earlier execution can no longer
write after the adoption.
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

# How often a process sends its heartbeat and checks the heartbeats of other processes.
ADOPTION_SECONDS = 5.0
# How often all active runs are listed to find runs to adopt. Runs are listed less often than heartbeats are checked,
# because listing 500 runs takes longer than everything else that `_adopt` does.
LISTING_SECONDS = 60.0
CANCEL_TIMEOUT_SECONDS = 10.0
ACTIVE_STATUSES = ["PENDING", "ENQUEUED"]
DATABASE_ERRORS = (SQLAlchemyError, error.DBOSException, OSError)
# DBOS does not restart a workflow that has one of these statuses, even if its run is not over. `_restart` does.
FAILED_STATUSES = frozenset({"ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
SERVER_ID_PREFIX = "server-"


def make(settings: Settings, heartbeats: Heartbeats, supervisor: Supervisor) -> Durable:
    return Durable(settings.url, settings.home, heartbeats, supervisor)


# DBOS is a singleton whose workflows are module functions. This list tells the workflows which engine started DBOS.
_serving: list[Durable] = []


@DBOS.workflow(name="playbook")
async def playbook(run_id: str) -> None:
    await _serving[-1].execute(run_id)


class Durable:
    """An engine that uses DBOS on the database at `url`. With SQLite, the process locks are files in `home`."""

    def __init__(self, url: str, home: Path, heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        self._url, self._home, self._supervisor = url, home, supervisor
        self._id = f"{SERVER_ID_PREFIX}{secrets.token_hex(8)}"
        self._pulse = Pulse(heartbeats)
        self._launched: _Launched | None = None
        self._adopting: asyncio.Task[None] | None = None
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._local_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._idle: set[str] = set()
        self._next_listing_at = -math.inf

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
        # Take the lock before DBOS stores this process as an owner, because other processes adopt the runs of an owner
        # whose lock is free.
        await asyncio.to_thread(locks.hold, self._id)
        # The migration runs in a thread, because it blocks while another process writes.
        await asyncio.to_thread(DBOS.migrate, self._url)
        _serving.append(self)
        dbos_setup.slow_down(DBOS(config=dbos_setup.config(self._url, self._id)))
        dbos_setup.hand_over_logs()
        DBOS.listen_queues([])
        DBOS.launch()  # not in a thread, because DBOS executes workflows in the event loop that launches it

    async def start(self, run_id: str) -> None:
        known = await DBOS.get_workflow_status_async(run_id)
        if known and known.status in FAILED_STATUSES:
            await self._restart(run_id)
        else:
            await _begin(run_id)

    async def _restart(self, run_id: str) -> None:
        """Restart an unfinished run whose workflow failed or was cancelled, unless another process is restarting it."""
        async with self._exclusively(f"restart-{run_id}") as is_held:
            known = await DBOS.get_workflow_status_async(run_id)
            if is_held and known and known.status in FAILED_STATUSES:
                await self.forget([run_id])
                await _begin(run_id)

    @asynccontextmanager
    async def _exclusively(self, name: str) -> AsyncGenerator[bool]:
        """Try to hold the lock `name` during the block.

        Yield True if this process has the lock, and False if another process holds it.
        """
        # Use an `asyncio.Lock` to make the tasks of this process wait for each other. A task can take an owner's lock
        # just to check whether the owner is alive. Without the wait, the task that adopts runs could find
        # this lock taken, and conclude that the owner is alive.
        locks = self._launched.locks if self._launched else None
        async with self._local_locks.setdefault(name, asyncio.Lock()):
            is_held = locks is not None and await asyncio.to_thread(locks.hold, name)
            try:
                yield is_held
            finally:
                if locks and is_held:
                    await asyncio.to_thread(locks.free, name)

    async def execute(self, run_id: str) -> None:
        launched, task = self._launched, asyncio.current_task()
        assert launched  # noqa: S101 - DBOS executes nothing before it is launched
        assert task  # noqa: S101 - DBOS executes workflows in tasks
        self._running[run_id] = task
        try:
            await launched.execute(run_id)
        finally:
            if self._running.get(run_id) is task:  # in the meantime, a later execution may have replaced the task
                del self._running[run_id]

    async def owners_alive(self, run_ids: Collection[str]) -> dict[str, bool]:
        active = await _owners_by_run() if run_ids else {}
        owners = {run_id: active[run_id] for run_id in run_ids if run_id in active}
        alive = {owner: await self._is_alive(owner) for owner in {*owners.values()}}
        return {run_id: alive[owner] for run_id, owner in owners.items()}

    async def _is_alive(self, owner: str | None) -> bool:
        if owner is None or owner == self._id:
            return owner is not None
        async with self._exclusively(owner) as has_ended:
            return not has_ended and not self._pulse.is_stale(owner)

    async def cancel(self, run_id: str) -> None:
        async with self._control() as control:
            await control.cancel_workflows_async([run_id])
        # DBOS stops a cancelled workflow only at its next DBOS step, and the workflows of octave-mcp have no DBOS
        # steps. Therefore cancel the workflow's task.
        if task := self._running.get(run_id):
            task.cancel()
            await asyncio.wait((task,), timeout=CANCEL_TIMEOUT_SECONDS)

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
        # If this process leaves unfinished runs, keep its heartbeat, so that other processes find these runs within
        # seconds instead of at the next listing. The process that adopts the last run removes the heartbeat.
        if not leaves_runs:
            with suppress(StoreFailed):
                await self._pulse.stop(self._id)
        await self._shut_down(self._launched.locks)
        self._launched = None

    async def _shut_down(self, locks: Locks) -> None:
        """Stop DBOS, then free the locks."""
        # DBOS has replaced the event loop's default executor with its own executor, and now shuts this executor down.
        # Therefore use another thread here, and give the event loop a new default executor afterwards. Free the locks
        # last, because other processes can adopt the runs once the locks are free.
        with ThreadPoolExecutor(1) as thread:
            loop = asyncio.get_running_loop()
            if self in _serving:
                await loop.run_in_executor(thread, DBOS.destroy)
                _serving.remove(self)
            await loop.run_in_executor(thread, locks.close)
        loop.set_default_executor(ThreadPoolExecutor())

    @asynccontextmanager
    async def _control(self) -> AsyncGenerator[type[DBOS] | DBOSClient]:
        """Yield an object that can cancel and delete workflows."""
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
        # A lost lock means that the connection to Postgres was lost, probably for all processes at once. Live processes
        # soon take their locks again, so skip this round instead of adopting their runs.
        if is_held:
            await self._adopt_all({*self._pulse.owners}, launched.claims)
            if (now := asyncio.get_running_loop().time()) >= self._next_listing_at:
                self._next_listing_at = now + LISTING_SECONDS
                await self._adopt_unlisted(launched.claims)

    async def _adopt_unlisted(self, claims: Claims) -> None:
        """Adopt the runs of processes that have no heartbeat, and restart the idle runs of this process."""
        owners = await _owners_by_run()
        await self._adopt_all({*filter(None, owners.values())} - {*self._pulse.owners}, claims)
        await self._restart_idle({run_id for run_id, owner in owners.items() if owner == self._id}, claims)

    async def _adopt_all(self, owners: set[str], claims: Claims) -> None:
        """Adopt the runs of every other process that has ended or has a stale heartbeat."""
        for owner in owners - {self._id}:
            async with self._exclusively(owner) as has_ended:
                # A free lock alone does not prove that the process has ended, because a restart of Postgres frees all
                # locks. A stale heartbeat alone is a sufficient reason to adopt the runs, because a suspended process
                # keeps its lock.
                if (has_ended and not self._pulse.is_fresh(owner)) or self._pulse.is_stale(owner):
                    await self._adopt_from(owner, claims)

    async def _restart_idle(self, owned: Collection[str], claims: Claims) -> None:
        """Restart the runs that this process owned, but did not execute, both at this listing and at the previous one.

        A run is idle if no task of its owner executes it. This can happen if two processes adopt the run at the same
        time. Listing the runs only once is not enough, because a run that is just being started looks idle, too.
        """
        idle = {*owned} - self._running.keys()
        for run_id in idle & self._idle:
            await self.forget([run_id])
            if await claims(run_id) == "ours":
                await self.start(run_id)
        self._idle = idle

    async def _adopt_from(self, owner: str, claims: Claims) -> None:
        """Start the owner's runs that this process can execute, and delete the workflows of runs that are over.

        If no run is left, also remove the owner's heartbeat.
        """
        # List the runs again while holding the owner's lock, because another process may have adopted some of the runs.
        active = await _owners_by_run()
        claimed = {run_id: await claims(run_id) for run_id, run_owner in active.items() if run_owner == owner}
        await self.forget([run_id for run_id, claim in claimed.items() if claim != "others"])
        # If this process ends at this point, these runs have no workflow, and `Maintenance` starts them later.
        for run_id in (run_id for run_id, claim in claimed.items() if claim == "ours"):
            await self.start(run_id)
        if "others" not in claimed.values():
            await self._pulse.stop(owner)


async def _owners_by_run() -> dict[str, str | None]:
    active = await DBOS.list_workflows_async(status=ACTIVE_STATUSES, load_input=False, load_output=False)
    return {run.workflow_id: _owner(run) for run in active}


async def _begin(run_id: str) -> None:
    with SetWorkflowID(run_id):
        await DBOS.start_workflow_async(playbook, run_id)


@dataclass(frozen=True, slots=True)
class _Launched:
    execute: Execute
    claims: Claims
    locks: Locks


def _owner(run: WorkflowStatus) -> str | None:
    # In an earlier release, each process had its own queue, and the queue's name was the ID of the process. If a
    # run is still in one of these queues, the name of the queue is the ID of its owner.
    return run.queue_name if run.status == "ENQUEUED" else run.executor_id
