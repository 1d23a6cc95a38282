"""What every engine promises."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil

import pytest

import octave_mcp.engine
from octave_mcp.engine.inline import Inline
from octave_mcp.errors import SiteUnreachable
from octave_mcp.ports import Engine

NAMES = sorted(module.name for module in pkgutil.iter_modules(octave_mcp.engine.__path__))


@pytest.fixture(params=["inline"])
def engine(request: pytest.FixtureRequest) -> Engine:
    assert request.param == "inline"
    return Inline()


def test_every_engine_is_under_contract() -> None:
    for name in NAMES:
        importlib.import_module(f"octave_mcp.engine.{name}")
    assert NAMES == ["inline"]


async def test_a_step_gives_what_its_call_gives(engine: Engine) -> None:
    async def call() -> str:
        return "an answer"

    assert await engine.step("ask", call) == "an answer"
    assert await engine.branch("research", call) == "an answer"


async def test_an_error_comes_out_as_itself(engine: Engine) -> None:
    failure = SiteUnreachable("nothing answers")

    async def call() -> None:
        raise failure

    for make in (engine.step, engine.branch):
        with pytest.raises(SiteUnreachable) as raised:
            await make("scrape", call)
        assert raised.value is failure


async def test_steps_of_one_branch_run_in_order(engine: Engine) -> None:
    done: list[int] = []

    async def one(number: int) -> int:
        done.append(number)
        return number

    async def chain() -> int:
        return sum([await engine.step("ask", lambda number=number: one(number)) for number in range(3)])

    assert await engine.branch("read_pack", chain) == 3
    assert done == [0, 1, 2]


async def test_branches_run_beside_each_other(engine: Engine) -> None:
    meeting = asyncio.Barrier(3)

    async def chain() -> int:
        return await engine.step("ask", meeting.wait)

    async with asyncio.timeout(20):
        places = await asyncio.gather(*(engine.branch("read_pack", chain) for _ in range(3)))
    assert sorted(places) == [0, 1, 2]


async def test_a_cancelled_step_stops_its_call(engine: Engine) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def call() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def chain() -> None:
        await engine.step("ask", call)

    task = asyncio.create_task(chain())
    async with asyncio.timeout(20):
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stopped.is_set()
