"""The HTTP surface as a client meets it: a server on loopback, in the test's loop or in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import ROOT, Pair, command, log_lines
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.exceptions import ToolError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from web import FORM, Sent, sent_in, served, serving

from octave_mcp.domain.playbook import Playbook
from octave_mcp.settings import load
from octave_mcp.surfaces import http
from octave_mcp.surfaces.guard import MOST_BODY_BYTES
from octave_mcp.tools import TOOLS

COMPANIES = {"vendor_domain": "acme.com", "prospect_domain": "quill.org"}
UNKNOWN_RUN = "run_00000000000000000000000000000000"
PLANTED = "planted-secret-4b1d0c9e7f"
NOT_UTF8 = b'{"vendor_domain": "\xff"}'

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "invalid_input"),
    ({"vendor_domain": "acme.com"}, "invalid_input"),
    (COMPANIES | {"colour": "red"}, "invalid_input"),
    (COMPANIES | {"max_pages": 0}, "invalid_input"),
    (COMPANIES | {"max_pages": 201}, "invalid_input"),
    (COMPANIES | {"max_pages": "some"}, "invalid_input"),
    (COMPANIES | {"wait_seconds": -1}, "invalid_input"),
    (COMPANIES | {"wait_seconds": 601}, "invalid_input"),
    (COMPANIES | {"context": "x" * 1001}, "invalid_input"),
    (COMPANIES | {"request_id": ""}, "invalid_input"),
    (COMPANIES | {"language": "x" * 36}, "invalid_input"),
    (COMPANIES | {"language": "de"}, "unsupported_language"),
    (COMPANIES | {"model": "gpt"}, "unknown_name"),
    (COMPANIES | {"source": "rumour"}, "unknown_name"),
    (COMPANIES | {"vendor_domain": ""}, "invalid_input"),
    (COMPANIES | {"vendor_domain": "not a domain"}, "invalid_domain"),
    (COMPANIES | {"vendor_domain": "co.uk"}, "invalid_domain"),
    (COMPANIES | {"prospect_domain": "www.acme.com"}, "same_company"),
    (COMPANIES | {"prospect_domain": "10.0.0.7"}, "host_not_allowed"),
    (COMPANIES | {"prospect_domain": "169.254.169.254"}, "host_not_allowed"),
    (COMPANIES | {"session_id": "sess_00000000000000000000000000000000"}, "not_found"),
]

UNREADABLE: list[tuple[str | None, bytes, int]] = [
    ("application/json", b"{", 400),
    ("application/json", b"[]", 400),
    ("application/json", b'"text"', 400),
    ("application/json", b"null", 400),
    ("application/json", b"[" * 50_000, 400),
    ("application/json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400),
    ("application/json", NOT_UTF8, 400),
    ("application/json", b'{"vendor_domain": NaN}', 400),
    ("application/json", b'{"vendor_domain": "a\\u0000.com", "prospect_domain": "quill.org"}', 400),
    ("application/json", b'{"vendor_domain": "\\ud800.com", "prospect_domain": "quill.org"}', 400),
    (FORM, b"vendor_domain=%FF&prospect_domain=quill.org", 400),
    (FORM, b"vendor_domain=\xff&prospect_domain=quill.org", 400),
    (FORM, b"vendor_domain=a%00.com&prospect_domain=quill.org", 400),
    (FORM, b"vendor_domain=acme.com&vendor_domain=quill.org", 400),
    (FORM, b"&".join(b"a%d=1" % number for number in range(101)), 400),
    ("text/plain", b"vendor_domain=acme.com", 415),
    ("multipart/form-data; boundary=x", b"--x--", 415),
    (None, b"vendor_domain=acme.com", 415),
]

MISSED: list[tuple[str, str, int]] = [
    ("GET", "/nope", 404),
    ("GET", "/workflows/other/runs/x", 404),
    ("POST", "/workflows/other/runs", 404),
    ("GET", f"/runs/{UNKNOWN_RUN}", 404),
    ("GET", f"/runs/{UNKNOWN_RUN}/events", 404),
    ("GET", f"/runs/{UNKNOWN_RUN}/playbook.json", 404),
    ("GET", f"/runs/{UNKNOWN_RUN}/playbook.docx", 404),
    ("POST", f"/runs/{UNKNOWN_RUN}/cancel", 404),
    ("GET", "/docs/../server.py", 404),
    ("GET", "/docs/%2e%2e%2fserver.py", 404),
    ("GET", "/docs/swagger-editor.js", 404),
    ("GET", "/runs/run%00", 400),
    ("GET", f"/runs/{UNKNOWN_RUN}?colour=red", 400),
    ("GET", f"/runs/{UNKNOWN_RUN}?run_id=x", 400),
    ("GET", f"/runs/{UNKNOWN_RUN}?wait_seconds=nan", 400),
    ("GET", "/sessions?limit=0", 400),
    ("GET", "/sessions?limit=1&limit=2", 400),
    ("GET", "/sessions?cursor=%FF", 400),
    ("POST", "/runs?vendor_domain=acme.com", 400),
    ("PUT", "/runs", 405),
    ("GET", "/runs", 405),
    ("POST", "/livez", 405),
    ("PATCH", "/sessions/x", 405),
    ("OPTIONS", "/runs", 405),
]


def problem_in(answer: httpx2.Response) -> dict[str, Any]:
    """The problem that an answer is, its form checked."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found = answer.json()
    assert found.keys() == {"type", "title", "status", "code", "detail"}
    assert found["status"] == answer.status_code
    assert found["detail"]
    return found


async def finished(client: httpx2.AsyncClient, pair: Pair, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - arguments
    answer = await client.post("/runs", json=pair.domains | {"wait_seconds": 60} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def paths() -> list[str]:
    """A path of every route there is, and one of none."""
    routes = [route.path for route in http.make(load()).routes if isinstance(route, Route)]
    return [*(re.sub(r"{\w+}", "some", path) for path in routes), "/nope"]


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx2.AsyncClient]:
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    async with serving() as client:
        yield client


# Runs


@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
async def test_a_run_is_begun_at_once_and_found_finished_by_whoever_asks_later(pair: Pair, form: bool) -> None:
    given: dict[str, Any] = {"data" if form else "json": pair.domains}
    async with serving() as client:
        begun = await client.post("/runs", **given)
        report = (await client.get(begun.headers["location"], params={"wait_seconds": "60"})).json()

    assert begun.status_code == 202
    assert begun.headers["location"] == f"/runs/{begun.json()['run_id']}"
    assert begun.json()["status"] in {"queued", "running"}
    assert report["status"] == "completed"
    assert report["overview"]["personas"]
    assert report["links"] == [f"/runs/{report['run_id']}/playbook.{suffix}" for suffix in ("md", "html", "json")]


async def test_a_call_that_may_wait_answers_with_the_finished_run(pair: Pair) -> None:
    async with serving() as client:
        answer = await client.post("/runs", data=pair.domains | {"wait_seconds": "60"})

    assert answer.status_code == 200
    assert answer.json()["status"] == "completed"


async def test_the_playbook_comes_in_each_format(pair: Pair) -> None:
    async with serving() as client:
        report = await finished(client, pair)
        found = {link.rpartition(".")[2]: await client.get(link) for link in report["links"]}
        heads = [await client.head(link) for link in report["links"]]

    assert {suffix: answer.headers["content-type"] for suffix, answer in found.items()} == {
        "json": "application/json",
        "md": "text/markdown; charset=utf-8",
        "html": "text/html; charset=utf-8",
    }
    assert Playbook.model_validate_json(found["json"].content).evidence
    assert found["md"].text.startswith("# ")
    assert found["html"].text.startswith("<!DOCTYPE html>")
    assert [(head.status_code, head.content) for head in heads] == [(200, b"")] * 3


async def test_a_section_comes_by_its_name(pair: Pair) -> None:
    async with serving() as client:
        report = await finished(client, pair)
        path = f"/runs/{report['run_id']}"
        whole = (await client.get(path, params={"section": "vendor_elements.case_studies"})).json()
        wrong = await client.get(path, params={"section": "horoscope"})

    assert whole["section"]["vendor_elements.case_studies"]
    assert problem_in(wrong)["code"] == "unknown_name"


async def test_the_same_key_finds_the_same_run_and_another_request_by_it_is_refused(pair: Pair) -> None:
    key = {"Idempotency-Key": "deal-7"}
    async with serving() as client:
        first = await client.post("/runs", json=pair.domains, headers=key)
        again = await client.post("/runs", data=pair.domains | {"request_id": "deal-7"})
        other = await client.post("/runs", json=pair.domains | {"max_pages": 3}, headers=key)
        both = await client.post("/runs", json=pair.domains | {"request_id": "deal-8"}, headers=key)

    assert again.json()["run_id"] == first.json()["run_id"]
    assert (other.status_code, problem_in(other)["code"]) == (422, "request_id_reused")
    assert (both.status_code, problem_in(both)["code"]) == (400, "invalid_input")


async def test_a_run_is_cancelled_and_has_no_playbook(held_pair: Pair) -> None:
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


async def test_sessions_are_listed_looked_into_and_deleted_with_all_they_hold(pair: Pair) -> None:
    async with serving() as client:
        report = await finished(client, pair)
        run_id, session = report["run_id"], f"/sessions/{report['session_id']}"
        listed = (await client.get("/sessions", params={"limit": "5"})).json()
        looked = (await client.get(session)).json()
        deleted = await client.delete(session)
        gone = [await client.get(session), await client.delete(session), await client.get(f"/runs/{run_id}")]

    assert [line["session_id"] for line in listed["sessions"]] == [report["session_id"]]
    assert [line["run_id"] for line in looked["runs"]] == [run_id]
    assert deleted.json() == {"session_id": report["session_id"], "runs": 1}
    assert [problem_in(answer)["status"] for answer in gone] == [404] * 3
    assert not any(map(os.path.exists, report["files"]))


async def test_a_run_that_was_begun_over_http_is_found_over_mcp_at_the_same_server(pair: Pair) -> None:
    async with serving() as client:
        report = await finished(client, pair)
        for era in ("auto", "legacy"):
            async with Client(StreamableHttpTransport(f"{client.base_url}/mcp"), mode=era) as mcp:
                found = (await mcp.call_tool("get_run", {"run_id": report["run_id"]})).structured_content

            assert found
            assert found["status"] == "completed"
            assert found["overview"] == report["overview"]


# Streams


async def test_a_streamed_run_tells_what_happens_and_ends_with_its_report(pair: Pair) -> None:
    asked = pair.domains | {"stream": True, "wait_seconds": 600}
    async with serving() as client, client.stream("POST", "/runs", json=asked) as answer:
        first, *events, last = [event async for event in sent_in(answer)]

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (first.event, first.id) == ("run", None)
    assert json.loads(first.data)["status"] in {"queued", "running"}
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert (events[0].event, events[1].event, events[-1].event) == ("progress", "run_started", "run_finished")
    assert all(json.loads(event.data)["event"] == event.event for event in events)
    assert (last.event, last.id) == ("report", None)
    assert json.loads(last.data)["status"] == "completed"
    assert json.loads(first.data)["run_id"] == json.loads(last.data)["run_id"]


async def test_a_client_that_hangs_up_on_the_stream_loses_nothing(held_pair: Pair, home: Path) -> None:
    async with serving() as client:
        async with client.stream("POST", "/runs", data=held_pair.domains | {"stream": "true"}) as answer:
            begun = await anext(sent_in(answer))
        held_pair.release()
        run = f"/runs/{json.loads(begun.data)['run_id']}"
        report = (await client.get(run, params={"wait_seconds": "60"})).json()

    assert report["status"] == "completed"
    assert not [line for line in log_lines(home) if line["exception"] or line["level"] == "ERROR"]


async def test_a_reader_that_is_cut_off_twenty_times_sees_each_event_once_and_in_order(
    held_pair: Pair, home: Path
) -> None:
    seen: list[Sent] = []
    async with serving() as client:
        run = f"/runs/{(await client.post('/runs', json=held_pair.domains)).json()['run_id']}"

        async def read(most: int | None) -> None:
            headers = {"Last-Event-ID": str(seen[-1].id)} if seen else {}
            async with client.stream("GET", f"{run}/events", headers=headers) as answer:
                assert answer.status_code == 200
                async for event in sent_in(answer):
                    seen.append(event)
                    if most is not None and len(seen) == most:
                        return

        await read(1)
        held_pair.release()
        for most in range(3, 42, 2):
            await read(most)
        await read(None)
        async with client.stream("GET", f"{run}/events") as answer:
            whole = [event async for event in sent_in(answer)]
        nothing_left = await client.get(f"{run}/events", headers={"Last-Event-ID": str(seen[-1].id)})

    assert [event.id for event in seen] == list(range(1, len(seen) + 1))
    assert seen == whole
    assert seen[-1].event == "run_finished"
    assert (nothing_left.status_code, nothing_left.content) == (204, b"")
    assert not [line for line in log_lines(home) if line["exception"]]


async def test_a_reader_may_name_the_last_event_in_the_address_where_it_cannot_send_headers(pair: Pair) -> None:
    async with serving() as client:
        path = f"/runs/{(await finished(client, pair))['run_id']}/events"
        async with client.stream("GET", path, params={"last_event_id": "7"}) as answer:
            first = await anext(sent_in(answer))
        head = await client.head(path)

    assert first.id == 8
    assert (head.status_code, head.content) == (200, b"")


async def test_a_last_event_that_is_no_number_is_refused(client: httpx2.AsyncClient) -> None:
    for number in ("", "-1", "1.5", "seven", "9" * 30, "1 OR 1=1"):
        in_header = await client.get(f"/runs/{UNKNOWN_RUN}/events", headers={"Last-Event-ID": number})
        in_address = await client.get(f"/runs/{UNKNOWN_RUN}/events", params={"last_event_id": number})
        assert problem_in(in_header)["code"] == problem_in(in_address)["code"] == "invalid_input"


async def test_a_session_that_is_deleted_while_its_run_is_read_ends_the_stream(held_pair: Pair, home: Path) -> None:
    asked = held_pair.domains | {"stream": True}
    async with serving() as client, client.stream("POST", "/runs", json=asked) as answer:
        events = sent_in(answer)
        begun = json.loads((await anext(events)).data)
        await client.delete(f"/sessions/{begun['session_id']}")
        rest = [event async for event in events]

    assert rest[-1].event in {"report", "problem"}
    assert not [line for line in log_lines(home) if line["exception"]]


# What cannot be used


async def test_what_cannot_be_used_is_refused_with_the_same_code_over_http_and_mcp(client: httpx2.AsyncClient) -> None:
    found: list[tuple[dict[str, Any], str]] = []
    async with Client(StreamableHttpTransport(f"{client.base_url}/mcp")) as mcp:
        for arguments, code in REFUSED:
            answers = [await client.post("/runs", json=arguments), await client.post("/runs", data=arguments)]
            with pytest.raises(ToolError) as refused:
                await mcp.call_tool("generate_playbook", arguments)
            assert str(refused.value).startswith(f"[{code}] ")
            assert {answer.status_code for answer in answers} == {404 if code == "not_found" else 400}
            found += [(arguments, problem_in(answer)["code"]) for answer in answers]

    assert found == [row for row in REFUSED for _ in range(2)]


async def test_a_body_that_cannot_be_read_is_refused(client: httpx2.AsyncClient) -> None:
    found: list[tuple[str | None, bytes, int]] = []
    for media_type, body, _ in UNREADABLE:
        headers = {"Content-Type": media_type} if media_type else {}
        answer = await client.post("/runs", content=body, headers=headers)
        found.append((media_type, body, problem_in(answer)["status"]))
        assert len(answer.content) < 600

    assert found == UNREADABLE


async def test_every_refusal_is_a_problem(client: httpx2.AsyncClient) -> None:
    answers = [(method, path, await client.request(method, path)) for method, path, _ in MISSED]

    assert [(method, path, problem_in(answer)["status"]) for method, path, answer in answers] == MISSED


async def test_a_method_that_a_path_has_not_is_refused_with_those_it_has(client: httpx2.AsyncClient) -> None:
    answer = await client.put("/sessions/some")

    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "DELETE"}


async def test_a_workflow_that_is_not_there_is_refused_with_the_names_of_the_one_that_is(
    client: httpx2.AsyncClient,
) -> None:
    detail = problem_in(await client.post("/workflows/other/runs", data=COMPANIES))["detail"]

    assert "sales-playbook" in detail
    assert "phase1_2_3_4_workflow" in detail


async def test_without_a_model_a_run_is_refused_with_the_way_that_needs_no_key() -> None:
    async with serving() as client:
        answer = await client.post("/runs", data=COMPANIES)

    assert (answer.status_code, problem_in(answer)["code"]) == (503, "setup")
    assert "extractive" in answer.json()["detail"]


async def test_a_body_beyond_the_limit_is_refused_announced_or_not(client: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(64):
            yield b"x" * 65536

    announced = await client.post("/runs", content=b"x" * (MOST_BODY_BYTES + 1), headers={"Content-Type": FORM})
    streamed = await client.post("/runs", content=endless(), headers={"Content-Type": FORM})
    fitting = await client.post("/runs", content=b"a" * MOST_BODY_BYTES, headers={"Content-Type": FORM})

    assert [problem_in(answer)["code"] for answer in (announced, streamed)] == ["too_large"] * 2
    assert announced.status_code == streamed.status_code == 413
    assert fitting.status_code == 400


async def test_what_nobody_foresaw_is_logged_and_not_told(home: Path) -> None:
    async def broken(_: Request) -> Response:
        raise RuntimeError("words for the log alone")

    app = http.make(load())
    app.router.routes.append(Route("/broken", broken))
    async with served(app) as client:
        answer = await client.get("/broken")

    assert (answer.status_code, problem_in(answer)["code"]) == (500, "internal")
    assert "words" not in answer.text
    assert [line for line in log_lines(home) if "words for the log alone" in (line["exception"] or "")]


# Who may call


async def test_a_foreign_host_or_origin_is_refused_on_every_route(client: httpx2.AsyncClient) -> None:
    callers = [
        ({"Host": "evil.example"}, 421, "refused_host"),
        ({"Origin": "https://evil.example"}, 403, "refused_origin"),
        ({"Origin": "null"}, 403, "refused_origin"),
    ]
    for path in paths():
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            for headers, status, code in callers:
                answer = await client.request(method, path, headers=headers)
                assert (path, problem_in(answer)["status"], answer.json()["code"]) == (path, status, code)


async def test_a_host_that_only_looks_like_ours_is_refused(client: httpx2.AsyncClient) -> None:
    for host in ("127.0.0.1.evil.example", "localhost.evil.example", "evil.example:7777", "", "::2", "localhost@evil"):
        assert (host, (await client.get("/livez", headers={"Host": host})).status_code) == (host, 421)


async def test_loopback_and_the_names_that_are_set_are_answered(client: httpx2.AsyncClient) -> None:
    ours = [{"Host": "localhost"}, {"Host": "[::1]:7777"}, {"Origin": "http://localhost:7777"}]
    assert [(await client.get("/livez", headers=headers)).status_code for headers in ours] == [200] * 3

    async with serving(public_hosts=("octave.acme.com",)) as public:
        named = await public.get("/livez", headers={"Host": "octave.acme.com", "Origin": "https://octave.acme.com"})
        other = await public.get("/livez", headers={"Host": "octave.acme.com", "Origin": "https://acme.com"})
    assert (named.status_code, other.status_code) == (200, 403)


async def test_where_tokens_are_set_every_route_asks_for_one_but_those_about_health() -> None:
    wrong = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": PLANTED}, {"Authorization": f"Basic {PLANTED}"}]
    async with serving(tokens=(PLANTED, "another-token")) as client:
        for path in {*paths()} - {"/livez", "/readyz"}:
            refused = [await client.get(path, headers=headers) for headers in wrong]
            passed = await client.get(path, headers={"Authorization": f"bearer {PLANTED}"})
            assert (path, {problem_in(answer)["code"] for answer in refused}) == (path, {"unauthorized"})
            assert {answer.headers["www-authenticate"] for answer in refused} == {"Bearer"}
            assert passed.status_code != 401
        assert (await client.get("/livez")).status_code == (await client.get("/readyz")).status_code == 200


async def test_no_answer_and_no_log_holds_a_secret(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    async with own_process("--http", "--port", "0") as (origin, _), httpx2.AsyncClient(base_url=origin) as client:
        answers = [await client.get("/config", headers=headers), await client.get("/metrics", headers=headers)]
        answers += [await client.get(f"/{PLANTED}", headers=headers), await client.get(f"/runs/{UNKNOWN_RUN}")]
        for path in ("/runs", f"/runs/{UNKNOWN_RUN}/cancel", "/workflows/sales-playbook/runs"):
            for given in misplaced:
                sent: dict[str, Any] = {"headers": headers} | given
                answers.append(await client.post(path, **sent))

    assert not [answer.text for answer in answers if PLANTED in answer.text]
    assert PLANTED not in (home / "logs" / "octave.jsonl").read_text("utf-8")


# What the server says of itself


async def test_the_settings_are_listed_with_where_they_come_from_and_secrets_masked(client: httpx2.AsyncClient) -> None:
    found = {line["name"]: line for line in (await client.get("/config")).json()["settings"]}

    assert (found["OCTAVE_MODEL"]["value"], found["OCTAVE_MODEL"]["origin"]) == ("extractive", "environment")
    assert found["OCTAVE_KEEP_DAYS"]["origin"] == "default"


async def test_a_server_whose_database_cannot_be_used_is_alive_and_not_ready(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with serving(database_url=f"sqlite:///{tmp_path}/file/octave.db") as client:
        alive, ready = await client.get("/livez"), await client.get("/readyz")
        listed = await client.get("/sessions")

    assert alive.status_code == 200
    assert (ready.status_code, problem_in(ready)["code"]) == (503, "setup")
    assert (listed.status_code, problem_in(listed)["code"]) == (503, "setup")


async def test_a_server_that_can_take_runs_is_ready(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/readyz")).json()["status"] == "ready"


async def test_what_happened_is_counted_by_names_of_ours(pair: Pair) -> None:
    async with serving() as client:
        report = await finished(client, pair)
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


async def test_each_function_has_its_route(client: httpx2.AsyncClient) -> None:
    offered = (await client.get("/openapi.json")).json()["paths"]

    assert [tool.name for tool in TOOLS.values() if tool.method.lower() not in offered[tool.path]] == []


async def test_the_start_page_is_the_documentation(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/")

    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


# The earlier interface


async def test_the_earlier_interface_lists_its_workflow_under_both_names_and_the_specialists(
    client: httpx2.AsyncClient,
) -> None:
    workflows = (await client.get("/workflows")).json()
    agents = {agent["id"]: agent for agent in (await client.get("/agents")).json()}

    assert [workflow["id"] for workflow in workflows] == ["sales-playbook", "phase1_2_3_4_workflow"]
    assert agents["vendor/proof_points"] == {"id": "vendor/proof_points", "name": "Proof points", "tier": "fast"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_original_curl_examples_work_as_they_are(pair: Pair) -> None:
    async with serving() as client:
        runs = f"{client.base_url}/workflows/phase1_2_3_4_workflow/runs"
        asked = ("-X", "POST", runs, "-H", f"Content-Type: {FORM}")
        asked += tuple(word for name, value in pair.domains.items() for word in ("-d", f"{name}={value}"))
        begun = json.loads(await curl(*asked))
        streamed = await curl(*asked, "-d", "stream=true")
        report = json.loads(await curl(f"{runs}/{begun['run_id']}?wait_seconds=60"))
        session = f"{client.base_url}/sessions/{report['session_id']}"
        looked, deleted = json.loads(await curl(session)), json.loads(await curl("-X", "DELETE", session))

    assert report["status"] == "completed"
    assert "event: report\ndata: " in streamed
    assert looked["runs"][0]["run_id"] == begun["run_id"]
    assert deleted["runs"] == 1


async def curl(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--show-error", "--noproxy", "*", *arguments, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


# The process


@asynccontextmanager
async def own_process(*arguments: str) -> AsyncGenerator[tuple[str, asyncio.subprocess.Process]]:
    """A server in a process of its own, and where it is."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "server.py"), *arguments, env=dict(os.environ), stderr=asyncio.subprocess.PIPE
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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130)])
async def test_a_server_stops_when_it_is_told_to_even_with_a_stream_open(
    number: signal.Signals, code: int, held_pair: Pair, home: Path
) -> None:
    async with own_process("--http", "--port", "0") as (origin, process), httpx2.AsyncClient(base_url=origin) as client:
        asked = held_pair.domains | {"wait_seconds": 600}
        waiting = asyncio.create_task(client.post("/runs", json=asked, timeout=60))
        while not (sessions := (await client.get("/sessions")).json()["sessions"]):
            pass
        async with client.stream("GET", f"/runs/{sessions[0]['latest']['run_id']}/events") as answer:
            await anext(sent_in(answer))
            process.send_signal(number)
            await process.wait()
        cut_short = await waiting

    assert process.returncode == code
    assert (cut_short.status_code, problem_in(cut_short)["code"]) == (503, "not_ready")
    assert not [line for line in log_lines(home) if line["exception"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--http", "--host", "0.0.0.0"), "OCTAVE_TOKENS"),  # noqa: S104 - refused
        (("--http", "--host", "nowhere.invalid"), "nowhere.invalid"),
        (("--http", "--port", "70000"), "OCTAVE_PORT"),
    ],
)
async def test_a_server_that_must_not_or_cannot_listen_says_why_and_exits_3(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    ended = await command(str(ROOT / "server.py"), *arguments, cwd=tmp_path)

    assert (ended.code, ended.out) == (3, "")
    assert said in ended.err


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = await command(str(ROOT / "server.py"), "--http", "--port", port, cwd=tmp_path)

    assert ended.code == 3
    assert port in ended.err
    assert "--port" in ended.err


async def test_a_port_without_http_is_a_usage_error(tmp_path: Path) -> None:
    assert (await command(str(ROOT / "server.py"), "--port", "7777", cwd=tmp_path)).code == 2


async def test_uvicorn_finds_the_application_and_stdio_does_not_load_it(tmp_path: Path) -> None:
    looked = (
        "import sys, server; before = 'octave_mcp.surfaces.http' in sys.modules; print(before, server.app.routes != [])"
    )
    ended = await command("-c", looked, cwd=tmp_path)

    assert ended.out.split() == ["False", "True"], ended.err
