"""The HTTP API as clients see it, with a server in the event loop of the test or in its own process."""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import shutil
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import PATIENT, ROOT, Pair, command, log_lines
from matrix import sampled
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.importer import import_from_string
from web import (
    COMPANIES,
    FORM,
    UNKNOWN_RUN,
    Sent,
    lift_server_timeouts,
    new_client,
    paths,
    problem_in,
    sent_in,
    served,
    serving,
)

from octave_mcp.domain.run import FINAL
from octave_mcp.errors import Unreadable
from octave_mcp.settings import load
from octave_mcp.surfaces import http
from octave_mcp.surfaces.web.paths import DOCS, is_open, is_page

LONG_WAIT = {"wait_seconds": 600}
PLANTED = "planted-secret-4b1d0c9e7f"


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


async def ended(client: httpx2.AsyncClient, path: str) -> dict[str, Any]:
    while (report := (await client.get(path, params=LONG_WAIT)).raise_for_status().json())["status"] not in FINAL:
        pass
    return report


async def test_a_run_is_returned_immediately_and_its_report_when_it_has_finished(held_pair: Pair) -> None:
    async with serving() as client:
        started = await client.post("/runs", json=held_pair.few)
        held_pair.release()
        report = await ended(client, started.headers["location"])

    assert started.status_code == 202
    assert started.headers["location"] == f"/runs/{started.json()['run_id']}"
    assert started.json()["status"] in {"queued", "running"}
    assert report["status"] == "completed"
    assert report["overview"]["personas"]
    assert report["links"] == [f"/runs/{report['run_id']}/playbook.{suffix}" for suffix in ("json", "md", "html")]


async def test_an_idempotency_key_returns_the_same_run_and_is_rejected_with_another_request(held_pair: Pair) -> None:
    key = {"Idempotency-Key": "deal-7"}
    async with serving() as client:
        first = await client.post("/runs", json=held_pair.domains, headers=key)
        again = await client.post("/runs", data=held_pair.domains | {"request_id": "deal-7"})
        other = await client.post("/runs", json=held_pair.domains | {"max_pages": 3}, headers=key)
        both = await client.post("/runs", json=held_pair.domains | {"request_id": "deal-8"}, headers=key)

    assert again.json()["run_id"] == first.json()["run_id"]
    assert (other.status_code, problem_in(other)["code"]) == (422, "request_id_reused")
    assert (both.status_code, problem_in(both)["code"]) == (400, "invalid_input")


async def test_a_cancelled_run_has_no_playbook(held_pair: Pair) -> None:
    async with serving() as client:
        run_id = (await client.post("/runs", json=held_pair.domains)).json()["run_id"]
        early = await client.get(f"/runs/{run_id}/playbook.json")
        cancelled = await client.post(f"/runs/{run_id}/cancel")
        again = await client.post(f"/runs/{run_id}/cancel", json={})
        playbook = await client.get(f"/runs/{run_id}/playbook.md")

    assert (early.status_code, problem_in(early)["code"]) == (409, "not_finished")
    assert cancelled.json()["status"] == again.json()["status"] == "cancelled"
    assert (playbook.status_code, problem_in(playbook)["code"]) == (409, "not_finished")
    assert "cancelled" in playbook.json()["detail"]


async def test_a_call_with_wait_seconds_returns_the_finished_run_and_its_session_is_listed_until_deleted(
    pair: Pair,
) -> None:
    async with serving() as client:
        answer = await client.post("/runs", data=pair.few | LONG_WAIT)
        report = answer.json()
        run_id, session = report["run_id"], f"/sessions/{report['session_id']}"
        listed = (await client.get("/sessions", params={"limit": "5"})).json()
        looked = (await client.get(session)).json()
        deleted = await client.delete(session)
        gone = [await client.get(session), await client.delete(session), await client.get(f"/runs/{run_id}")]

    assert (answer.status_code, report["status"]) == (200, "completed")
    assert [line["session_id"] for line in listed["sessions"]] == [report["session_id"]]
    assert [line["run_id"] for line in looked["runs"]] == [run_id]
    assert deleted.json() == {"session_id": report["session_id"], "runs": 1}
    assert [problem_in(answer)["status"] for answer in gone] == [404] * 3
    assert report["files"]
    assert not any(map(os.path.exists, report["files"]))


async def test_polling_a_finished_run_loads_its_playbook_only_once(pair: Pair, home: Path) -> None:
    async with serving() as client:
        report = (await client.post("/runs", data=pair.few | LONG_WAIT)).json()
        run = f"/runs/{report['run_id']}"
        with closing(sqlite3.connect(home / "octave.db")) as database, database:
            database.execute("update versions set playbook = '{}'")
        again, part = await client.get(run), await client.get(run, params={"section": "brief"})

    assert report["overview"]["section_tokens"]["brief"] > 0
    assert again.json()["overview"] == report["overview"]
    assert problem_in(part)["code"] == Unreadable.code


async def test_a_streamed_run_sends_its_events_and_ends_with_its_report(held_pair: Pair) -> None:
    asked = held_pair.few | LONG_WAIT | {"stream": True}
    async with serving() as client, client.stream("POST", "/runs", json=asked) as answer:
        stream = sent_in(answer)
        first = await anext(stream)
        held_pair.release()
        *events, last = [event async for event in stream]

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (first.event, first.id) == ("run", None)
    assert json.loads(first.data)["status"] in {"queued", "running"}
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert (events[0].event, events[1].event, events[-1].event) == ("progress", "run_started", "run_finished")
    assert all(json.loads(event.data)["event"] == event.event for event in events)
    assert (last.event, last.id) == ("report", None)
    assert json.loads(last.data)["status"] == "completed"
    assert json.loads(first.data)["run_id"] == json.loads(last.data)["run_id"]


async def test_a_client_that_reconnects_twenty_times_sees_each_event_once_and_in_order(
    held_pair: Pair, home: Path
) -> None:
    seen: list[Sent] = []
    async with serving() as client:
        async with client.stream("POST", "/runs", data=held_pair.few | {"stream": "true"}) as answer:
            run = f"/runs/{json.loads((await anext(sent_in(answer))).data)['run_id']}"

        async def read(count: int | None) -> None:
            headers = {"Last-Event-ID": str(seen[-1].id)} if seen else {}
            async with client.stream("GET", f"{run}/events", headers=headers) as answer:
                assert answer.status_code == 200
                async for event in sent_in(answer):
                    seen.append(event)
                    if count is not None and len(seen) == count:
                        return

        await read(1)
        held_pair.release()
        for count in range(3, 42, 2):
            await read(count)
        await read(None)
        report = await ended(client, run)
        async with client.stream("GET", f"{run}/events") as answer:
            whole = [event async for event in sent_in(answer)]
        nothing_left = await client.get(f"{run}/events", headers={"Last-Event-ID": str(seen[-1].id)})

    assert report["status"] == "completed"
    assert [event.id for event in seen] == list(range(1, len(seen) + 1))
    assert seen == whole
    assert seen[-1].event == "run_finished"
    assert (nothing_left.status_code, nothing_left.content) == (204, b"")
    assert not [line for line in log_lines(home) if line["exception"] or line["level"] == "ERROR"]


async def test_deleting_a_session_ends_the_streams_of_its_runs(held_pair: Pair, home: Path) -> None:
    asked = held_pair.domains | {"stream": True}
    async with serving() as client, client.stream("POST", "/runs", json=asked) as answer:
        events = sent_in(answer)
        started = json.loads((await anext(events)).data)
        await client.delete(f"/sessions/{started['session_id']}")
        rest = [event async for event in events]

    assert rest[-1].event in {"report", "problem"}
    assert not [line for line in log_lines(home) if line["exception"]]


async def test_an_unexpected_error_is_logged_and_not_shown_to_the_client(home: Path) -> None:
    async def broken(_: Request) -> Response:
        raise RuntimeError("words for the log alone")

    app = http.make(load())
    app.router.routes.append(Route("/broken", broken))
    async with served(app) as client:
        answer = await client.get("/broken")

    assert (answer.status_code, problem_in(answer)["code"]) == (500, "internal")
    assert "words" not in answer.text
    assert [line for line in log_lines(home) if "words for the log alone" in (line["exception"] or "")]


async def test_every_route_except_health_checks_requires_a_token_if_tokens_are_set() -> None:
    wrong = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": PLANTED}, {"Authorization": f"Basic {PLANTED}"}]
    async with serving(tokens=(PLANTED, "another-token")) as client:
        for path in {*paths()} - {"/livez", "/readyz"}:
            if is_open(path):
                continue
            refused = [await client.get(path, headers=headers) for headers in wrong]
            passed = await client.get(path, headers={"Authorization": f"bearer {PLANTED}"})
            if is_page(path) and not path.startswith(DOCS) and not path.endswith("/events"):
                assert [(path, answer.status_code, "Sign in" in answer.text) for answer in refused] == [
                    (path, 401, True)
                ] * 4
            else:
                assert (path, {problem_in(answer)["code"] for answer in refused}) == (path, {"unauthorized"})
            assert {answer.headers["www-authenticate"] for answer in refused} == {"Bearer"}
            assert passed.status_code != 401
        assert (await client.get("/livez")).status_code == (await client.get("/readyz")).status_code == 200


async def test_no_response_and_no_log_contains_a_secret(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", PLANTED)
    headers = {"Authorization": f"Bearer {PLANTED}"}
    misplaced: list[dict[str, Any]] = [
        {"params": {"token": PLANTED}},
        {"params": {PLANTED: ""}},
        {"json": COMPANIES | {"api_key": PLANTED}},
        {"json": COMPANIES | {PLANTED: 1}},
        {"data": COMPANIES | {"max_pages": PLANTED}},
        {"data": COMPANIES | {"stream": PLANTED}},
        {"content": PLANTED, "headers": headers | {"Content-Type": FORM}},
        {"content": PLANTED, "headers": headers | {"Content-Type": "application/json"}},
        {"json": COMPANIES, "headers": headers | {"Cookie": f"session={PLANTED}"}},
    ]
    monkeypatch.setenv("OCTAVE_TOKENS", PLANTED)
    monkeypatch.setenv("OCTAVE_LOG_LEVEL", "DEBUG")
    async with serving() as client:
        answers = [await client.get("/config", headers=headers), await client.get("/metrics", headers=headers)]
        answers += [await client.get(f"/{PLANTED}", headers=headers), await client.get(f"/runs/{UNKNOWN_RUN}")]
        for path in ("/runs", f"/runs/{UNKNOWN_RUN}/cancel", "/workflows/sales-playbook/runs"):
            for given in misplaced:
                sent: dict[str, Any] = {"headers": headers} | given
                answers.append(await client.post(path, **sent))

    assert not [answer.text for answer in answers if PLANTED in answer.text]
    assert log_lines(home)
    assert PLANTED not in (home / "logs" / "octave.jsonl").read_text("utf-8")
    assert PLANTED not in capsys.readouterr().err


async def test_a_server_whose_database_cannot_be_used_is_alive_and_not_ready(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with serving(database_url=f"sqlite:///{tmp_path}/file/octave.db") as client:
        alive, ready = await client.get("/livez"), await client.get("/readyz")
        listed = await client.get("/sessions")

    assert alive.status_code == 200
    assert (ready.status_code, problem_in(ready)["code"]) == (503, "setup")
    assert (listed.status_code, problem_in(listed)["code"]) == (503, "setup")


async def test_metrics_count_runs_and_requests_without_names_from_clients(pair: Pair) -> None:
    async with serving() as client:
        report = (await client.post("/runs", json=pair.few | LONG_WAIT)).json()
        await client.request("BREW", "/coffee")
        answer = await client.get("/metrics")

    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "octave_runs_started_total 1.0" in lines
    assert 'octave_runs_finished_total{status="completed"} 1.0' in lines
    assert "octave_runs_running 0.0" in lines
    assert 'octave_http_requests_total{method="POST",route="/runs",status="200"} 1.0' in lines
    assert 'octave_http_requests_total{method="other",route="none",status="404"} 1.0' in lines
    assert any(line.startswith('octave_step_seconds_bucket{le="0.1",step="scrape_homepage"') for line in lines)
    assert not [word for word in (report["run_id"], pair.vendor.host, "coffee", "BREW") if word in answer.text]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_original_curl_examples_work_unchanged(held_pair: Pair) -> None:
    async with serving() as client:
        runs = f"{client.base_url}/workflows/phase1_2_3_4_workflow/runs"
        asked = ("-X", "POST", runs, "-H", f"Content-Type: {FORM}")
        asked += tuple(word for name, value in held_pair.few.items() for word in ("-d", f"{name}={value}"))
        started = json.loads(await curl(*asked))
        held_pair.release()
        report = json.loads(await curl(f"{runs}/{started['run_id']}?wait_seconds=600"))
        streamed = await curl(*asked, "-d", "stream=true")
        session = f"{client.base_url}/sessions/{report['session_id']}"
        looked, deleted = json.loads(await curl(session)), json.loads(await curl("-X", "DELETE", session))

    assert started["status"] in {"queued", "running"}
    assert report["status"] == "completed"
    assert "event: report\ndata: " in streamed
    assert looked["runs"][0]["run_id"] == started["run_id"]
    assert deleted["runs"] == 1


async def curl(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--show-error", "--noproxy", "*", *arguments, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


@asynccontextmanager
async def own_process(*arguments: str) -> AsyncGenerator[tuple[str, asyncio.subprocess.Process]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PATIENT, *arguments),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr
    try:
        while (line := json.loads(await process.stderr.readline()))["message"] != "listening":
            pass
        yield line["url"], process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize(
    ("number", "code"),
    sampled([(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130)], lambda row: row[0] == signal.SIGTERM),
)
@pytest.mark.long
async def test_a_server_stops_on_a_signal_even_with_an_open_stream(
    number: signal.Signals, code: int, held_pair: Pair, home: Path
) -> None:
    async with (
        own_process("--http", "--port", "0") as (origin, process),
        new_client(origin) as client,
    ):
        waiting = asyncio.create_task(client.post("/runs", json=held_pair.domains | LONG_WAIT))
        while not (sessions := (await client.get("/sessions")).json()["sessions"]):
            assert not waiting.done(), waiting.result().text
        async with client.stream("GET", f"/runs/{sessions[0]['latest']['run_id']}/events") as answer:
            await anext(sent_in(answer))
            process.send_signal(number)
            await process.wait()
        cut_short = await waiting

    assert process.returncode == code
    assert (cut_short.status_code, problem_in(cut_short)["code"]) == (503, "not_ready")
    assert not [line for line in log_lines(home) if line["exception"]]


@pytest.fixture
def run_server(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Return a function that runs `python server.py` in this process and returns its exit code."""

    def run(*arguments: str) -> object:
        monkeypatch.setattr(sys, "argv", ["server.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / "server.py"), run_name="__main__")
        return ended.value.code

    return run


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--http", "--host", "0.0.0.0"), "OCTAVE_TOKENS"),  # noqa: S104 - the server refuses it
        (("--http", "--host", "nowhere.invalid"), "nowhere.invalid"),
        (("--http", "--port", "70000"), "OCTAVE_PORT"),
    ],
)
def test_a_server_that_may_not_or_cannot_listen_says_why_and_exits_3(
    arguments: tuple[str, ...], cause: str, run_server: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_server(*arguments)
    printed = capsys.readouterr()

    assert (code, printed.out) == (3, "")
    assert cause in printed.err


@pytest.mark.parametrize("settings", [{"HOST": "0.0.0.0"}, {"PUBLIC_HOSTS": "octave.acme.com"}], ids=str)  # noqa: S104
def test_a_public_server_does_not_start_with_a_short_token(
    settings: dict[str, str],
    run_server: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {"TOKENS": f"{PLANTED},fifteen-letters", **settings}.items():
        monkeypatch.setenv(f"OCTAVE_{name}", value)
    code = run_server("--http", "--port", "0")
    printed = capsys.readouterr()

    assert (code, printed.out) == (3, "")
    assert printed.err.startswith("error: a token in OCTAVE_TOKENS has fewer than 16 characters")
    assert "openssl rand -hex 16" in printed.err
    assert "fifteen-letters" not in printed.err


async def test_a_short_token_is_accepted_only_on_this_machine() -> None:
    app = http.make(load(tokens=("abc",), public_hosts=("192.0.2.7",)))

    async def status(address: str) -> int:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://{address}") as client:
            return (await client.get("/livez2", headers={"Authorization": "Bearer abc"})).status_code

    assert (await status("127.0.0.1"), await status("192.0.2.7")) == (404, 401)


def test_the_error_about_a_port_in_use_names_it(
    run_server: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code = run_server("--http", "--port", port)
    printed = capsys.readouterr().err

    assert code == 3
    assert port in printed
    assert "--port" in printed


def test_a_port_without_http_is_a_usage_error(run_server: Callable[..., object]) -> None:
    assert run_server("--port", "7777") == 2


def test_uvicorn_finds_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])

    assert isinstance(import_from_string("server:app"), Starlette)


@pytest.mark.long
async def test_stdio_does_not_load_the_application(tmp_path: Path) -> None:
    looked = (
        "import sys, server; before = 'octave_mcp.surfaces.http' in sys.modules; print(before, server.app.routes != [])"
    )
    ended = await command("-c", looked, cwd=tmp_path)

    assert ended.out.split() == ["False", "True"], ended.err
