"""A server logs a failing background task once, reports it in /readyz, and recovers automatically."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from conftest import Pair, log_lines, refusing
from fastmcp import Client
from fastmcp.exceptions import ToolError
from outages import forwarding
from postgres import GUARDED
from psycopg import sql
from web import Sent, lift_server_timeouts, problem_in, sent_in, serving

from octave_mcp.runs import store_check
from octave_mcp.settings import load
from octave_mcp.store import database
from octave_mcp.store.sql import SqlStore
from octave_mcp.surfaces.mcp.server import make

LONG = {"wait_seconds": 600}
SECRET = "hunter2-hunter2"  # noqa: S105 - not a real secret


@pytest.fixture(autouse=True)
def no_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)
    monkeypatch.setattr(store_check, "VALID_SECONDS", 0.0)


def errors_in(home: Path) -> list[str]:
    return [line["message"] for line in log_lines(home) if line["level"] == "ERROR"]


async def readiness(client: httpx2.AsyncClient, status: int) -> httpx2.Response:
    while (answer := await client.get("/readyz")).status_code != status:
        pass
    return answer


def steps_in(sent: Iterable[Sent], name: str) -> Counter[tuple[str | None, str]]:
    events = [json.loads(message.data) for message in sent if message.event == name]
    return Counter((event["company"], event["step"]) for event in events)


@pytest.mark.long
async def test_a_failing_page_cache_does_not_affect_runs_and_is_logged_once(pair: Pair, home: Path) -> None:
    async with serving() as client:
        await readiness(client, 200)
        with refusing(home, "insert on copies"):
            first = (await client.post("/runs", json=pair.few | LONG)).json()
        again = (await client.post("/runs", json=pair.few | LONG | {"refresh": True})).json()

    assert first["status"] == again["status"] == "completed"
    (error,) = errors_in(home)
    assert error.startswith("page cache failed: the database cannot be used: disk is full")
    assert "page cache works again" in {line["message"] for line in log_lines(home)}


@pytest.mark.long
async def test_a_failing_event_log_does_not_end_the_run_and_is_logged_once(pair: Pair, home: Path) -> None:
    async with serving() as client:
        await readiness(client, 200)
        with refusing(home, """insert on events when new.event like '%"step_started"%'"""):
            report = (await client.post("/runs", json=pair.few | LONG)).json()

    assert report["status"] == "completed"
    (error,) = errors_in(home)
    assert error.startswith("event log failed: ")


async def test_events_are_stored_once_the_event_log_works_again(held_pair: Pair, home: Path) -> None:
    async with serving() as client:
        await readiness(client, 200)
        run_id = (await client.post("/runs", json=held_pair.few)).json()["run_id"]
        await asyncio.to_thread(held_pair.vendor.asked.wait)
        with refusing(home, "insert on events"):
            held_pair.release()
            while not errors_in(home):
                await client.get("/livez")
        report = (await client.get(f"/runs/{run_id}", params=LONG)).json()
        sent = [message async for message in sent_in(await client.get(f"/runs/{run_id}/events"))]

    assert report["status"] == "completed"
    assert steps_in(sent, "step_started") == steps_in(sent, "step_finished")
    assert [message.id for message in sent] == [*range(1, len(sent) + 1)]


async def test_readers_do_not_wait_behind_queued_writers(home: Path) -> None:
    store = SqlStore(load().url)
    await store.open()
    with closing(sqlite3.connect(home / "octave.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        writing = [asyncio.create_task(store.put_value(str(number), "")) for number in range(database.THREADS + 1)]
        await asyncio.sleep(0)  # let each task start its write
        assert await store.runs() == []
        assert not any(task.done() for task in writing)
        other.execute("rollback")
    await asyncio.gather(*writing)
    await store.close()


async def test_readiness_fails_while_the_store_cannot_be_written_to(home: Path) -> None:
    async with serving() as client:
        await readiness(client, 200)
        with refusing(home, "insert on notes"):
            unready = await readiness(client, 503)
            await readiness(client, 503)
            alive, listed = await client.get("/livez"), await client.get("/sessions")
        await readiness(client, 200)

    assert problem_in(unready)["code"] == "not_ready"
    assert "store: the database cannot be used: disk is full" in problem_in(unready)["detail"]
    assert alive.status_code == listed.status_code == 200
    assert len(errors_in(home)) == 1


async def test_a_removed_database_file_is_reported_and_used_again_once_it_is_back(home: Path, pair: Pair) -> None:
    file, aside = home / "octave.db", home / "aside.db"
    async with serving() as client:
        await readiness(client, 200)
        file.rename(aside)
        unready = await readiness(client, 503)
        refused = await client.post("/runs", json=pair.few)
        assert not file.exists(), "the server creates no new file"
        aside.rename(file)
        await readiness(client, 200)
        report = (await client.post("/runs", json=pair.few | LONG)).json()

    complaint = "octave.db has been removed or replaced since it was opened; put it back, or restart the server"
    assert refused.status_code == 503
    assert complaint in problem_in(refused)["detail"]
    assert complaint in problem_in(unready)["detail"]
    assert report["status"] == "completed"


async def test_a_failing_background_task_is_reported_until_it_works_again(home: Path) -> None:
    async with serving() as client:
        await readiness(client, 200)
    with sqlite3.connect(home / "octave.db") as database:
        database.execute("insert into notes values ('old', '2000-01-01', '')")  # this note is old enough to be deleted
    database.close()
    with ExitStack() as broken:
        broken.enter_context(refusing(home, "delete on notes"))
        async with serving() as client:
            unready, metrics = await readiness(client, 503), await client.get("/metrics")
            broken.close()
            await readiness(client, 200)
            better = await client.get("/metrics")

    assert "maintenance: the database cannot be used: disk is full" in problem_in(unready)["detail"]
    assert 'octave_failing_tasks{task="maintenance"} 1.0' in metrics.text.splitlines()
    assert "octave_failing_tasks{" not in better.text
    assert len(errors_in(home)) == 1
    assert "maintenance works again" in {line["message"] for line in log_lines(home)}


@asynccontextmanager
async def serving_unopened(url: str) -> AsyncGenerator[httpx2.AsyncClient]:
    """Yield a client of a server that cannot open this database.

    Check first that the server reports the problem on every surface.
    """
    async with serving(database_url=url) as client:
        ready, listed = await client.get("/readyz"), await client.get("/sessions")
        async with Client(f"{client.base_url}/mcp") as mcp:
            with pytest.raises(ToolError) as failed:
                await mcp.call_tool("list_sessions")
        for text in (problem_in(ready)["detail"], problem_in(listed)["detail"], str(failed.value)):
            assert "the server keeps retrying" in text
            assert "OCTAVE_DATABASE_URL" in text
            assert SECRET not in text
        assert ready.status_code == listed.status_code == 503
        assert (await client.get("/livez")).status_code == 200
        yield client


async def test_a_wrong_password_is_logged_once_and_the_database_opens_once_it_is_right(
    postgres_url: str, home: Path
) -> None:
    at = postgres_url.rpartition("@")[2]
    with psycopg.connect(postgres_url, autocommit=True) as database:
        _set_password(database, "another")
        async with serving_unopened(f"postgresql://{GUARDED}:{SECRET}@{at}") as client:
            _set_password(database, SECRET)
            await readiness(client, 200)
            listed = await client.get("/sessions")

    assert listed.status_code == 200
    (error,) = errors_in(home)
    assert "password authentication failed" in error
    assert "OCTAVE_DATABASE_URL" in error
    assert SECRET not in (home / "logs" / "octave.jsonl").read_text("utf-8")


def _set_password(database: psycopg.Connection[Any], password: str) -> None:
    role = sql.Identifier(GUARDED)
    known = database.execute("select 1 from pg_roles where rolname = %s", [GUARDED]).fetchone()
    what = sql.SQL(
        "alter role {} superuser login password {}" if known else "create role {} superuser login password {}"
    )
    database.execute(what.format(role, sql.Literal(password)))


async def test_an_engine_that_may_not_create_its_tables_starts_once_it_may(postgres_url: str, home: Path) -> None:
    place, name = postgres_url.rpartition("@")[2], postgres_url.rpartition("/")[2]
    role, database = sql.Identifier(f"limited_{name}"), sql.Identifier(name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login").format(role))
        connection.execute(sql.SQL("grant create on schema public to {}").format(role))
        async with serving_unopened(f"postgresql://limited_{name}:{SECRET}@{place}") as client:
            connection.execute(sql.SQL("grant create on database {} to {}").format(database, role))
            await readiness(client, 200)
            listed = await client.get("/sessions")

    assert listed.status_code == 200
    (error,) = errors_in(home)
    assert "permission denied for database" in error


@pytest.mark.long
async def test_a_database_server_that_is_down_is_used_once_it_is_up_again(postgres_url: str, home: Path) -> None:
    place, _, name = postgres_url.rpartition("/")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with serving_unopened(f"postgresql://octave:{SECRET}@127.0.0.1:{port}/{name}") as client:
        with forwarding(int(place.rpartition(":")[2]), port):
            await readiness(client, 200)
        lost = await readiness(client, 503)
        with forwarding(int(place.rpartition(":")[2]), port):
            await readiness(client, 200)
            listed = await client.get("/sessions")
        await readiness(client, 503)

    assert listed.status_code == 200
    assert "uvicorn.error" not in {line["module"] for line in log_lines(home)}, "it could not stop without its database"
    assert "store: the database cannot be used: " in problem_in(lost)["detail"]
    assert [error for error in errors_in(home) if "Connection refused" in error and "opening the database" in error]


async def test_the_database_opens_without_a_call_once_a_folder_in_its_place_is_removed(home: Path) -> None:
    (home / "octave.db").mkdir(parents=True)
    async with Client(make()) as client:
        with pytest.raises(ToolError, match=r"\[setup\] .*is a folder"):
            await client.call_tool("list_sessions")
        (home / "octave.db").rmdir()
        while log_lines(home)[-1]["message"] != "opening the database works again":  # noqa: ASYNC110 - the test makes no call
            await asyncio.sleep(0)
        listed = await client.call_tool("list_sessions")

    assert listed.structured_content == {"sessions": [], "runs": [], "cursor": None}
    assert len(errors_in(home)) == 1
