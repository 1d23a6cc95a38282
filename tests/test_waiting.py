"""A run that waits for a client's answers costs nothing until one comes, whichever server accepts it."""

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

LONG = 1_000_000


@pytest.fixture(autouse=True)
def no_lease_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "LEASE", timedelta(seconds=LONG))


class Counted(SqlStore):
    """Counts how often it was asked what others did."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.looks: Counter[str] = Counter()

    async def question(self, run_id: str, question_id: str) -> QuestionRecord | None:
        self.looks["question"] += 1
        return await super().question(run_id, question_id)

    async def answered(self, asked: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        self.looks["answered"] += 1
        return await super().answered(asked)

    async def lost(self, epochs: Mapping[str, int]) -> list[str]:
        self.looks["lost"] += 1
        return await super().lost(epochs)


async def waiting(runs: Runs) -> RunRecord:
    """A run that has asked its first questions."""
    record = await runs.start(asked_for(model="host"))
    while record.status != "waiting":
        record = await runs.follow(record.run_id, LONG, ignore_event)
    return record


async def ignore_event(_: object) -> None:
    """Hears nothing."""


async def answered_one(runs: Runs, run_id: str) -> QuestionRecord:
    """A question of the run, answered by way of this server, with the verdict."""
    _, question, _ = await runs.next_question(run_id, LONG)
    assert question
    return (await runs.answer(run_id, question.question_id, json.dumps(answer_to(question.model_dump()))))[1]


async def test_a_client_answers_a_whole_run_and_nothing_in_between_waits_for_a_timer(tmp_path: Path) -> None:
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
    await follower  # which ended when the run first waited


async def test_while_runs_wait_one_query_now_and_then_looks_for_all_answers_and_none_does_if_no_run_waits(
    tmp_path: Path,
) -> None:
    clock, stage = stop_the_clock(), Stage(tmp_path)
    stage.store = store = Counted(stage.settings.url)
    runs = await stage.opened()
    waiting_runs = [await waiting(runs) for _ in range(3)]
    await a_minute_passes(clock)
    store.looks.clear()
    await a_minute_passes(clock)
    assert set(store.looks) == {"answered", "lost"}
    assert store.looks["answered"] <= 20
    assert store.looks["lost"] <= 20

    for record in waiting_runs:
        await runs.cancel(record.run_id)
    store.looks.clear()
    await a_minute_passes(clock)
    assert not store.looks


async def a_minute_passes(clock: Clock) -> None:
    await clock.run_until_done(asyncio.create_task(asyncio.sleep(60)))


async def test_an_answer_that_another_server_accepted_gets_its_verdict(tmp_path: Path) -> None:
    clock, other = stop_the_clock(), Stage(tmp_path)
    runs = await Stage(tmp_path).opened()
    await other.runs.open(adopting=False)
    record = await waiting(runs)
    judged = await clock.run_until_done(asyncio.create_task(answered_one(other.runs, record.run_id)))
    await other.runs.close()

    assert judged.wrong == ""


async def test_a_waiting_run_that_another_server_cancelled_stops(tmp_path: Path) -> None:
    clock, other = stop_the_clock(), Stage(tmp_path)
    runs = await Stage(tmp_path).opened()
    await other.runs.open(adopting=False)
    record = await waiting(runs)
    await other.runs.cancel(record.run_id)
    await other.runs.close()
    await a_minute_passes(clock)

    assert runs.under_way == 0


async def test_a_question_that_nobody_answers_for_a_week_ends_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WAITING_RUNS_SECONDS", "INTERVAL_SECONDS", "LOST_RUNS_SECONDS"):
        monkeypatch.setattr(maintenance, name, LONG)
    clock, stage = stop_the_clock(), Stage(tmp_path)
    await stage.runs.open(adopting=False)
    record = await waiting(stage.runs)
    began = clock()
    ended, _ = await clock.run_until_done(asyncio.create_task(stage.end_of(record.run_id)))
    await stage.runs.close()

    assert clock() - began >= timedelta(days=7).total_seconds() - 1
    assert ended.is_final
    assert ended.error
    assert "within 7 days" in ended.error.message


class Unable(Stage):
    """A server that looks after the runs of others, and has not the model that they need; `passes` counts its rounds.

    `alive` are the runs whose process is alive, as far as its engine knows.
    """

    def __init__(self, home: Path, alive: Collection[str] = ()) -> None:
        super().__init__(home)
        self.store = Counted(self.settings.url)
        self.engine = OneThatKnows(self.supervisor, alive)

    def model(self, name: str, context: RunContext | None = None, deal: Deal = NO_DEAL) -> Model:  # noqa: ARG002 - the application's
        raise SetupError(f"{name} is not set up here")


class OneThatKnows(Inline):
    def __init__(self, supervisor: Supervisor, alive: Collection[str]) -> None:
        super().__init__(supervisor)
        self._alive = alive

    async def owners_alive(self, run_ids: Collection[str]) -> dict[str, bool]:
        return {run_id: True for run_id in run_ids if run_id in self._alive}


async def after_a_round(server: Stage, run_id: str, clock: Clock) -> RunRecord:
    """The run when that server has looked after the runs of others."""
    await server.opened()
    await a_minute_passes(clock)
    await a_minute_passes(clock)
    return await server.runs.get(run_id)


def age(home: Path, days: int, *, events: bool) -> None:
    """Has all runs begin so many days earlier, and if `events`, all that happened to them happen then too."""
    earlier = datetime.now(UTC) - timedelta(days=days)
    with closing(sqlite3.connect(home / "octave.db", timeout=LONG)) as db:
        then, text = earlier.isoformat(), time_text(earlier)
        db.execute("update runs set created_at = ?, record = json_set(record, '$.created_at', ?)", [text, then])
        if events:
            db.execute("update events set event = json_set(event, '$.at', ?)", [then])
        db.commit()


def without_deadlines(home: Path) -> Settings:
    return Settings.model_validate({"home": home, "step_timeout_seconds": LONG, "run_timeout_seconds": LONG})


async def test_a_run_that_waited_a_week_and_goes_on_is_not_ended_by_another_server(tmp_path: Path) -> None:
    clock, model = stop_the_clock(), ScriptedModel()
    begun = await never_answered(model)
    runs = await Stage(tmp_path, model=model, settings=without_deadlines(tmp_path)).opened()
    record = await runs.start(asked_for())
    await begun.wait()
    age(tmp_path, 8, events=False)

    assert (await after_a_round(Unable(tmp_path), record.run_id, clock)).status == "running"


async def test_a_run_whose_server_is_alive_is_not_ended_by_another_however_long_it_has_been_silent(
    tmp_path: Path,
) -> None:
    clock = stop_the_clock()
    record = await waiting(await Stage(tmp_path).opened())
    age(tmp_path, 8, events=True)

    assert (await after_a_round(Unable(tmp_path, {record.run_id}), record.run_id, clock)).status == "waiting"


async def test_a_run_for_which_nobody_has_done_anything_for_a_week_is_given_up(tmp_path: Path) -> None:
    clock = stop_the_clock()
    record = await waiting(await Stage(tmp_path).opened())
    age(tmp_path, 6, events=True)
    server = Unable(tmp_path)
    assert (await after_a_round(server, record.run_id, clock)).status == "waiting"
    age(tmp_path, 8, events=True)
    ended = await after_a_round(server, record.run_id, clock)

    assert ended.error
    assert ended.error.code == "abandoned"


@pytest.mark.long
async def test_garbage_is_collected_though_runs_wait_and_now_and_then_though_one_works(tmp_path: Path) -> None:
    clock, model = stop_the_clock(), ScriptedModel()
    begun = await never_answered(model)
    runs = await Stage(tmp_path, model=model, settings=without_deadlines(tmp_path)).opened()
    await waiting(runs)
    gc.disable()
    try:
        waited = garbage()
        await a_minute_passes(clock)
        await a_minute_passes(clock)
        assert waited() is None
        await runs.start(asked_for())
        await begun.wait()
        worked = garbage()
        await a_minute_passes(clock)
        assert worked()
        for _ in range(10):
            await a_minute_passes(clock)
        assert worked() is None
    finally:
        gc.enable()
        gc.unfreeze()


def garbage() -> weakref.ref[object]:
    """Something that only points at itself."""
    first: Any = asyncio.Event()
    first.itself = first
    return weakref.ref(first)


class HeldFiles(PlaybookFiles):
    """Has written the files when `written` is set, and goes on with `goes_on`."""

    def __init__(self, store: Store, root: Path) -> None:
        super().__init__(store, root)
        self.written, self.goes_on = asyncio.Event(), asyncio.Event()

    async def publish(self, run_id: str, playbook: Playbook) -> tuple[str, ...]:
        files = await super().publish(run_id, playbook)
        self.written.set()
        await self.goes_on.wait()
        return files


async def test_a_server_that_has_lost_a_run_leaves_the_files_of_the_one_that_completed_it(tmp_path: Path) -> None:
    first, second = Stage(tmp_path), Stage(tmp_path)
    first.files = held = HeldFiles(first.store, tmp_path / "playbooks")
    runs = await first.opened()
    record = await runs.start(asked_for())
    await held.written.wait()
    await second.opened()
    await second.engine.start(record.run_id)
    ended, _ = await second.end_of(record.run_id)
    held.goes_on.set()
    await first.engine.close(LONG)

    assert ended.status == "completed"
    assert all(map(os.path.exists, (await runs.get(record.run_id)).files))
