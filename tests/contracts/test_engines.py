"""Contract tests for every engine, and tests of the locks and heartbeats of the durable engine."""

from __future__ import annotations

import asyncio
import pkgutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
from clocks import stop_the_clock
from dbos import DBOS, _workflow_commands
from matrix import sampled

import octave_mcp.engine
from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.engine import dbos_setup, durable, heartbeats
from octave_mcp.engine.durable import Durable
from octave_mcp.engine.inline import Inline
from octave_mcp.engine.locks import Advisory, Files
from octave_mcp.ports import Claim, Engine
from octave_mcp.store.sql import SqlStore

Work = Callable[[], Awaitable[None]]


class Bench:
    """An engine, and the function that it executes for each run ID."""

    def __init__(self, engine: Engine, *, claim: dict[str, Claim] | None = None) -> None:
        self.engine = engine
        self.claim = claim or {}
        self.work: dict[str, Work] = {}
        self.ended: dict[str, asyncio.Event] = {}

    async def launch(self) -> None:
        await self.engine.launch(self._execute, self._claims)

    async def run(self, work: Work, run_id: str = "run_1") -> None:
        await self.start(work, run_id)
        await self.ended[run_id].wait()

    async def start(self, work: Work, run_id: str = "run_1") -> None:
        self.work[run_id], self.ended[run_id] = work, asyncio.Event()
        await self.engine.start(run_id)

    async def _execute(self, run_id: str) -> None:
        try:
            await self.work[run_id]()
        finally:
            self.ended[run_id].set()

    async def _claims(self, run_id: str) -> Claim:
        return self.claim.get(run_id, "ours" if run_id in self.work else "others")


ENGINES = ("inline", "durable-sqlite", "durable-postgres")
# Tests whose outcome does not depend on the database use these parameters. The short test suite leaves out Postgres,
# because Postgres needs a server.
on_few_databases = pytest.mark.parametrize(
    "bench", sampled(ENGINES, lambda name: name != "durable-postgres"), indirect=True
)


@pytest.fixture(params=ENGINES)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    url = f"sqlite:///{tmp_path / 'octave.db'}"
    if request.param == "durable-postgres":
        url = request.getfixturevalue("postgres_url")
    store = SqlStore(url)
    await store.open()
    supervisor = Supervisor()
    bench = Bench(Inline(supervisor) if request.param == "inline" else Durable(url, tmp_path, store, supervisor))
    await bench.launch()
    yield bench
    await bench.engine.close()
    await store.close()


def test_the_contract_covers_every_engine() -> None:
    names = [found.name for found in pkgutil.iter_modules(octave_mcp.engine.__path__)]
    engines = [name for name in names if hasattr(import_module(f"octave_mcp.engine.{name}"), "make")]
    assert engines == ["durable", "inline"]


@on_few_databases
async def test_starting_a_run_twice_executes_it_once(bench: Bench) -> None:
    started: list[str] = []

    async def work() -> None:
        started.append("once")

    await bench.run(work)
    await bench.engine.start("run_1")
    assert started == ["once"]


async def test_a_new_process_resumes_its_own_runs_leaves_others_and_removes_finished_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "ADOPTION_SECONDS", 3600)
    url = f"sqlite:///{tmp_path / 'octave.db'}"
    started, forever = asyncio.Barrier(4), asyncio.Event()

    async def stuck() -> None:
        await started.wait()
        await forever.wait()

    store = SqlStore(url)
    await store.open()
    first = Bench(Durable(url, tmp_path, store, Supervisor()))
    await first.launch()
    for name in ("ours", "others", "over"):
        await first.start(stuck, name)
    await started.wait()
    await first.engine.close()

    claim: dict[str, Claim] = {"ours": "ours", "others": "others", "over": "over"}
    second = Bench(Durable(url, tmp_path, store, Supervisor()), claim=claim)
    resumed = asyncio.Event()

    async def resume() -> None:
        resumed.set()

    second.work["ours"], second.ended["ours"] = resume, asyncio.Event()
    await second.launch()
    await resumed.wait()
    assert await second.engine.owners_alive(["others", "over"]) == {"others": False}
    lock = Files(tmp_path / "locks")
    assert lock.hold(owner_of("others", tmp_path))
    assert await second.engine.owners_alive(["others", "over"]) == {"others": True}
    lock.close()
    await second.engine.close()
    await store.close()


async def test_adoption_and_a_status_check_do_not_mistake_each_other_for_a_live_owner(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'octave.db'}"
    started, checks = asyncio.Event(), asyncio.Queue[asyncio.Task[dict[str, bool]]]()

    async def stuck(_: str) -> None:
        started.set()
        await asyncio.Event().wait()

    async def claims(run_id: str) -> Claim:
        check = asyncio.create_task(second.owners_alive([run_id]))
        await asyncio.wait([check], timeout=1)
        checks.put_nowait(check)
        return "others"

    store = SqlStore(url)
    await store.open()
    first, second = (Durable(url, tmp_path, store, Supervisor()) for _ in range(2))
    await first.launch(stuck, claims)
    await first.start("run_1")
    await started.wait()
    await first.close()
    clock = stop_the_clock()
    await second.launch(stuck, claims)
    check = await clock.run_until_done(asyncio.create_task(checks.get()))
    assert await clock.run_until_done(check) == {"run_1": False}
    await clock.run_until_done(asyncio.create_task(second.close()))
    await store.close()


def owner_of(run_id: str, folder: Path) -> str:
    with closing(sqlite3.connect(folder / "octave.db")) as db:
        found = db.execute("select executor_id from workflow_status where workflow_uuid = ?", [run_id])
        return str(found.fetchone()[0])


def test_dbos_still_has_the_private_intervals_that_the_engine_overrides() -> None:
    assert hasattr(_workflow_commands, "_BACKGROUND_JOBS_INTERVAL_SEC")
    assert hasattr(DBOS(config={"name": "octave"})._registry.get_internal_queue(), "_polling_interval_sec")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    DBOS.destroy()


def test_the_time_function_that_dbos_uses_with_python_3_12_works_with_old_and_new_versions_of_sqlite(
    tmp_path: Path,
) -> None:
    database = dbos_setup.database_of(f"sqlite:///{tmp_path / 'octave.db'}")

    with database.begin() as db:
        db.exec_driver_sql("CREATE TABLE made (at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))")
        db.exec_driver_sql("INSERT INTO made DEFAULT VALUES")
        at = db.exec_driver_sql("SELECT at FROM made").scalar_one()
    database.dispose()

    assert at == pytest.approx(time.time() * 1000, rel=0.001)


def open_files(folder: Path) -> list[Path]:
    """Return the files in `folder` that this process has open.

    On systems without /proc, the result is always empty.
    """
    descriptors = Path("/proc/self/fd")
    targets = (_target(link) for link in descriptors.iterdir()) if descriptors.is_dir() else ()
    return [file for file in targets if file and file.is_relative_to(folder)]


def _target(link: Path) -> Path | None:
    try:
        return link.readlink()
    except FileNotFoundError:  # the file was closed in the meantime
        return None


def test_a_lock_acquired_and_released_by_different_threads_leaves_no_file(tmp_path: Path) -> None:
    locks = Files(tmp_path / "locks")
    assert locks.hold("b")
    assert len(open_files(tmp_path)) == Path("/proc/self/fd").is_dir()
    locks.free("b")
    for _ in range(50):
        with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
            assert first.submit(locks.hold, "a").result()
            second.submit(locks.free, "a").result()
    assert not list((tmp_path / "locks").iterdir())
    assert open_files(tmp_path) == []


def test_a_lock_lost_with_its_connection_is_reacquired_once_no_other_process_holds_it(postgres_url: str) -> None:
    locks, other = Advisory(postgres_url), Advisory(postgres_url)
    assert locks.hold("a")
    locks.keep("a")
    assert not other.hold("a")
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        terminate = (
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = %s"
        )
        admin.execute(terminate, [postgres_url.rpartition("/")[2]])
    other.keep("a")
    locks.keep("a")
    other.free("a")
    locks.keep("a")
    assert not other.hold("a")
    other.close()
    locks.close()


def test_a_lost_lock_that_another_process_took_is_reacquired_after_its_release(postgres_url: str) -> None:
    locks, other = Advisory(postgres_url), Advisory(postgres_url)
    assert locks.hold("a")
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")
    while not other.hold("a"):
        pass  # pg_terminate_backend does not wait until the connection has ended
    assert not locks.keep("a")
    other.free("a")
    assert not locks.keep("a")
    assert locks.keep("a")
    other.close()
    locks.close()


class Counters:
    """Heartbeat counters of other processes. Tests set the values of the counters."""

    def __init__(self) -> None:
        self.beats = {"live": 1, "dead": 1}

    async def beat(self, server_id: str) -> dict[str, int]:
        self.beats[server_id] = self.beats.get(server_id, 0) + 1
        return {**self.beats}

    async def remove_server(self, server_id: str) -> None:
        del self.beats[server_id]


async def test_a_process_is_alive_while_its_heartbeat_counter_grows_and_stale_once_it_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, counters = [0.0], Counters()
    monkeypatch.setattr(heartbeats.time, "monotonic", lambda: now[0])
    pulse = heartbeats.Pulse(counters)

    async def round_after(seconds: float, *growing: str) -> None:
        now[0] += seconds
        for name in growing:
            counters.beats[name] += 1
        await pulse.beat("mine")

    await round_after(0)
    assert not pulse.is_fresh("dead")  # a new server must take over the runs of its predecessor immediately
    for _ in range(7):
        await round_after(5, "live")
    assert pulse.is_fresh("live")
    assert not pulse.is_stale("live")
    assert pulse.is_stale("dead")
    assert not pulse.is_stale("unknown")
    await round_after(3600)
    assert not pulse.is_stale("live")  # this process was suspended, so it could not observe the counter


async def test_cancelling_a_run_stops_its_work(bench: Bench) -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await bench.start(work)
    await started.wait()
    assert await bench.engine.owners_alive(["run_1", "run_2"]) == {"run_1": True}
    await bench.engine.cancel("run_1")
    await stopped.wait()


@on_few_databases
async def test_a_forgotten_run_is_unknown(bench: Bench) -> None:
    async def work() -> None:
        await asyncio.sleep(0)

    await bench.run(work)
    await bench.engine.forget(["run_1", "run_2"])
    assert await bench.engine.owners_alive(["run_1"]) == {}


async def test_closing_the_engine_stops_its_runs_and_waits_for_them(bench: Bench) -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await bench.start(work)
    await started.wait()
    await bench.engine.close()
    assert stopped.is_set()
