"""Child processes that execute a run and can kill themselves at a chosen moment.

This module is also the main program of a child. The program opens the application without an HTTP or MCP surface. The
program writes a line to a log file when it calls a step, and when it commits a step's result.
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
from octave_mcp.tools.registry import ignore_event

ROOT = Path(__file__).parents[1]
NEVER = sys.maxsize
# A child logs this message when it starts to follow the run, even if another process executes the run.
SERVES = "serves the run"
# Shorter intervals and timeouts for tests, so that the product takes over abandoned work quickly.
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
# The product imports these modules lazily. A parent process imports these modules before it forks, so that child
# processes don't have to import them.
LOADED_LATE = (
    "octave_mcp.engine.durable",
    "octave_mcp.store.sql",
    "octave_mcp.sources.related_sites",
    "octave_mcp.sources.crawler",
    "octave_mcp.models.extractive",
    "octave_mcp.models.openai",
    "openai.resources.responses",
    "psycopg",
)


@dataclass(frozen=True)
class Orders:
    """Instructions for a child: what the child does, and when it kills itself.

    `request`: the playbook request. All children use the same `request_id`, so only the first child starts the run.
    `dies_after_commits`: the child kills itself right after it has committed this number of steps.
    `dies_before_commit`: the child commits this number of steps, and then kills itself just before the next commit.
    `dies_in_turns`: numbers of event-loop iterations. The child kills itself at the first of these iterations.
    `restarts`: if true, the child forks a process that follows these orders. Whenever that process is killed, the child
    forks another process. The first process uses the first number in `dies_in_turns`, the second process uses the
    second number, and so on.
    `stops_in_commit`: the number of the commit during which the child stops itself with SIGSTOP.
    `stays`: the child keeps running after the run has ended.
    `revises`: the arguments of a revision. If `revises` is set, the child starts or resumes this revision instead of
    the request.
    `patches`: new values for constants of the product, by the full name of the constant.
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
    """A line of the child's log, which says that the child called a step, recorded a step's result, or ended."""

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
    """A running child process. `lines` contains everything that the child has written to stderr."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.lines: list[str] = []
        self._is_closed = False
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        os.killpg(self.pid, number)

    async def says(self, pattern: str) -> None:
        def matches() -> bool:
            is_logged = any(re.search(pattern, line) for line in self.lines)
            assert is_logged or not self._is_closed, "\n".join(self.lines)
            return is_logged

        async with self._changed:
            await self._changed.wait_for(matches)

    async def ended(self) -> int:
        await self._reading
        return await self._process.wait()

    async def stopped(self) -> None:
        """Wait until SIGSTOP has stopped the child."""
        await asyncio.to_thread(os.waitid, os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    async def kill(self) -> None:
        if self._process.returncode is None:
            self.send(signal.SIGKILL)
        await self.ended()

    async def _read(self) -> None:
        assert self._process.stderr
        async for line in self._process.stderr:
            self.lines.append(line.decode())
            await self._notify()
        self._is_closed = True
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def child(log: Path, request: dict[str, Any], **orders: Any) -> AsyncGenerator[Child]:  # noqa: ANN401 - those of Orders
    """Start a child with these orders and the environment variables of this process.

    Kill the child when the context ends.
    """
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
    """Fork a process, and fork another process whenever the previous one has been killed.

    Return the exit code of the first process that ends without being killed. All processes inherit the imported
    modules, so each restart is fast.
    """
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
    """Kill this process and its forks when stdin is closed.

    The operating system closes stdin when the parent ends, even if the parent is killed.
    """
    sys.stdin.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that kills its process when it reaches a given iteration.

    The tests count iterations, not seconds, because a run needs a different number of seconds on each machine.
    """

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
    record = await _start_or_resume(app, orders)
    logger.info(SERVES)
    while not record.is_final:
        try:
            record = await app.runs.follow(record.run_id, math.inf, ignore_event)
        except StoreFailed:
            await asyncio.sleep(0.1)
    if orders.stays:
        await asyncio.Event().wait()
    await app.runs.close()


async def _start_or_resume(app: App, orders: Orders) -> RunRecord:
    if orders.revises is None:
        return await app.runs.start(PlaybookRequest(**orders.request))
    known = [run for run in await app.runs.list_runs(None, 100, None) if run.revision]
    return known[0] if known else await app.runs.revise(RevisionRequest(**orders.revises))


def _watch_calls(log: Callable[[str, str, str], None]) -> None:
    execute = StoredJournal._executed  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - where steps are called

    async def watched(
        self: StoredJournal,
        path: str,
        digest: str,
        call: Callable[[], Awaitable[Any]],
        adapter: Any,  # noqa: ANN401 - as in the method it replaces
    ) -> object:
        log("called", path, digest)
        return await execute(self, path, digest, call, adapter)

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
    upsert, commits = executions.upsert, 0

    def watched(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        nonlocal commits
        commits += 1
        if commits == number:
            os.kill(os.getpid(), signal.SIGSTOP)
        upsert(db, table, rows)

    executions.upsert = watched


if __name__ == "__main__":
    sys.exit(main())
