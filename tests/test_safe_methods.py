"""Tests that GET and HEAD requests change no data, and that tool annotations say which tools change data."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Finished, Pair, lift_question_timeouts
from fastmcp import Client
from starlette.routing import Route
from web import lift_server_timeouts, serving

from octave_mcp.settings import load
from octave_mcp.store.tables import metadata
from octave_mcp.surfaces import http
from octave_mcp.surfaces.mcp.server import make
from octave_mcp.tools import FUNCTIONS, TOOLS

FILES = {
    "/docs/{name}": "/docs/swagger-ui.css",
    "/static/{name}": "/static/app.css",
    "/playbooks/{run_id}/change": "/playbooks/{run_id}/change?section=trial_plan",
}
# The parts of a run that exist when its playbook is written.
NEEDS_A_PLAYBOOK = re.compile(r"/(playbook\.json|versions|diff|share|sections/brief)$|/change\?")


@pytest.fixture(autouse=True)
def lift_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_question_timeouts(monkeypatch)
    lift_server_timeouts(monkeypatch)


async def waiting(client: httpx2.AsyncClient, pair: Pair) -> dict[str, Any]:
    """Start a run whose model is a connected client, wait until the run needs answers, and return its report."""
    report = (await client.post("/runs", json={**pair.few, "model": "host"})).json()
    while report["status"] in {"queued", "running"}:
        report = (await client.get(f"/runs/{report['run_id']}", params={"wait_seconds": 600})).json()
    assert report["status"] == "waiting", report
    return report


def contents(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of each of the product's tables.

    Three tables are left out: heartbeats change `servers`, GET /readyz changes `notes`, and the first page with a form
    creates the key for forms in `secrets`.
    """
    with closing(sqlite3.connect(home / "octave.db")) as db:
        return {
            name: sorted(db.execute(f"select * from {name}").fetchall())  # noqa: S608 - names from our metadata
            for name in metadata.tables
            if name not in {"servers", "notes", "secrets"}
        }


def safe_paths(report: dict[str, Any]) -> list[str]:
    """Return the paths of all routes that support GET, except /mcp and shared links, of which there are none.

    Path parameters, such as the run ID, get the values of this run.
    """
    names = {
        "run_id": report["run_id"],
        "session_id": report["session_id"],
        "suffix": "json",
        "workflow_id": "sales-playbook",
        "section": "brief",
    }
    routes = [route for route in http.make(load()).routes if isinstance(route, Route)]
    left_out = {"/mcp", "/s", "/s/{secret}"}
    found = [FILES.get(route.path, route.path) for route in routes if "GET" in (route.methods or ())]
    return [re.sub(r"{(\w+)}", lambda name: names[name[1]], path) for path in found if path not in left_out]


async def statuses(client: httpx2.AsyncClient, paths: list[str]) -> dict[int, list[str]]:
    """Send GET and HEAD requests to each path, and return the paths grouped by status code.

    Bodies are not read, because the event stream of a waiting run does not end.
    """
    groups: dict[int, list[str]] = {}
    for path in paths:
        for method in ("GET", "HEAD"):
            async with client.stream(method, path) as answer:
                groups.setdefault(answer.status_code, []).append(path)
    return groups


@pytest.mark.long
async def test_get_and_head_on_every_route_leave_the_database_of_a_waiting_run_unchanged(
    pair: Pair, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as client:
        report = await waiting(client, pair)
    # Without OCTAVE_ALLOW_HOSTS, the server must not read the run's sites, so it does not resume the run. A resumed run
    # would change the database.
    monkeypatch.delenv("OCTAVE_ALLOW_HOSTS")
    paths = safe_paths(report)
    async with serving() as client:
        before = contents(home)
        found = await statuses(client, paths)
        after = contents(home)

    assert before["questions"]
    assert after == before
    refused = {status: set(of) for status, of in found.items() if status >= 400}
    assert refused == {409: {path for path in paths if NEEDS_A_PLAYBOOK.search(path)}}


async def test_get_and_head_on_every_route_leave_the_database_of_a_finished_run_unchanged(finished: Finished) -> None:
    paths = safe_paths({"run_id": finished.run_id, "session_id": finished.session_id})
    async with serving() as client:
        before = contents(finished.home)
        found = await statuses(client, paths)
        after = contents(finished.home)

    assert after == before
    assert max(found) < 400


async def test_getting_a_question_does_not_lease_it_and_posting_for_one_does(pair: Pair) -> None:
    async with serving() as client:
        path = f"/runs/{(await waiting(client, pair))['run_id']}/questions/next"
        await client.head(path)
        peeked = [(await client.get(path)).json() for _ in range(2)]
        first, second = [(await client.post(path, json={"wait_seconds": 600})).json() for _ in range(2)]
        again = (await client.post(path, data={"question_id": first["question"]["question_id"]})).json()

    ids = [report["question"]["question_id"] for report in (*peeked, first, second, again)]
    assert ids[0] == ids[1] == ids[2] == ids[4] != ids[3]
    assert second["open"] == 2
    assert first["next"].startswith(f"POST {path}")


def test_read_only_tools_use_get_unless_they_take_a_long_text() -> None:
    assert {name for name, tool in FUNCTIONS.items() if tool.method == "GET"} == {
        name for name, tool in FUNCTIONS.items() if tool.read_only
    } - {"check_copy", "estimate_cost"}


async def test_annotations_say_which_tools_are_read_only_destructive_idempotent_or_open_world() -> None:
    async with Client(make()) as client:
        annotations = {tool.name: tool.annotations for tool in await client.list_tools()}

    assert annotations.keys() == TOOLS.keys()
    assert {name for name, hints in annotations.items() if hints and hints.read_only_hint} == {
        "check_copy",
        "get_run",
        "list_sessions",
    }
    assert {name for name, hints in annotations.items() if hints and hints.destructive_hint} == {
        "cancel_run",
        "delete_session",
    }
    assert {name for name, hints in annotations.items() if hints and hints.idempotent_hint} == {
        "answer_question",
        "cancel_run",
        "delete_session",
    }
    assert {name for name, hints in annotations.items() if hints and hints.open_world_hint is None} == {
        "generate_playbook",
        "revise_playbook",
    }
