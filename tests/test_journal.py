"""The journal of a run records finished steps by name, so that a resumed run does not repeat these steps."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from clocks import stop_the_clock
from contracts.test_stores import ended, event_of, record
from matrix import sampled

from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.concurrency.together import together
from octave_mcp.errors import OctaveError, RateLimited, SiteUnreachable, StoreFailed
from octave_mcp.ports import Journal, Store
from octave_mcp.runs.events import BATCH_SECONDS, EventLog
from octave_mcp.runs.journal import CONFIRMED_SECONDS, Execution
from octave_mcp.store.sql import SqlStore

Pipeline = Callable[[Journal], Awaitable[object]]


class Bench:
    """A stored run whose pipeline is chosen by the test.

    `calls`: how often each step was called.
    `reports`: the messages about recorded results that cannot be used.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.calls: Counter[str] = Counter()
        self.reports: list[str] = []

    async def execution(self) -> Execution:
        last = await self.store.epoch_of("run_1")
        assert last is not None
        assert await self.store.begin_execution("run_1", last)
        epoch = last + 1
        task = asyncio.current_task()
        assert task
        store = self.store.of_execution(epoch)
        entries = await store.steps("run_1")
        return Execution("run_1", epoch, store, entries, stop=task.cancel, report=self.reports.append)

    async def execute(self, pipeline: Pipeline) -> object:
        execution = await self.execution()
        result = await pipeline(execution.journal)
        execution.report_unused()
        return result

    async def step(self, journal: Journal, name: str, *given: object, result: str = "done") -> str:
        async def call() -> str:
            self.calls[name] += 1
            return result

        return await journal.step(name, call, str, *given)

    async def names(self) -> set[str]:
        return {entry.name for entry in await self.store.steps("run_1")}


DATABASES = ("sqlite", "postgres")


@pytest.fixture(params=sampled(DATABASES, lambda name: name == "sqlite"))
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    url = f"sqlite:///{tmp_path / 'octave.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    store = SqlStore(url)
    await store.open()
    await store.add_run(record(), new_session=True)
    yield Bench(store, tmp_path)
    await store.close()


async def test_a_resumed_run_gets_the_recorded_result_of_a_step_without_repeating_it(bench: Bench) -> None:
    async def pairs() -> tuple[tuple[str, int], ...]:
        bench.calls["pairs"] += 1
        return (("a", 1), ("b", 2))

    async def pipeline(journal: Journal) -> object:
        text = await bench.step(journal, "text", {"url": "a"}, result="an answer: “ü”\x00")
        return text, await journal.within("part").step("pairs", pairs, tuple[tuple[str, int], ...])

    first = await bench.execute(pipeline)

    assert await bench.execute(pipeline) == first == ("an answer: “ü”\x00", (("a", 1), ("b", 2)))
    assert bench.calls == {"text": 1, "pairs": 1}
    assert await bench.names() == {"text", "part/pairs"}
    assert bench.reports == []


async def test_an_error_is_recorded_and_raised_again_with_its_type(bench: Bench) -> None:
    failures = (SiteUnreachable("nothing answers"), RateLimited("later"))

    async def call(failure: OctaveError) -> str:
        bench.calls[str(failure)] += 1
        raise failure

    async def pipeline(journal: Journal) -> object:
        raised: list[tuple[type[OctaveError], str]] = []
        for number, failure in enumerate(failures):
            try:
                await journal.step(f"scrape-{number}", partial(call, failure), str)
            except OctaveError as error:
                raised.append((type(error), str(error)))
        return raised

    first = await bench.execute(pipeline)

    assert await bench.execute(pipeline) == first == [(type(failure), str(failure)) for failure in failures]
    assert set(bench.calls.values()) == {1}


async def test_parts_may_execute_their_steps_in_any_order(bench: Bench) -> None:
    async def chain(journal: Journal, number: int, *, waits: bool) -> list[str]:
        part = journal.within(f"pack-{number}")
        if waits:
            await asyncio.sleep(0)
        return [await bench.step(part, name, number, result=f"{number} {name}") for name in ("scrape", "ask")]

    async def pipeline(journal: Journal, first: int) -> object:
        return await together(*(chain(journal, number, waits=number != first) for number in range(3)))

    found = await bench.execute(partial(pipeline, first=0))

    assert await bench.execute(partial(pipeline, first=2)) == found
    assert bench.calls == {"scrape": 3, "ask": 3}


async def test_a_release_that_adds_a_step_and_a_pack_resumes_runs_of_the_previous_release(bench: Bench) -> None:
    async def before(journal: Journal) -> object:
        await bench.step(journal, "home", "example.com")
        await bench.step(journal.within("pack-1"), "ask", "a")
        return await bench.step(journal, "write", "a")

    async def after(journal: Journal) -> object:
        await bench.step(journal, "robots", "example.com")
        await bench.step(journal, "home", "example.com")
        await together(
            bench.step(journal.within("pack-1"), "ask", "a"), bench.step(journal.within("pack-2"), "ask", "b")
        )
        return await bench.step(journal, "write", "a, b")

    await bench.execute(before)
    await bench.execute(after)

    assert bench.calls == {"home": 1, "robots": 1, "ask": 2, "write": 2}
    assert bench.reports == ["step 'write' is repeated, because its input has changed"]


async def test_a_recorded_step_that_no_longer_exists_is_reported_and_ignored(bench: Bench) -> None:
    await bench.execute(lambda journal: bench.step(journal, "ask_the_oracle"))
    await bench.execute(lambda journal: bench.step(journal, "ask"))

    assert bench.calls == {"ask_the_oracle": 1, "ask": 1}
    assert bench.reports == ["recorded steps that were not used: ask_the_oracle"]


@pytest.mark.parametrize("row", ["no JSON", "{}", '{"result": "1"}', '{"result": null, "more": 1}', ""])
async def test_an_unreadable_record_is_reported_and_its_step_is_repeated(tmp_path: Path, row: str) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'octave.db'}")
    await store.open()
    await store.add_run(record(), new_session=True)
    bench = Bench(store, tmp_path)
    await bench.execute(lambda journal: bench.step(journal, "ask", "a"))
    with closing(sqlite3.connect(tmp_path / "octave.db")) as db:
        db.execute("update steps set outcome = ?", [row])
        db.commit()

    assert await bench.execute(lambda journal: bench.step(journal, "ask", "a")) == "done"
    assert await bench.execute(lambda journal: bench.step(journal, "ask", "a")) == "done"
    assert bench.calls == {"ask": 2}
    assert [report.partition(",")[0] for report in bench.reports] == ["step 'ask' is repeated"]
    await store.close()


async def test_an_execution_that_has_lost_its_run_makes_no_further_call_and_records_nothing(bench: Bench) -> None:
    in_flight, may_continue = asyncio.Event(), asyncio.Event()

    async def call() -> str:
        in_flight.set()
        await may_continue.wait()
        return "too late"

    async def pipeline(journal: Journal) -> None:
        await journal.step("ask", call, str)
        await bench.step(journal, "next")

    lost = asyncio.create_task(bench.execute(pipeline))
    await in_flight.wait()
    later = await bench.execution()
    may_continue.set()
    await asyncio.wait([lost])

    assert lost.cancelled()
    assert await bench.names() == set()
    assert await bench.step(later.journal, "ask", result="in time") == "in time"
    assert bench.calls == {"ask": 1}


async def test_the_store_ignores_writes_of_an_execution_that_has_lost_its_run(bench: Bench) -> None:
    first, second = await bench.execution(), await bench.execution()
    changed = record().model_copy(update={"status": "running"})

    assert not await first.store.update_run(changed)
    assert await second.store.update_run(changed)


async def test_a_final_run_records_no_step(bench: Bench) -> None:
    async def pipeline(journal: Journal) -> None:
        await bench.store.update_run(ended(record()))
        await bench.step(journal, "ask")

    task = asyncio.create_task(bench.execute(pipeline))
    await asyncio.wait([task])

    assert task.cancelled()
    assert bench.calls == {}
    assert await bench.store.epoch_of("run_1") is None
    assert not await bench.store.begin_execution("run_1", 1)


async def test_steps_are_deleted_with_their_run(bench: Bench) -> None:
    await bench.execute(lambda journal: bench.step(journal, "ask"))
    await bench.store.delete_runs(["run_1"])

    assert await bench.names() == set()


async def test_a_result_is_not_lost_while_the_database_cannot_be_written(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'octave.db'}")
    await store.open()
    await store.add_run(record(), new_session=True)
    bench, is_away = Bench(store, tmp_path), asyncio.Event()

    async def call() -> str:
        rename(tmp_path, "steps", "away")
        is_away.set()
        return "paid for"

    task = asyncio.create_task(bench.execute(lambda journal: journal.step("ask", call, str)))
    await is_away.wait()
    with pytest.raises(StoreFailed):
        await store.steps("run_1")
    rename(tmp_path, "away", "steps")

    assert await task == "paid for"
    assert await bench.names() == {"ask"}
    await store.close()


def rename(folder: Path, table: str, to: str) -> None:
    with closing(sqlite3.connect(folder / "octave.db", timeout=60)) as db:
        db.execute(f"alter table {table} rename to {to}")


async def test_events_that_come_close_together_are_stored_together(bench: Bench) -> None:
    clock, stored = stop_the_clock(), asyncio.Event()
    log = EventLog("run_1", bench.store, lambda _: None, lambda _: stored.set(), [], Supervisor())

    async def messages() -> list[str]:
        stored.clear()
        await stored.wait()
        return [event.message for _, event in await bench.store.events("run_1")]

    log(event_of("progress", "first"))
    assert await messages() == ["first"], "the first event is stored at once"
    for message in ("second", "third"):
        log(event_of("progress", message))
    for _ in range(5):  # long enough for a write, if the log had begun one
        assert [event.message for _, event in await bench.store.events("run_1")] == ["first"]
    clock.advance(BATCH_SECONDS)
    assert await messages() == ["first", "second", "third"]

    log(event_of("progress", "last"))
    await log.close()
    assert len(await bench.store.events("run_1")) == 4, "the end of the run does not wait"


@pytest.mark.parametrize(("seconds", "calls"), [(0.0, {"first": 1, "second": 1}), (CONFIRMED_SECONDS, {"first": 1})])
async def test_a_confirmed_execution_asks_for_half_a_second_no_more_whether_it_has_lost_its_run(
    seconds: float, calls: dict[str, int], bench: Bench
) -> None:
    clock, first_is_done, may_continue = stop_the_clock(), asyncio.Event(), asyncio.Event()

    async def pipeline(journal: Journal) -> None:
        await bench.step(journal, "first")
        first_is_done.set()
        await may_continue.wait()
        await bench.step(journal, "second")

    lost = asyncio.create_task(bench.execute(pipeline))
    await first_is_done.wait()
    await bench.execution()
    clock.advance(seconds)
    may_continue.set()
    await asyncio.wait([lost])

    assert lost.cancelled()
    assert bench.calls == calls
    assert await bench.names() == {"first"}
