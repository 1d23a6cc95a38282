"""Work for the processor: a piece of it that does not end costs that piece, and nothing else."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from scripted import FETCHED_AT, Asked, ScriptedModel, Stage, shows
from test_rest import problem_in, serving

from octave_mcp.concurrency import computing, workers
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.company import Company
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorAnswer
from octave_mcp.errors import NotReady, TookTooLong
from octave_mcp.sources.failures import PageFailed
from octave_mcp.sources.html.parsing import PageContext, PageParser

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""Work can be ended inside a callback of the garbage collector, whose exceptions Python can only report."""

PAGE = b"<html><body><p>There is something to read here.</p>"
LONG_PAGE = PAGE + b"<p>And here.</p>" * 7000


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SLOW_SECONDS", 0.2)
    monkeypatch.setattr(workers, "MAX_SECONDS", 0.5)
    monkeypatch.setattr(workers, "CHECK_SECONDS", 0.01)


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What work waits for that nothing can interrupt; it is over with the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
def no_work_outlives_its_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop the work that a test leaves behind, or the warning about how it was stopped fails the next test file."""
    yield
    monkeypatch.setattr(workers, "MAX_SECONDS", 0.5)
    computing._WORKERS.submit(int).result()  # noqa: SLF001 - the threads of this process  # pyright: ignore[reportPrivateUsage]
    join_the_others()


def endless() -> Any:  # noqa: ANN401 - whatever the test asks for
    """Goes on whatever goes wrong, as far as it can."""
    while True:
        with suppress(Exception):
            sum(range(1000))


def computing_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "compute"]


def join_the_others() -> None:
    """Wait until one thread is left, which takes the next piece of work."""
    while len(threads := computing_threads()) > 1:
        threads[0].join()


async def until_the_others_end() -> None:
    await asyncio.to_thread(join_the_others)


@pytest.mark.usefixtures("impatient")
@pytest.mark.long
async def test_work_that_does_not_end_is_ended_and_the_work_behind_it_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stuck = [asyncio.create_task(computed(endless)) for _ in range(2 * workers.MAX_THREADS)]
    await asyncio.sleep(0)

    assert await computed(sum, (1, 2)) == 3

    for failed in await asyncio.gather(*stuck, return_exceptions=True):
        assert isinstance(failed, TookTooLong)
    await until_the_others_end()
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(said) == len(stuck)
    assert all("endless" in one for one in said), "the log says what did not end"


@pytest.mark.usefixtures("impatient")
async def test_a_cancelled_caller_leaves_no_endless_work_behind() -> None:
    began = threading.Event()

    def work() -> None:
        began.set()
        endless()

    caller = asyncio.create_task(computed(work))
    await asyncio.to_thread(began.wait)
    caller.cancel()

    assert await computed(sum, (1, 2)) == 3
    await until_the_others_end()


async def test_work_whose_caller_is_gone_before_a_thread_takes_it_is_not_begun(held: threading.Event) -> None:
    begun: list[int] = []
    before = [asyncio.create_task(computed(held.wait)) for _ in range(workers.MAX_THREADS)]
    gone = asyncio.create_task(computed(begun.append, 1))
    there = asyncio.create_task(computed(begun.append, 2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    held.set()
    await asyncio.wait([*before, there])

    assert begun == [2]


@pytest.mark.usefixtures("impatient")
async def test_while_nothing_can_be_ended_new_work_fails_and_the_server_is_alive_and_not_ready(
    held: threading.Event,
) -> None:
    async with serving() as client:
        stuck = [asyncio.create_task(computed(held.wait)) for _ in range(workers.MAX_THREADS)]
        waiting = asyncio.create_task(computed(sum, (1, 2)))
        for failed in await asyncio.gather(*stuck, return_exceptions=True):
            assert isinstance(failed, TookTooLong)
        with pytest.raises(NotReady):
            await waiting
        with pytest.raises(NotReady):
            await computed(sum, (1, 2))
        alive, ready = await client.get("/livez"), await client.get("/readyz")
        assert alive.status_code == 200
        assert (ready.status_code, problem_in(ready)["code"]) == (503, "not_ready")
        assert len(computing_threads()) == workers.MAX_THREADS

        held.set()
        await until_the_others_end()
        assert await computed(sum, (1, 2)) == 3
        assert (await client.get("/readyz")).status_code == 200


async def parsed_again_and_again(context: PageContext) -> None:
    """Until it is being read at a moment when somebody looks."""
    while True:
        await PageParser().parse(LONG_PAGE, "utf-8", context)


async def test_a_page_that_takes_too_long_to_read_fails_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    company = Company(role="vendor", domain="acme.example", url="https://acme.example")
    context = PageContext(url=company.url, company=company, fetched_at=FETCHED_AT, origin="page")

    await PageParser().parse(LONG_PAGE, "utf-8", context)  # so that nothing is imported in the work that is cut off
    monkeypatch.setattr(workers, "MAX_SECONDS", 0.01)
    monkeypatch.setattr(workers, "CHECK_SECONDS", 0.01)
    with pytest.raises(PageFailed) as failed:
        await parsed_again_and_again(context)

    assert failed.value.failure.code == "too_complex"


@pytest.mark.long
async def test_an_answer_that_takes_too_long_to_work_out_leaves_a_named_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ScriptedModel()

    async def never(_: Asked) -> Value:
        with monkeypatch.context() as while_it_works:
            while_it_works.setattr(workers, "MAX_SECONDS", 1.0)
            return await computed(endless)

    model.on(shows("/customers/brassmere", VendorAnswer[Cite]), never)
    record, playbook = await Stage(tmp_path, model=model).run()

    assert playbook
    assert record.status == "partial"
    assert TookTooLong.code in {gap.code for gap in playbook.gaps}
