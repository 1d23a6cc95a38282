"""The web pages survive stored data that an earlier or a later release has written, or that is damaged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Finished
from pages import HTML, Shown, Stored, copied, execute, form_token, page_routes
from web import lift_server_timeouts, serving

ADDED_LATER = ("brief", "triggers", "people", "integrations", "buying_committee", "fit", "qualification", "own_text")


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture
def stored(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    yield from copied(finished, tmp_path / "copy", monkeypatch)


def change(home: Path, table: str, column: str, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    with closing(sqlite3.connect(home / "octave.db")) as database:
        ((text,),) = database.execute(f"select {column} from {table}").fetchall()  # noqa: S608
    execute(home, f"update {table} set {column} = ?", json.dumps(changed(json.loads(text))))  # noqa: S608


def emptied(playbook: dict[str, Any]) -> dict[str, Any]:
    """Return the playbook without entries in any section."""
    lists: dict[str, Any] = {name: [] for name, value in playbook.items() if isinstance(value, list)}
    elements = dict.fromkeys(playbook["vendor_elements"], ())
    summary: dict[str, Any] = {
        name: value if name == "kind" else [] for name, value in playbook["executive_summary"].items()
    }
    nothing: dict[str, Any] = {"brief": None, "context": None}
    return playbook | lists | nothing | {"vendor_elements": elements, "executive_summary": summary}


def of_an_earlier_release(playbook: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in playbook.items() if name not in ADDED_LATER} | {"schema_version": 1}


async def opened(client: httpx2.AsyncClient, stored: Stored) -> dict[str, int]:
    """Open all pages of the run, check that each is a page, and return the statuses."""
    statuses: dict[str, int] = {}
    for template in page_routes("GET"):
        if "run_id" in template or "session_id" in template or template == "/history":
            answer = await client.get(stored.names.path(template), headers=HTML)
            statuses[template] = answer.status_code
            is_file = "content-disposition" in answer.headers
            assert is_file or answer.is_redirect or Shown(answer).text
            assert "Traceback" not in answer.text
            assert str(stored.home) not in answer.text
    return statuses


@pytest.mark.parametrize("changed", [emptied, of_an_earlier_release])
async def test_a_playbook_with_missing_parts_is_shown(
    changed: Callable[[dict[str, Any]], dict[str, Any]], stored: Stored
) -> None:
    change(stored.home, "versions", "playbook", changed)
    async with serving() as client:
        link = await shared(client, stored)
        statuses = await opened(client, stored)
        page = await client.get(link)

    assert {status for template, status in statuses.items() if "change" not in template and "diff" not in template} <= {
        200,
        303,
    }
    assert page.status_code == 200


async def shared(client: httpx2.AsyncClient, stored: Stored) -> str:
    sent = await form_token(client) | {"version": "1", "days": "7"}
    page = Shown(await client.post(f"{stored.at}/share", data=sent))
    return next(attributes["value"] for _, attributes in page.elements if attributes.get("id") == "link")


async def test_a_playbook_that_cannot_be_read_is_an_error_page_also_behind_a_link(stored: Stored) -> None:
    async with serving() as client:
        link = await shared(client, stored)
        execute(stored.home, "update versions set playbook = ?", '{"schema_version": 99}')
        statuses = await opened(client, stored)
        page = await client.get(link)

    assert statuses["/playbooks/{run_id}"] == statuses["/playbooks/{run_id}/playbook.{suffix}"] == 500
    assert statuses["/history"] == statuses["/playbooks/{run_id}/versions"] == 200
    assert page.status_code == 500
    assert 'href="/history"' not in page.text


UNUSUAL: tuple[dict[str, Any], ...] = (
    {"estimate": None, "files": [], "sender": None, "specialists_per_ask": None},
    {"error": {"code": "a_later_code", "message": ""}},
    {"model": "a-later-model", "source": "a-later-source"},
)


@pytest.mark.parametrize("changed", UNUSUAL, ids=str)
async def test_a_run_with_unusual_fields_is_shown(changed: dict[str, Any], stored: Stored) -> None:
    change(stored.home, "runs", "record", lambda record: record | changed)
    async with serving() as client:
        statuses = await opened(client, stored)

    assert {status for status in statuses.values() if status >= 500} == set()


@pytest.mark.parametrize("status", ["archived", ""])
async def test_a_run_with_an_unknown_status_is_an_error_page(status: str, stored: Stored) -> None:
    change(stored.home, "runs", "record", lambda record: record | {"status": status})
    async with serving() as client:
        statuses = await opened(client, stored)

    assert statuses["/playbooks/{run_id}"] == 500


async def test_a_failed_run_without_an_error_or_an_estimate_is_shown(stored: Stored) -> None:
    gone = {"status": "failed", "error": None, "estimate": None, "started_at": None}
    change(stored.home, "runs", "record", lambda record: record | gone)
    execute(stored.home, "update runs set status = 'failed'")
    async with serving() as client:
        page = await client.get(stored.at)

    assert page.status_code == 200
    assert "No playbook was written" in Shown(page).text
