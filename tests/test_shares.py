"""A link lets anyone read one version of a playbook until it expires, is revoked, or the playbook is deleted."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from clocks import set_time
from conftest import Pair
from deal_playbook import deal_playbook, stored
from matrix import sampled
from web import UNKNOWN_RUN, lift_server_timeouts, problem_in, serving

from octave_mcp.app import App
from octave_mcp.runs import shares
from octave_mcp.settings import load

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture(params=sampled(["sqlite", "postgres"], lambda name: name == "sqlite"))
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "postgres":
        monkeypatch.setenv("OCTAVE_DATABASE_URL", request.getfixturevalue("postgres_url"))
    return request.param


@pytest.fixture
async def run_id(database: str) -> str:  # noqa: ARG001 - chosen before the run is stored
    return await stored(deal_playbook())


@pytest.fixture
async def client(run_id: str) -> AsyncGenerator[httpx2.AsyncClient]:  # noqa: ARG001 - stored before the server starts
    async with serving() as client:
        yield client


async def share(client: httpx2.AsyncClient, run_id: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - of the tool
    return (await client.post(f"/runs/{run_id}/shares", json=arguments)).raise_for_status().json()


async def listed(client: httpx2.AsyncClient, run_id: str) -> list[dict[str, Any]]:
    return (await client.get(f"/runs/{run_id}/shares")).raise_for_status().json()["shares"]


async def edit(client: httpx2.AsyncClient, run_id: str, text: str, base: int) -> None:
    arguments = {"base_version": base, "text": text}
    (await client.put(f"/runs/{run_id}/sections/trial_plan", json=arguments)).raise_for_status()


async def opened(client: httpx2.AsyncClient, link: dict[str, Any]) -> httpx2.Response:
    return await client.get(link["path"])


async def test_a_link_opens_its_version_although_newer_versions_exist(client: httpx2.AsyncClient, run_id: str) -> None:
    first = await share(client, run_id)
    await edit(client, run_id, "The plan of version 2.", 1)
    newest = await share(client, run_id)
    old = await share(client, run_id, version=1)
    pages = [(await opened(client, link)) for link in (first, newest, old)]

    assert [link["version"] for link in (first, newest, old)] == [1, 2, 1]
    assert [page.status_code for page in pages] == [200] * 3
    assert ["The plan of version 2." in page.text for page in pages] == [False, True, False]


async def test_a_link_is_shown_once_and_listed_without_its_secret(client: httpx2.AsyncClient, run_id: str) -> None:
    made = [await share(client, run_id), await share(client, run_id, days=1)]
    shown = await listed(client, run_id)

    assert all(link["path"].startswith("/s/") and len(link["path"]) >= len("/s/") + 43 for link in made)
    assert shown == [{name: link[name] for name in link if name != "path"} for link in reversed(made)]
    lifetimes = [datetime.fromisoformat(x["expires_at"]) - datetime.fromisoformat(x["created_at"]) for x in made]
    assert lifetimes == [timedelta(days=30), timedelta(days=1)]


async def test_a_link_is_made_and_listed_for_the_playbook_of_a_refresh(database: str, pair: Pair) -> None:  # noqa: ARG001 - chosen
    async with serving() as client:
        wait = {"wait_seconds": 600}
        run_id = (await client.post("/runs", data=pair.few | wait)).json()["run_id"]
        refresh = (await client.post(f"/runs/{run_id}/refresh", json=wait)).json()
        link = await share(client, refresh["run_id"])
        page = await opened(client, link)
        lists = [await listed(client, run) for run in (run_id, refresh["run_id"])]

    assert refresh["run_id"] != run_id
    assert link["run_id"] == run_id
    assert page.status_code == 200
    assert [entry["share_id"] for entry in lists[0]] == [link["share_id"]]
    assert lists[0] == lists[1]


async def test_a_link_stops_working_when_it_expires(
    client: httpx2.AsyncClient, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_time(monkeypatch, shares, NOON)
    link = await share(client, run_id, days=7)
    set_time(monkeypatch, shares, NOON + timedelta(days=7, seconds=-1))
    before = await opened(client, link)
    set_time(monkeypatch, shares, NOON + timedelta(days=7))
    after = await opened(client, link)

    assert (before.status_code, after.status_code) == (200, 404)
    assert [entry["share_id"] for entry in await listed(client, run_id)] == [link["share_id"]]


async def test_a_revoked_link_stops_working_and_can_be_revoked_again(client: httpx2.AsyncClient, run_id: str) -> None:
    link, other = await share(client, run_id), await share(client, run_id)
    revoked = (await client.delete(f"/shares/{link['share_id']}")).raise_for_status().json()
    again = (await client.delete(f"/shares/{link['share_id']}")).raise_for_status().json()

    assert revoked["revoked_at"]
    assert again == revoked
    assert revoked in await listed(client, run_id)
    assert (await opened(client, link)).status_code == 404
    assert (await opened(client, other)).status_code == 200


async def test_links_that_do_not_work_get_the_same_response(client: httpx2.AsyncClient, run_id: str) -> None:
    link = await share(client, run_id)
    await client.delete(f"/shares/{link['share_id']}")
    answers = [await client.get(path) for path in (link["path"], "/s/unknown", "/s/" + "x" * 43, "/s/%00")]

    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}


async def test_deleting_a_session_deletes_the_links_to_its_playbooks(client: httpx2.AsyncClient, run_id: str) -> None:
    link = await share(client, run_id)
    session = (await client.get(f"/runs/{run_id}")).json()["session_id"]
    (await client.delete(f"/sessions/{session}")).raise_for_status()
    answers = [await opened(client, link), await client.get(f"/runs/{run_id}/shares")]
    revoked = await client.delete(f"/shares/{link['share_id']}")

    assert [answer.status_code for answer in answers] == [404, 404]
    assert problem_in(revoked)["code"] == "not_found"


async def test_a_link_cannot_be_made_while_its_run_is_deleted(database: str, run_id: str) -> None:  # noqa: ARG001 - chosen
    app = App(load(), engine="inline")
    await app.runs.open(executing=False)
    made, _ = await app.runs.shares.create(run_id, None, 1)
    await app.store.delete_runs([run_id])

    assert not await app.store.put_share(made.model_copy(update={"share_id": "share_late"}), "0" * 64)
    assert await app.store.shares(run_id) == []
    await app.runs.close()


async def test_the_secret_of_a_link_is_stored_nowhere(run_id: str, home: Path) -> None:
    async with serving() as client:
        link = await share(client, run_id)
        await opened(client, link)
        await client.delete(f"/shares/{link['share_id']}")
    stored = contents(home) + (rows() if "postgres" in load().url else b"")

    assert link["share_id"].encode() in stored
    assert link["path"].removeprefix("/s/").encode() not in stored


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def rows() -> bytes:
    """Return the rows of the table in Postgres."""
    with psycopg.connect(os.environ["OCTAVE_DATABASE_URL"]) as db:
        return str(db.execute("select shares::text from shares").fetchall()).encode()


async def test_a_link_needs_a_finished_run_and_an_existing_version(
    held_pair: Pair, client: httpx2.AsyncClient, run_id: str
) -> None:
    unfinished = (await client.post("/runs", data=held_pair.few)).json()["run_id"]
    refused: dict[str, tuple[dict[str, int], int, str, str]] = {
        f"/runs/{unfinished}/shares": ({}, 409, "not_finished", "try again when it has ended"),
        f"/runs/{UNKNOWN_RUN}/shares": ({}, 404, "not_found", "there is no run"),
        f"/runs/{run_id}/shares": ({"version": 7}, 400, "unknown_name", "has no version 7; choose one of 1"),
    }
    for path, (arguments, status, code, detail) in refused.items():
        problem = problem_in(await client.post(path, json=arguments))
        assert (problem["status"], problem["code"]) == (status, code)
        assert detail in problem["detail"]
    for days in (0, 366, "x"):
        answer = await client.post(f"/runs/{run_id}/shares", data={"days": days})
        assert problem_in(answer)["detail"].startswith("days: ")
    unknown = problem_in(await client.delete("/shares/share_none"))

    assert (await client.get(f"/runs/{unfinished}/shares")).json() == {"shares": []}
    assert (await client.get(f"/runs/{UNKNOWN_RUN}/shares")).status_code == 404
    assert unknown["detail"].startswith("there is no link 'share_none', or its run was deleted; GET /runs/{run_id}/s")
    assert await listed(client, run_id) == []


async def test_links_made_at_the_same_time_have_different_secrets(client: httpx2.AsyncClient, run_id: str) -> None:
    made = await asyncio.gather(*(share(client, run_id) for _ in range(8)))

    assert len({link["path"] for link in made}) == len({link["share_id"] for link in made}) == 8
    assert len(await listed(client, run_id)) == 8
