"""Tests that a run costs almost nothing while it waits for a client's answers.

Any server can accept an answer for a waiting run.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sqlite3
import weakref
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clocks import Clock, stop_the_clock
from doubles import answer_to
from scripted import ScriptedModel, Stage, asked_for
from test_degradation import never_answered

from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.domain.run import RunRecord
from octave_mcp.engine.inline import Inline
from octave_mcp.errors import SetupError
from octave_mcp.exports.files import PlaybookFiles
from octave_mcp.ports import Model, RunContext, Store
from octave_mcp.runs import maintenance, questions
from octave_mcp.runs.adapters import NO_DEAL, Deal
from octave_mcp.runs.service import Runs
from octave_mcp.settings import Settings
from octave_mcp.store.sql import SqlStore
from octave_mcp.store.tables import time_text
from octave_mcp.tools.registry import ignore_event

LONG = 1_000_000


@pytest.fixture(autouse=True)
def long_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "LEASE", timedelta(seconds=LONG))


class CountingStore(SqlStore):
    """A store that counts how often it searches for answers, and how often it searches for lost runs."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.queries: Counter[str] = Counter()

    async def question(self, run_id: str, question_id: str) -> QuestionRecord | None:
        self.queries["question"] += 1
        return await super().question(run_id, question_id)

    async def answered(self, asked: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        self.queries["answered"] += 1
        return await super().answered(asked)

    async def lost(self, epochs: Mapping[str, int]) -> list[str]:
        self.queries["lost"] += 1
        return await super().lost(epochs)


async def waiting(runs: Runs) -> RunRecord:
    record = await runs.start(asked_for(model="host"))
    while record.status != "waiting":
        record = await runs.follow(record.run_id, LONG, ignore_event)
    return record


async def answer_one(runs: Runs, run_id: str) -> QuestionRecord:
    """Answer the next question of the run through this server.

    Return the question together with the verdict on the answer.
    """
    _, question, _ = await runs.next_question(run_id, LONG)
    assert question
    return (await runs.answer(run_id, question.question_id, json.dumps(answer_to(question.model_dump()))))[1]


async def test_a_client_can_answer_a_whole_run_without_waiting_for_a_timer(tmp_path: Path) -> None:
    runs = await Stage(tmp_path).opened()
    stop_the_clock()
    record = await runs.start(asked_for(model="host"))
    follower = asyncio.create_task(runs.follow(record.run_id, LONG, ignore_event))
    while not record.is_final:
        record, question, _ = await runs.next_question(record.run_id, LONG)
        if question:
            answer = json.dumps(answer_to(question.model_dump()))
            _, judged, _ = await runs.answer(record.run_id, question.question_id, answer)
            assert judged.is_judged

    assert record.status == "completed"
    await follower  # `follow` returns as soon as the run waits for an answer


async def test_one_periodic_query_covers_all_waiting_runs_and_stops_with_the_last_one(
    tmp_path: Path,
) -> None:
    clock, stage = stop_the_clock(), Stage(tmp_path)
    stage.store = store = CountingStore(stage.settings.url)
    runs = await stage.opened()
    waiting_runs = [await waiting(runs) for _ in range(3)]
    await a_minute_passes(clock)
    store.queries.clear()
    await a_minute_passes(clock)
    assert set(store.queries) == {"answered", "lost"}
    assert store.queries["answered"] <= 20
    assert store.queries["lost"] <= 20

    for record in waiting_runs:
        await runs.cancel(record.run_id)
    store.queries.clear()
    await a_minute_passes(clock)
    assert not store.queries


async def a_minute_passes(clock: Clock) -> None:
    await clock.run_until_done(asyncio.create_task(asyncio.sleep(60)))


async def test_an_answer_accepted_by_another_server_gets_its_verdict(tmp_path: Path) -> None:
    clock, other = stop_the_clock(), Stage(tmp_path)
    runs = await Stage(tmp_path).opened()
    await other.runs.open(adopting=False)
    record = await waiting(runs)
    judged = await clock.run_until_done(asyncio.create_task(answer_one(other.runs, record.run_id)))
    await other.runs.close()

    assert judged.wrong == ""


async def test_a_waiting_run_cancelled_by_another_server_stops(tmp_path: Path) -> None:
    clock, other = stop_the_clock(), Stage(tmp_path)
    runs = await Stage(tmp_path).opened()
    await other.runs.open(adopting=False)
    record = await waiting(runs)
    await other.runs.cancel(record.run_id)
    await other.runs.close()
    await a_minute_passes(clock)

    assert runs.under_way == 0


async def test_a_run_ends_if_its_questions_are_unanswered_for_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WAITING_RUNS_SECONDS", "INTERVAL_SECONDS", "LOST_RUNS_SECONDS"):
        monkeypatch.setattr(maintenance, name, LONG)
    clock, stage = stop_the_clock(), Stage(tmp_path)
    await stage.runs.open(adopting=False)
    record = await waiting(stage.runs)
    started = clock()
    ended, _ = await clock.run_until_done(asyncio.create_task(stage.end_of(record.run_id)))
    await stage.runs.close()

    assert clock() - started >= timedelta(days=7).total_seconds() - 1
    assert ended.is_final
    assert ended.error
    assert "within 7 days" in ended.error.message


class ServerWithoutModel(Stage):
    """A server that checks on the runs of other servers, but cannot execute a run, because it has no model.

    `alive`: ids of the runs whose process the engine reports as alive.
    """

    def __init__(self, home: Path, alive: Collection[str] = ()) -> None:
        super().__init__(home)
        self.store = CountingStore(self.settings.url)
        self.engine = EngineWithLiveRuns(self.supervisor, alive)

    def model(self, name: str, context: RunContext | None = None, deal: Deal = NO_DEAL) -> Model:  # noqa: ARG002 - as in the application
        raise SetupError(f"{name} is not set up here")


class EngineWithLiveRuns(Inline):
    def __init__(self, supervisor: Supervisor, alive: Collection[str]) -> None:
        super().__init__(supervisor)
        self._alive = alive

    async def owners_alive(self, run_ids: Collection[str]) -> dict[str, bool]:
        return {run_id: True for run_id in run_ids if run_id in self._alive}


async def after_maintenance(server: Stage, run_id: str, clock: Clock) -> RunRecord:
    """Wait until the server has done maintenance for other servers' runs, and return the run."""
    await server.opened()
    await a_minute_passes(clock)
    await a_minute_passes(clock)
    return await server.runs.get(run_id)


def age(home: Path, days: int, *, events: bool) -> None:
    """Move the start of all runs into the past by this number of days.

    If `events` is true, move the times of the runs' events too.
    """
    earlier = datetime.now(UTC) - timedelta(days=days)
    with closing(sqlite3.connect(home / "octave.db", timeout=LONG)) as db:
        then, text = earlier.isoformat(), time_text(earlier)
        db.execute("update runs set created_at = ?, record = json_set(record, '$.created_at', ?)", [text, then])
        if events:
            db.execute("update events set event = json_set(event, '$.at', ?)", [then])
        db.commit()


def without_deadlines(home: Path) -> Settings:
    return Settings.model_validate({"home": home, "step_timeout_seconds": LONG, "run_timeout_seconds": LONG})


async def test_a_week_old_run_with_recent_events_is_not_ended_by_another_server(tmp_path: Path) -> None:
    clock, model = stop_the_clock(), ScriptedModel()
    asked = await never_answered(model)
    runs = await Stage(tmp_path, model=model, settings=without_deadlines(tmp_path)).opened()
    record = await runs.start(asked_for())
    await asked.wait()
    age(tmp_path, 8, events=False)

    assert (await after_maintenance(ServerWithoutModel(tmp_path), record.run_id, clock)).status == "running"


async def test_a_silent_run_whose_server_is_alive_is_not_ended_by_another_server(
    tmp_path: Path,
) -> None:
    clock = stop_the_clock()
    record = await waiting(await Stage(tmp_path).opened())
    age(tmp_path, 8, events=True)

    assert (
        await after_maintenance(ServerWithoutModel(tmp_path, {record.run_id}), record.run_id, clock)
    ).status == "waiting"


async def test_a_run_without_events_for_a_week_is_abandoned(tmp_path: Path) -> None:
    clock = stop_the_clock()
    record = await waiting(await Stage(tmp_path).opened())
    age(tmp_path, 6, events=True)
    server = ServerWithoutModel(tmp_path)
    assert (await after_maintenance(server, record.run_id, clock)).status == "waiting"
    age(tmp_path, 8, events=True)
    ended = await after_maintenance(server, record.run_id, clock)

    assert ended.error
    assert ended.error.code == "abandoned"


@pytest.mark.long
async def test_garbage_is_collected_while_runs_wait_and_periodically_while_one_works(tmp_path: Path) -> None:
    clock, model = stop_the_clock(), ScriptedModel()
    asked = await never_answered(model)
    runs = await Stage(tmp_path, model=model, settings=without_deadlines(tmp_path)).opened()
    await waiting(runs)
    gc.disable()
    try:
        while_waiting = garbage()
        await a_minute_passes(clock)
        await a_minute_passes(clock)
        assert while_waiting() is None
        await runs.start(asked_for())
        await asked.wait()
        while_working = garbage()
        await a_minute_passes(clock)
        assert while_working()
        for _ in range(10):
            await a_minute_passes(clock)
        assert while_working() is None
    finally:
        gc.enable()
        gc.unfreeze()


def garbage() -> weakref.ref[object]:
    """Return a weak reference to an object that only a reference cycle keeps alive."""
    first: Any = asyncio.Event()
    first.itself = first
    return weakref.ref(first)


class HeldFiles(PlaybookFiles):
    """A `PlaybookFiles` that writes the files of a run, and then waits until a test sets `released`."""

    def __init__(self, store: Store, root: Path) -> None:
        super().__init__(store, root)
        self.written, self.released = asyncio.Event(), asyncio.Event()

    async def publish(self, run_id: str, playbook: Playbook) -> tuple[str, ...]:
        files = await super().publish(run_id, playbook)
        self.written.set()
        await self.released.wait()
        return files


async def test_a_server_that_lost_a_run_keeps_the_files_of_the_one_that_completed_it(tmp_path: Path) -> None:
    first, second = Stage(tmp_path), Stage(tmp_path)
    first.files = held = HeldFiles(first.store, tmp_path / "playbooks")
    runs = await first.opened()
    record = await runs.start(asked_for())
    await held.written.wait()
    await second.opened()
    await second.engine.start(record.run_id)
    ended, _ = await second.end_of(record.run_id)
    held.released.set()
    await first.engine.close(LONG)

    assert ended.status == "completed"
    assert all(map(os.path.exists, (await runs.get(record.run_id)).files))
