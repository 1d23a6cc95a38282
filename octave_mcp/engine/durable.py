"""Runs on DBOS: each is a workflow, and each scrape and ask a step that is recorded and never made again.

A run is one workflow. Concurrent steps take their places before they begin, so a resumed run finds the work that
is done, whatever its order was.

Every process that serves runs has an id, a lock that ends with it, and a queue of its own. Runs of a process whose lock
is free are adopted: taken over into the queue of one that lives and has what they need.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dbos import (
    DBOS,
    DBOSClient,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    SetWorkflowID,
    StepReservation,
    WorkflowStatus,
    error,
)
from loguru import logger
from pydantic import TypeAdapter
from sqlalchemy.exc import SQLAlchemyError

from octave_mcp.engine.locks import Locks, locks_for
from octave_mcp.errors import OctaveError, by_name, name_of
from octave_mcp.ports import Claims, Execute, Journal
from octave_mcp.settings import Settings

T = TypeVar("T")

PIPELINE = "12"
"""Raise it with each change of the steps of a run, of their order, or of what they record.

Runs under way then start over.
"""

ADOPTION_SECONDS = 5.0
"""How often a process looks whether it is still taken for alive, and for runs whose own has ended."""
STOPPING_SECONDS = 10.0
POLL_SECONDS = 2.0
"""How soon an adopted run goes on. Each look costs DBOS a few milliseconds."""
NOTIFICATION_SECONDS = 0.2
"""How often DBOS looks for notifications, which nothing here sends; it takes as long to end."""
THREADS = 4
"""Of those in which steps are recorded: more would only contend for the interpreter, and the database."""
GOING = ["PENDING", "ENQUEUED"]
BROKEN = frozenset({"ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
NAME = "octave"
SERVER = "server-"
"""How the ids of processes, their locks and their queues begin."""


def make(settings: Settings) -> Durable:
    return Durable(settings.url, settings.home)


class Steps:
    """The journal of the run that the current task executes; `places` are those of a part of it."""

    def __init__(self, places: Iterator[StepReservation] | None = None) -> None:
        self._places = places

    def part(self, places: int) -> Journal:
        return Steps(iter([self._next() for _ in range(places)]))

    async def step(self, name: str, call: Callable[[], Awaitable[T]], kind: type[T]) -> T:
        adapter = _adapter(kind)

        async def recorded() -> dict[str, str]:
            try:
                return {"result": adapter.dump_json(await call()).decode()}
            except OctaveError as failed:
                return {"failed": name_of(failed), "message": str(failed)}

        outcome = await self._next().run_async({"name": name}, recorded)
        if "failed" in outcome:
            raise by_name(outcome["failed"], outcome["message"])
        return adapter.validate_json(outcome["result"])

    def _next(self) -> StepReservation:
        return DBOS.reserve_step() if self._places is None else next(self._places)


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - whatever a step gives
    return TypeAdapter(kind)


_serving: list[Durable] = []
"""The engine for which DBOS, of which there is one in a process, works now."""


@DBOS.workflow(name="playbook")
async def playbook(run_id: str) -> None:
    await _serving[-1].execute(run_id)


class Durable:
    """DBOS on the database of that URL; the locks of processes on one machine are files in `home`."""

    def __init__(self, url: str, home: Path) -> None:
        self._url, self._home = url, home
        self._id = f"{SERVER}{secrets.token_hex(8)}"
        self._launched: _Launched | None = None
        self._adopting: asyncio.Task[None] | None = None
        self._running: dict[str, asyncio.Task[Any]] = {}

    async def launch(self, execute: Execute, claims: Claims) -> None:
        locks = await asyncio.to_thread(locks_for, self._url, self._home)
        await asyncio.to_thread(locks.hold, self._id)
        await asyncio.to_thread(DBOS.migrate, self._url)  # it waits where another process writes
        _serving.append(self)
        DBOS(config=_config(self._url, self._id))
        _hand_over_logs()
        DBOS.listen_queues([self._id])
        DBOS.launch()  # in the loop that is to execute the runs
        await DBOS.register_queue_async(self._id, polling_interval_sec=POLL_SECONDS)
        self._launched = _Launched(execute, claims, locks)
        self._adopting = asyncio.create_task(self._adopt(self._launched))

    async def start(self, run_id: str) -> None:
        known = await DBOS.get_workflow_status_async(run_id)
        if known and known.status in BROKEN:
            await self._restart(run_id)
        else:
            await _begin(run_id)

    async def _restart(self, run_id: str) -> None:
        """Anew, where the workflow ended and the run did not: its database was away, say. Only one process does it."""
        async with self._alone(f"restart-{run_id}") as alone:
            known = await DBOS.get_workflow_status_async(run_id)
            if alone and known and known.status in BROKEN:
                await self.forget([run_id])
                await _begin(run_id)

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncGenerator[bool]:
        """Whether no other process is inside with this name, and none will be before the end."""
        locks = self._launched.locks if self._launched else None
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
            await launched.execute(run_id, Steps())
        except error.DBOSWorkflowCancelledError:  # recorded already; DBOS would wait for it, and log a failure
            raise asyncio.CancelledError from None
        finally:
            del self._running[run_id]

    async def going(self, run_ids: Collection[str]) -> dict[str, bool]:
        wanted = frozenset(run_ids)
        found = await DBOS.list_workflows_async(status=GOING, load_input=False, load_output=False) if wanted else []
        owners = {run.workflow_id: _owner(run) for run in found if run.workflow_id in wanted}
        alive = {owner: await self._is_alive(owner) for owner in {*owners.values()}}
        return {run_id: alive[owner] for run_id, owner in owners.items()}

    async def _is_alive(self, owner: str | None) -> bool:
        if owner is None or owner == self._id:
            return owner is not None
        async with self._alone(owner) as dead:
            return not dead

    async def cancel(self, run_id: str) -> None:
        async with self._control() as control:
            await control.cancel_workflows_async([run_id])
        if task := self._running.get(run_id):  # DBOS would find out within a second
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
        for task in running:
            task.cancel()
        await asyncio.gather(*running, self._adopting, return_exceptions=True)
        await DBOS.delete_queue_async(self._id)
        await self._shut_down(self._launched.locks)
        _serving.remove(self)
        self._launched = None

    async def _shut_down(self, locks: Locks) -> None:
        """In a thread of its own: DBOS ends those that the loop has been using."""
        with ThreadPoolExecutor(1) as thread:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(thread, DBOS.destroy)
            await loop.run_in_executor(thread, locks.close)
        loop.set_default_executor(ThreadPoolExecutor())

    @asynccontextmanager
    async def _control(self) -> AsyncGenerator[type[DBOS] | DBOSClient]:
        """What cancels and deletes workflows: a client, where this process executes none."""
        if self._launched:
            yield DBOS
            return
        client = await asyncio.to_thread(_client, self._url)
        try:
            yield client
        finally:
            await asyncio.to_thread(client.destroy)

    async def _adopt(self, launched: _Launched) -> None:
        while True:
            try:
                await self._stay_alive(launched)
                await self._adopt_all(launched)
            except (error.DBOSException, SQLAlchemyError, OctaveError, OSError) as failed:
                logger.warning("adoption failed, and is tried again: {}", repr(failed))
            await asyncio.sleep(ADOPTION_SECONDS)

    async def _stay_alive(self, launched: _Launched) -> None:
        """Stops its runs if it may have been taken for dead, and goes on with those that nobody took over."""
        if await asyncio.to_thread(launched.locks.keep, self._id):
            return
        logger.warning("the lock of this process was lost for a while: its runs are taken up where they stand")
        running = {**self._running}
        for task in running.values():
            task.cancel()
        if running:
            await asyncio.wait(running.values(), timeout=STOPPING_SECONDS)
        going = await DBOS.list_workflows_async(status=GOING, load_input=False, load_output=False)
        mine = [run.workflow_id for run in going if run.workflow_id in running and _owner(run) == self._id]
        if mine:
            await DBOS.resume_workflows_async(mine, queue_name=self._id)

    async def _adopt_all(self, launched: _Launched) -> None:
        """Takes over the runs of every process that has ended; its lock keeps others from doing the same meanwhile."""
        for owner in await self._owners():
            async with self._alone(owner) as dead:
                if dead and await self._adopt_from(owner, launched.claims):
                    await DBOS.delete_queue_async(owner)

    async def _owners(self) -> set[str]:
        """The other processes that have, or had, runs or a queue."""
        queues = {queue.name for queue in await DBOS.list_queues_async() if queue.name.startswith(SERVER)}
        going = await DBOS.list_workflows_async(status=GOING, load_input=False, load_output=False)
        return {owner for owner in (*queues, *map(_owner, going)) if owner and owner != self._id}

    async def _adopt_from(self, owner: str, claims: Claims) -> bool:
        """Takes over what this process can execute, and removes what is over; whether that was all."""
        going = await DBOS.list_workflows_async(status=GOING, load_input=False, load_output=False)
        theirs = {run: await claims(run.workflow_id) for run in going if _owner(run) == owner}
        await self.forget([run.workflow_id for run, whose in theirs.items() if whose == "over"])
        for run in (run for run, whose in theirs.items() if whose == "ours"):
            if run.app_version == PIPELINE:
                await DBOS.resume_workflows_async([run.workflow_id], queue_name=self._id)
            else:
                await self.forget([run.workflow_id])
                await self.start(run.workflow_id)
        return "others" not in theirs.values()


async def _begin(run_id: str) -> None:
    with SetWorkflowID(run_id):
        await DBOS.start_workflow_async(playbook, run_id)


@dataclass(frozen=True, slots=True)
class _Launched:
    execute: Execute
    claims: Claims
    locks: Locks


def _owner(run: WorkflowStatus) -> str | None:
    """The process that executes the run, or in whose queue it waits."""
    return run.queue_name if run.status == "ENQUEUED" else run.executor_id


def _config(url: str, id_: str) -> DBOSConfig:
    config = DBOSConfig(
        name=NAME,
        system_database_url=url,
        executor_id=id_,
        application_version=PIPELINE,
        log_level="ERROR",
        max_executor_threads=THREADS,
        run_migrations=False,
        serializer=DBOSPortableJSONSerializer(),
        notification_listener_polling_interval_sec=NOTIFICATION_SECONDS,
        notification_coalesce_sec=NOTIFICATION_SECONDS,
    )
    if url.startswith("sqlite"):
        config["db_engine_kwargs"] = {"connect_args": {"factory": _Sqlite}}
    return config


def _client(url: str) -> DBOSClient:
    return DBOSClient(system_database_url=url, serializer=DBOSPortableJSONSerializer(), application_name=NAME)


def _hand_over_logs() -> None:
    """DBOS writes to stderr by a handler of its own; its records go where all others go."""
    theirs = logging.getLogger("dbos")
    theirs.handlers, theirs.propagate = [], True
    theirs.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Not that a run which another process cancelled or deleted did not go on here."""
    failed = record.exc_info[1] if record.exc_info else None
    return not isinstance(failed, error.DBOSAwaitedWorkflowCancelledError | error.DBOSNonExistentWorkflowError)


class _Sqlite(sqlite3.Connection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - sqlite3's own
        super().__init__(*args, **kwargs)
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("PRAGMA synchronous=FULL")
