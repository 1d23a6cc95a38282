"""A run that waits for a client's answers costs nothing until one comes, whichever server accepts it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pytest
from clocks import Clock, stop_the_clock
from doubles import answer_to
from scripted import Stage, asked_for

from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.domain.run import RunRecord
from octave_mcp.runs import questions
from octave_mcp.runs.service import Runs
from octave_mcp.store.sql import SqlStore

LONG = 1_000_000


@pytest.fixture(autouse=True)
def no_lease_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "LEASE", timedelta(seconds=LONG))


class Counted(SqlStore):
    """Counts how often answers were looked for."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.looks: Counter[str] = Counter()

    async def question(self, run_id: str, question_id: str) -> QuestionRecord | None:
        self.looks["question"] += 1
        return await super().question(run_id, question_id)

    async def answered(self, asked: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        self.looks["answered"] += 1
        return await super().answered(asked)


async def waiting(runs: Runs) -> RunRecord:
    """A run that has asked its first questions."""
    record = await runs.start(asked_for(model="host"))
    while record.status != "waiting":
        record = await runs.follow(record.run_id, LONG, unheard)
    return record


async def unheard(_: object) -> None:
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
    follower = asyncio.create_task(runs.follow(record.run_id, LONG, unheard))
    while not record.is_final:
        record, question, _ = await runs.next_question(record.run_id, LONG)
        if question:
            answer = json.dumps(answer_to(question.model_dump()))
            _, judged, _ = await runs.answer(record.run_id, question.question_id, answer)
            assert judged.is_judged

    assert record.status == "completed"
    assert (await follower).is_at_rest


async def test_while_runs_wait_one_query_now_and_then_looks_for_all_answers_and_none_if_no_run_does(
    tmp_path: Path,
) -> None:
    clock, stage = stop_the_clock(), Stage(tmp_path)
    stage.store = store = Counted(stage.settings.url)
    runs = await stage.opened()
    waiting_runs = [await waiting(runs) for _ in range(3)]
    await a_minute_passes(clock)
    store.looks.clear()
    await a_minute_passes(clock)
    assert 10 <= store.looks.pop("answered") <= 20
    assert not store.looks

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


async def test_a_question_that_nobody_answers_for_a_week_ends_by_itself(tmp_path: Path) -> None:
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
