"""Outages of the database during a run: the server reports an outage, and the run continues when the outage is over."""

from __future__ import annotations

import asyncio

import pytest
from outages import OUTAGES, is_final, is_ready, staged
from postgres import program

pytestmark = pytest.mark.skipif(not program("pg_ctl"), reason="Postgres is not installed here")

NEVER_UNREADY = {"database restarted"}
MAY_ANSWER = {"database slow"}


@pytest.mark.long
@pytest.mark.parametrize("name", OUTAGES)
async def test_a_run_completes_once_its_database_is_available_again(name: str) -> None:
    async with staged(name) as stage:
        run_id = await stage.start()
        await asyncio.to_thread(stage.outage.begin, stage.process.pid)
        stage.pair.release()
        if name not in NEVER_UNREADY:
            unready = await stage.until("/readyz", lambda answer: not is_ready(answer))
            assert "database" in unready.json()["detail"]
            if name not in MAY_ANSWER:
                assert (await stage.begin("another")).status_code == 503
            assert (await stage.client.get("/livez")).status_code == 200
            assert (await stage.client.get("/readyz")).status_code == 503
        await asyncio.to_thread(stage.outage.end, stage.process.pid)

        await stage.until("/readyz", is_ready)
        run_id = run_id or (await stage.begin()).json()["run_id"]
        await stage.until(f"/runs/{run_id}", is_final)

        assert not await stage.faults(run_id)
        assert len(stage.errors) == len({*stage.errors})
