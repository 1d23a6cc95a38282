"""Servers that are killed, paused or disconnected from their database.

A killed server loses only the calls that are in flight, and a run repeats only these calls.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Any

import psycopg
import pytest
from children import QUICK, SERVES, Child, Logged, child, logged
from conftest import Pair, names_in
from doubles import Double
from matrix import sampled
from postgres import own_cluster, program
from slow_servers import silent_site

from octave_mcp.app import App
from octave_mcp.domain.run import RunRecord
from octave_mcp.ports import Store
from octave_mcp.settings import load as load_settings


class Stage:
    """A run that several processes execute, one after another or in parallel."""

    def __init__(self, home: Path, pair: Pair, store: Store, request_id: str = "first") -> None:
        vendor, prospect = pair.domains.values()
        self.home, self.pair, self.store = home, pair, store
        self.request = {"vendor": vendor, "prospect": prospect, "max_pages": 4, "refresh": True}
        self.request["request_id"] = request_id
        self.is_on_sqlite = load_settings().url.startswith("sqlite")
        self._log = home.with_name(f"{request_id}.log")

    @asynccontextmanager
    async def server(
        self,
        patches: Mapping[str, float] = QUICK,
        **orders: Any,  # noqa: ANN401 - those of a child
    ) -> AsyncGenerator[Child]:
        async with child(self._log, self.request, patches=patches, **orders) as started:
            yield started

    async def served(self, **orders: Any) -> int:  # noqa: ANN401 - ditto
        async with self.server(**orders) as started:
            return await started.ended()

    @property
    def log(self) -> list[Logged]:
        return logged(self._log)

    @property
    def calls(self) -> Counter[tuple[str, str]]:
        return Counter(line.step for line in self.log if line.kind == "called")

    def calls_of(self, server: Child) -> list[Logged]:
        return [line for line in self.log if line.pid == server.pid and line.kind == "called"]

    @property
    def hits(self) -> int:
        return self.pair.vendor.hits.total() + self.pair.prospect.hits.total()

    @property
    def written(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (self.home / "playbooks").rglob("*")}

    @property
    def repeated_steps(self) -> list[str]:
        recorded, repeated = set[tuple[str, str]](), list[str]()
        for line in self.log:
            if line.kind == "recorded":
                recorded.add(line.step)
            elif line.kind == "called" and line.step in recorded:
                repeated.append(line.name)
        return repeated

    @property
    def in_flight(self) -> list[str]:
        ended = {(line.pid, line.name) for line in self.log if line.kind == "recorded"}
        return [line.name for line in self.log if line.kind == "called" and (line.pid, line.name) not in ended]

    async def run(self) -> RunRecord:
        (run,) = [run for run in await self.store.runs() if run.request.request_id == self.request["request_id"]]
        return run

    async def check(self) -> None:
        run = await self.run()
        assert (run.status, run.error) == ("completed", None)
        assert self.repeated_steps == []
        assert {(step.name, step.digest) for step in await self.store.steps(run.run_id)} == self.calls.keys()
        assert await self.store.get_playbook(run.run_id)
        (folder,) = {Path(file).parent for file in run.files}
        assert len([*folder.parent.iterdir()]) == len(await self.store.runs())
        assert names_in(folder) == {"playbook.json", "playbook.md", "playbook.html"}
        await check_events(self.store, run.run_id)


async def check_events(store: Store, run_id: str) -> None:
    """Check that event numbers have no gaps or repeats despite the interruptions, and that progress never decreases."""
    numbered = await store.events(run_id)
    events = [event for _, event in numbered]
    assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
    ends = Counter((e.event, e.step, e.company) for e in events if e.event in {"step_finished", "run_finished"})
    assert {end for end, count in ends.items() if count > 1 and end[1] != "read_pack"} == set()
    assert events[-1].event == "run_finished"
    done = [event.done for event in events]
    assert done == sorted(done)


SEED = 18
DATABASES = ("sqlite", "postgres")


@pytest.fixture(params=sampled(DATABASES, "sqlite".__eq__))
async def stage(
    request: pytest.FixtureRequest, home: Path, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Stage]:
    if request.param == "postgres":
        monkeypatch.setenv("OCTAVE_DATABASE_URL", request.getfixturevalue("postgres_url"))
    async with staged(home, pair) as stage:
        yield stage


@asynccontextmanager
async def staged(home: Path, pair: Pair) -> AsyncGenerator[Stage]:
    store = App(load_settings()).store
    await store.open()
    yield Stage(home, pair, store)
    await store.close()


PATIENCE = {**QUICK, "octave_mcp.runs.executor.MAX_FRUITLESS_RESUMES": 2}


@pytest.mark.long
async def test_a_run_whose_server_is_killed_after_each_step_executes_each_step_once(stage: Stage) -> None:
    assert await stage.served(dies_after_commits=1, restarts=True, patches=PATIENCE) == 0
    await stage.check()


@pytest.mark.long
async def test_only_a_step_that_was_not_recorded_is_repeated(stage: Stage) -> None:
    assert await stage.served(dies_before_commit=2, restarts=True, patches=PATIENCE) == 0
    await stage.check()
    assert max(stage.calls.values()) > 1


@pytest.mark.long
async def test_a_run_fails_if_every_server_dies_before_it_records_a_step(stage: Stage) -> None:
    assert await stage.served(dies_before_commit=0, restarts=True, patches=PATIENCE) == 0

    run = await stage.run()
    assert (run.status, run.error and run.error.code) == ("failed", "crashed")
    assert set(stage.calls.values()) <= {1, 2, 3}


@pytest.mark.long
async def test_a_recorded_answer_is_not_requested_again_whenever_the_server_is_killed(
    stage: Stage, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "openai")
    assert await stage.served() == 0
    turns, once = next(int(line.name) for line in stage.log if line.kind == "turns"), requests(double)
    for turn in Random(SEED).sample(range(1, turns), 10 if stage.is_on_sqlite else 3):  # noqa: S311 - moments, no secrets
        double.asked.clear()
        killed = Stage(stage.home, stage.pair, stage.store, f"killed-in-turn-{turn}")
        assert await killed.served(dies_in_turns=[turn], restarts=True) == 0
        await killed.check()
        again = requests(double) - once
        asked = sum(name.rpartition("/")[2].startswith("ask") for name in killed.in_flight)
        assert again.total() <= asked, f"killed in turn {turn} of {turns}"


def requests(double: Double) -> Counter[str]:
    """Count the requests to the provider.

    Ignore the random fence markers, because they differ between processes.
    """
    return Counter(re.sub(r"\b[0-9a-f]{16}\b", "", json.dumps(request.body)) for request in double.asked)


@pytest.mark.long
async def test_a_paused_server_stops_work_on_a_run_that_was_taken_over_and_accepts_other_runs(
    stage: Stage, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "openai")
    stage.pair.vendor.held_at = 5
    async with stage.server(stays=True) as first:
        await asyncio.to_thread(stage.pair.vendor.reached.wait)
        await first.says('"understand", "company": "prospect".*"step_finished"')
        await stop(first, stage)
        before = stage.calls_of(first)
        async with stage.server() as second:
            await second.says('"event": "run_resumed"')
            stage.pair.release()
            assert await second.ended() == 0
        sent, written = (stage.hits, len(double.asked)), stage.written
        first.send(SIGCONT)
        await first.says(LOST)
        assert ((stage.hits, len(double.asked)), stage.written) == (sent, written)
        assert stage.calls_of(first) == before
        await stage.check()

        later = Stage(stage.home, stage.pair, stage.store, "later")
        # The server normally kills itself. If the server is very slow, another server takes over the run, and the slow
        # server exits with code 0.
        assert await later.served(dies_after_commits=1) in {-SIGKILL, 0}
        await first.says('"event": "run_finished"')
        assert (await later.run()).status == "completed"


LOST = "this server no longer executes the run"


async def stop(server: Child, stage: Stage) -> None:
    """Pause the server at a moment when it does not hold SQLite's write lock.

    A paused server that holds the lock would block all other processes.
    """
    server.send(SIGSTOP)
    await server.stopped()
    while stage.is_on_sqlite and is_locked(stage.home / "octave.db"):
        server.send(SIGCONT)
        server.send(SIGSTOP)
        await server.stopped()


def is_locked(file: Path) -> bool:
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as db:
        try:
            db.execute("begin immediate")
        except sqlite3.OperationalError:
            return True
    return False


@pytest.mark.long
@pytest.mark.parametrize("stage", ["postgres"], indirect=True)
async def test_a_server_paused_during_a_write_does_not_block_another_server(stage: Stage) -> None:
    async with stage.server(stays=True, stops_in_commit=4) as first:
        await first.stopped()
        assert await stage.served() == 0
        first.send(SIGCONT)
        await first.says(LOST)

    await stage.check()


@pytest.mark.long
async def test_cancelling_a_run_on_another_server_closes_the_connection_to_a_silent_site(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with silent_site() as site:
        monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", f"{stage.pair.hosts},{site.host}")
        stage.request["vendor"] = f"http://{site.host}"
        async with stage.server(stays=True) as first:
            await site.asked.wait()
            other = App(load_settings())
            await other.runs.open(executing=False)
            await other.runs.cancel((await stage.run()).run_id)
            await other.runs.close()
            await first.says(LOST)
            await site.left.wait()

    run = await stage.run()
    assert run.status == "cancelled"
    assert [event.event for _, event in await stage.store.last_events(run.run_id, 1)] == ["run_finished"]


def terminate_connections() -> None:
    with psycopg.connect(load_settings().url.replace("+psycopg", "")) as database:
        database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


@pytest.mark.long
@pytest.mark.parametrize("stage", ["postgres"], indirect=True)
async def test_a_run_continues_after_the_database_connections_of_two_servers_are_terminated(stage: Stage) -> None:
    stage.pair.vendor.held_at = 5
    async with stage.server() as first, stage.server() as other:
        await asyncio.to_thread(stage.pair.vendor.reached.wait)
        await first.says(SERVES)
        await other.says(SERVES)
        await asyncio.to_thread(terminate_connections)
        stage.pair.release()
        assert await first.ended() == await other.ended() == 0

    await stage.check()


@pytest.mark.long
async def test_a_run_continues_after_a_restart_of_its_database(
    home: Path, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not program("pg_ctl"):
        pytest.skip("Postgres is not installed")
    with own_cluster() as own:
        monkeypatch.setenv("OCTAVE_DATABASE_URL", f"{own.url}/postgres")
        pair.vendor.held_at = 5
        async with staged(home, pair) as stage, stage.server() as server:
            await asyncio.to_thread(pair.vendor.reached.wait)
            await asyncio.to_thread(own.stop)
            pair.release()
            await server.says("failed: the database cannot be used")
            await asyncio.to_thread(own.start)
            assert await server.ended() == 0
            await stage.check()
