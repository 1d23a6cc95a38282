"""CPU-bound work in threads: work that takes too long fails and does not affect other work."""

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
from octave_mcp.concurrency.current import READING_SINCE
from octave_mcp.domain.company import Company
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorAnswer
from octave_mcp.errors import NotReady, TookTooLong
from octave_mcp.sources.failures import PageFailed
from octave_mcp.sources.html.parsing import PageContext, PageParser

# Work can be stopped while the garbage collector runs a callback. Python cannot raise an exception from such a
# callback, so it reports the exception as a warning.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PAGE = b"<html><body><p>There is something to read here.</p>"
LONG_PAGE = PAGE + b"<p>And here.</p>" * 7000


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SLOW_SECONDS", 0.2)
    monkeypatch.setattr(workers, "MAX_SECONDS", 0.5)
    monkeypatch.setattr(workers, "CHECK_SECONDS", 0.01)


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """An event that blocks a thread. The thread's work cannot be interrupted until the event is set.

    The event is set when the test ends.
    """
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
def no_work_outlives_its_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop any work that is still running when a test ends.

    If work were stopped during the tests of the next file, a warning could make those tests fail.
    """
    yield
    monkeypatch.setattr(workers, "MAX_SECONDS", 0.5)
    computing._WORKERS.submit(int).result()  # noqa: SLF001 - the threads of this process  # pyright: ignore[reportPrivateUsage]
    join_surplus_threads()


def endless() -> Any:  # noqa: ANN401 - whatever the test asks for
    while True:
        with suppress(Exception):
            sum(range(1000))


def computing_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "compute"]


def join_surplus_threads() -> None:
    """Wait until all threads but one have ended. The remaining thread executes the next piece of work."""
    while len(threads := computing_threads()) > 1:
        threads[0].join()


async def wait_for_surplus_threads() -> None:
    await asyncio.to_thread(join_surplus_threads)


@pytest.mark.usefixtures("impatient")
@pytest.mark.long
async def test_endless_work_is_stopped_and_the_work_queued_behind_it_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stuck = [asyncio.create_task(computed(endless)) for _ in range(2 * workers.MAX_THREADS)]
    await asyncio.sleep(0)

    assert await computed(sum, (1, 2)) == 3

    for failed in await asyncio.gather(*stuck, return_exceptions=True):
        assert isinstance(failed, TookTooLong)
    await wait_for_surplus_threads()
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(messages) == len(stuck)
    assert all("endless" in message for message in messages), "the log names the work that did not end"


@pytest.mark.usefixtures("impatient")
async def test_a_cancelled_caller_leaves_no_endless_work_behind() -> None:
    started = threading.Event()

    def work() -> None:
        started.set()
        endless()

    caller = asyncio.create_task(computed(work))
    await asyncio.to_thread(started.wait)
    caller.cancel()

    assert await computed(sum, (1, 2)) == 3
    await wait_for_surplus_threads()


async def test_work_whose_caller_is_cancelled_while_it_is_queued_never_starts(held: threading.Event) -> None:
    executed: list[int] = []
    before = [asyncio.create_task(computed(held.wait)) for _ in range(workers.MAX_THREADS)]
    cancelled = asyncio.create_task(computed(executed.append, 1))
    waiting = asyncio.create_task(computed(executed.append, 2))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    held.set()
    await asyncio.wait([*before, waiting])

    assert executed == [2]


async def test_the_oldest_run_comes_first_and_requests_take_turns_with_runs(held: threading.Event) -> None:
    order: list[str] = []
    started = threading.Event()

    async def queue(since: float | None, name: str) -> None:
        READING_SINCE.set(since)
        await computed(order.append, name)

    def hold() -> None:
        started.set()
        held.wait()

    before = asyncio.create_task(computed(hold))
    await asyncio.to_thread(started.wait)
    newer, older, request = (20.0, "newer run"), (10.0, "older run"), (None, "request")
    work = [asyncio.create_task(queue(*job)) for job in (newer, older, newer, request, request)]
    await asyncio.sleep(0)
    held.set()
    await asyncio.wait([before, *work])

    assert order == ["older run", "request", "newer run", "request", "newer run"]


@pytest.mark.usefixtures("impatient")
async def test_while_all_threads_are_stuck_new_work_fails_and_the_server_is_alive_but_not_ready(
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
        await wait_for_surplus_threads()
        assert await computed(sum, (1, 2)) == 3
        assert (await client.get("/readyz")).status_code == 200


async def parse_repeatedly(context: PageContext) -> None:
    """Parse the page again and again until a parse exceeds the time limit and raises an error."""
    while True:
        await PageParser().parse(LONG_PAGE, "utf-8", context)


async def test_a_page_that_takes_too_long_to_parse_fails_as_too_complex(monkeypatch: pytest.MonkeyPatch) -> None:
    company = Company(role="vendor", domain="acme.example", url="https://acme.example")
    context = PageContext(url=company.url, company=company, fetched_at=FETCHED_AT, origin="page")

    await PageParser().parse(LONG_PAGE, "utf-8", context)  # import lazy modules before the short time limit applies
    monkeypatch.setattr(workers, "MAX_SECONDS", 0.01)
    monkeypatch.setattr(workers, "CHECK_SECONDS", 0.01)
    with pytest.raises(PageFailed) as failed:
        await parse_repeatedly(context)

    assert failed.value.failure.code == "too_complex"


@pytest.mark.long
async def test_an_answer_that_takes_too_long_to_compute_leaves_a_named_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ScriptedModel()

    async def never(_: Asked) -> Value:
        with monkeypatch.context() as patched:
            patched.setattr(workers, "MAX_SECONDS", 1.0)
            return await computed(endless)

    model.on(shows("/customers/brassmere", VendorAnswer[Cite]), never)
    record, playbook = await Stage(tmp_path, model=model).run()

    assert playbook
    assert record.status == "partial"
    assert TookTooLong.code in {gap.code for gap in playbook.gaps}
