"""Servers without a surface, in processes of their own: each starts or resumes one run, and may kill itself.

This module is also the program of such a process, which logs what becomes of each step to a file.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import signal
import sys
import threading
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from loguru import logger
from sqlalchemy import Connection, Table

from octave_mcp.app import App
from octave_mcp.domain.run import PlaybookRequest, RevisionRequest, RunRecord
from octave_mcp.domain.steps import StepRecord
from octave_mcp.errors import StoreFailed
from octave_mcp.observability.logs import configure, log_event
from octave_mcp.runs.journal import StoredJournal
from octave_mcp.settings import load as load_settings
from octave_mcp.store import executions
from octave_mcp.store.executions import Executions
from octave_mcp.tools.registry import unheard

ROOT = Path(__file__).parents[1]
NEVER = sys.maxsize
SERVES = "serves the run"
"""What each process says once it follows the run, whoever executes that."""
QUICK: Mapping[str, float] = {
    "octave_mcp.engine.durable.ADOPTION_SECONDS": 0.2,
    "octave_mcp.engine.dbos_setup.IDLE_TRANSACTION_SECONDS": 2,
    "octave_mcp.engine.heartbeats.STALE_SECONDS": 2,
    "octave_mcp.engine.heartbeats.FRESH_SECONDS": 0.3,
    "octave_mcp.runs.maintenance.UNCLAIMED_AFTER": 0.2,
    "octave_mcp.runs.maintenance.INTERVAL_SECONDS": 0.2,
    "octave_mcp.sources.cache.LEASE_SECONDS": 0.3,
    "octave_mcp.store.database.IDLE_TRANSACTION_MILLISECONDS": 2000,
}
"""How often the product looks for what was left: a test would wait for that each time."""
LOADED_LATE = (
    "octave_mcp.engine.durable",
    "octave_mcp.store.sql",
    "octave_mcp.sources.beyond",
    "octave_mcp.sources.crawler",
    "octave_mcp.models.extractive",
    "octave_mcp.models.openai",
    "openai.resources.responses",
    "psycopg",
)
"""By each process anew, unless one has them before it splits."""


@dataclass(frozen=True)
class Orders:
    """What a process is to do. `request` has a request_id, so that whoever comes first starts the run.

    It kills itself after so many commits of steps, before the commit that follows so many, or in one of these turns of
    its event loop. If it `restarts`, it does so in a process of its own, and another one follows, which dies in the
    next of these turns, until one ends by itself. It stops in the midst of that commit, and goes on when it is told to.
    If it `stays`, it does not end with the run. If it `revises`, it is this revision that it starts or resumes.
    """

    request: dict[str, Any]
    log: str
    dies_after_commits: int = NEVER
    dies_before_commit: int = NEVER
    dies_in_turns: Sequence[int] = ()
    stops_in_commit: int = NEVER
    restarts: bool = False
    stays: bool = False
    revises: Mapping[str, Any] | None = None
    patches: Mapping[str, float] = field(default_factory=dict[str, float])


class Logged(NamedTuple):
    """That a process called a step, or recorded it; or how often its event loop had turned at its end."""

    pid: int
    kind: str
    name: str
    digest: str

    @property
    def step(self) -> tuple[str, str]:
        return self.name, self.digest


def logged(log: Path) -> list[Logged]:
    rows = (line.split() for line in log.read_text("utf-8").splitlines())
    return [Logged(int(pid), kind, name, digest) for pid, kind, name, digest in rows]


class Child:
    """`lines` are those of its stderr so far."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.lines: list[str] = []
        self._is_silent = False
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """To it and to those that it has started."""
        os.killpg(self.pid, number)

    async def says(self, pattern: str) -> None:
        """Returns once a line has it."""

        def is_there() -> bool:
            found = any(re.search(pattern, line) for line in self.lines)
            assert found or not self._is_silent, "\n".join(self.lines)
            return found

        async with self._news:
            await self._news.wait_for(is_there)

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        await self._reading
        return await self._process.wait()

    async def stopped(self) -> None:
        """Returns once it is stopped, by itself or by someone else."""
        await asyncio.to_thread(os.waitid, os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    async def kill(self) -> None:
        if self._process.returncode is None:
            self.send(signal.SIGKILL)
        await self.ended()

    async def _read(self) -> None:
        assert self._process.stderr
        async for line in self._process.stderr:
            self.lines.append(line.decode())
            await self._tell()
        self._is_silent = True
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@asynccontextmanager
async def child(log: Path, request: dict[str, Any], **orders: Any) -> AsyncGenerator[Child]:  # noqa: ANN401 - those of Orders
    """Such a process, in the environment of this one. It is killed at the end if it is still running."""
    await asyncio.to_thread(log.touch)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        json.dumps(asdict(Orders(request, str(log), **orders))),
        cwd=log.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=PIPE,
        stdout=DEVNULL,
        stderr=PIPE,
        limit=10_000_000,
        start_new_session=True,
    )
    started = Child(process)
    try:
        yield started
    finally:
        await started.kill()


def main() -> int:
    orders = Orders(**json.loads(sys.argv[1]))
    for name, value in orders.patches.items():
        module, _, constant = name.rpartition(".")
        is_span = isinstance(getattr(import_module(module), constant), timedelta)
        setattr(import_module(module), constant, timedelta(seconds=value) if is_span else value)
    if orders.restarts:
        return _restarted(orders)
    _serve(orders, orders.dies_in_turns[:1])
    return 0


def _restarted(orders: Orders) -> int:
    """Processes one after another, which have everything loaded; returns the exit code of the first not killed."""
    for name in LOADED_LATE:
        import_module(name)
    turns = orders.dies_in_turns
    while pid := os.fork():
        turns = turns[1:]
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code != -signal.SIGKILL:
            return code
    _serve(orders, turns[:1])
    return 0


def _serve(orders: Orders, last_turn: Sequence[int]) -> None:
    file, pid = os.open(orders.log, os.O_WRONLY | os.O_APPEND), os.getpid()

    def log(kind: str, name: str, digest: str = "-") -> None:
        os.write(file, f"{pid} {kind} {name} {digest}\n".encode())

    threading.Thread(target=_end_with_parent, daemon=True).start()
    _watch_calls(log)
    _watch_commits(log, orders)
    _stop_in_commit(orders.stops_in_commit)
    with asyncio.Runner(loop_factory=partial(_Loop, *last_turn)) as runner:
        runner.run(_executed(orders))
    log("turns", str(_Loop.turns))


def _end_with_parent() -> None:
    """However that ends."""
    sys.stdin.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


class _Loop(asyncio.SelectorEventLoop):
    """It kills its process in one of its turns: a random one is a random moment, however busy the machine is."""

    turns = 0

    def __init__(self, last: int = NEVER) -> None:
        super().__init__()
        self._last = last

    def _run_once(self) -> None:
        _Loop.turns += 1
        if _Loop.turns == self._last:
            _die()
        super()._run_once()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - not in its stub


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _executed(orders: Orders) -> None:
    settings = load_settings()
    configure(settings)
    app = App(settings, observers=(log_event,))
    await app.runs.open()
    record = await _begun(app, orders)
    logger.info(SERVES)
    while not record.is_final:
        try:
            record = await app.runs.follow(record.run_id, math.inf, unheard)
        except StoreFailed:
            await asyncio.sleep(0.1)
    if orders.stays:
        await asyncio.Event().wait()
    await app.runs.close()


async def _begun(app: App, orders: Orders) -> RunRecord:
    if orders.revises is None:
        return await app.runs.start(PlaybookRequest(**orders.request))
    known = [run for run in await app.runs.list_runs(None, 100, None) if run.revision]
    return known[0] if known else await app.runs.revise(RevisionRequest(**orders.revises))


def _watch_calls(log: Callable[[str, str, str], None]) -> None:
    done = StoredJournal._executed  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - where steps are called

    async def watched(
        self: StoredJournal,
        path: str,
        digest: str,
        call: Callable[[], Awaitable[Any]],
        adapter: Any,  # noqa: ANN401 - as there
    ) -> object:
        log("called", path, digest)
        return await done(self, path, digest, call, adapter)

    StoredJournal._executed = watched  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - ditto


def _watch_commits(log: Callable[[str, str, str], None], orders: Orders) -> None:
    put_step, commits = Executions.put_step, 0

    async def watched(self: Executions, run_id: str, step: StepRecord) -> bool:
        nonlocal commits
        if commits >= orders.dies_before_commit:
            _die()
        if not await put_step(self, run_id, step):
            return False
        commits += 1
        log("recorded", step.name, step.digest)
        if commits >= orders.dies_after_commits:
            _die()
        return True

    Executions.put_step = watched


def _stop_in_commit(number: int) -> None:
    insert_into, begun = executions.insert_into, 0

    def watched(db: Connection, table: Table) -> Any:  # noqa: ANN401 - as there
        nonlocal begun
        begun += 1
        if begun == number:
            os.kill(os.getpid(), signal.SIGSTOP)
        return insert_into(db, table)

    executions.insert_into = watched


if __name__ == "__main__":
    sys.exit(main())
