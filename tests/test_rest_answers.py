"""Tests of HTTP responses about a finished run, and of error responses. All tests share one server on loopback."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Literal

import httpx2
import pytest
import pytest_asyncio
from conftest import Finished
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.exceptions import ToolError
from matrix import sampled
from web import COMPANIES, FORM, UNKNOWN_RUN, paths, problem_in, sent_in, serving

from octave_mcp.domain.playbook import Playbook
from octave_mcp.settings import load
from octave_mcp.surfaces import http
from octave_mcp.surfaces.rest import handlers as rest
from octave_mcp.surfaces.rest.access import MAX_BODY_BYTES
from octave_mcp.surfaces.web.paths import is_open, is_page
from octave_mcp.tools import TOOLS

NOT_UTF8 = b'{"vendor_domain": "\xff"}'

INVALID_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({}, "invalid_input"),
    ({"vendor_domain": "acme.com"}, "invalid_input"),
    (COMPANIES | {"colour": "red"}, "invalid_input"),
    (COMPANIES | {"max_pages": 0}, "invalid_input"),
    (COMPANIES | {"max_pages": 201}, "invalid_input"),
    (COMPANIES | {"max_pages": "some"}, "invalid_input"),
    (COMPANIES | {"wait_seconds": -1}, "invalid_input"),
    (COMPANIES | {"wait_seconds": 601}, "invalid_input"),
    (COMPANIES | {"context": "x" * 1001}, "invalid_input"),
    (COMPANIES | {"request_id": "x" * 256}, "invalid_input"),
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

INVALID_BODIES: list[tuple[str | None, bytes, int]] = [
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

ROUTE_ERRORS: list[tuple[str, str, int]] = [
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
    ("POST", "/livez", 405),
    ("PATCH", "/sessions/x", 405),
    ("OPTIONS", "/runs", 405),
]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(_finished: Finished) -> AsyncIterator[httpx2.AsyncClient]:
    with pytest.MonkeyPatch.context() as patched:
        _finished.use(patched)
        served = serving()
    async with served as client:
        yield client


@pytest.fixture
def client(server: httpx2.AsyncClient, finished: Finished) -> httpx2.AsyncClient:  # noqa: ARG001 - it sets the home directory
    """A client for a server with one completed run.

    Tests must not add or delete runs, because they share the server.
    """
    return server


@pytest.fixture
def path(finished: Finished) -> str:
    return f"/runs/{finished.run_id}"


# A finished run


async def test_the_playbook_is_available_in_each_format(client: httpx2.AsyncClient, path: str) -> None:
    links = (await client.get(path)).json()["links"]
    found = {link.rpartition(".")[2]: await client.get(link) for link in links}
    heads = [await client.head(link) for link in links]

    assert {suffix: answer.headers["content-type"] for suffix, answer in found.items()} == {
        "json": "application/json",
        "md": "text/markdown; charset=utf-8",
        "html": "text/html; charset=utf-8",
    }
    assert Playbook.model_validate_json(found["json"].content).evidence
    assert found["md"].text.startswith("# ")
    assert found["html"].text.startswith("<!DOCTYPE html>")
    assert [(head.status_code, head.content) for head in heads] == [(200, b"")] * 3


async def test_a_section_is_returned_by_its_name(client: httpx2.AsyncClient, path: str) -> None:
    whole = (await client.get(path, params={"section": "vendor_elements.case_studies"})).json()
    wrong = await client.get(path, params={"section": "horoscope"})

    assert whole["section"]["vendor_elements.case_studies"]
    assert problem_in(wrong)["code"] == "unknown_name"


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_http_and_mcp_return_the_same_run(
    era: Literal["auto", "legacy"], client: httpx2.AsyncClient, finished: Finished, path: str
) -> None:
    report = (await client.get(path)).json()
    async with Client(StreamableHttpTransport(f"{client.base_url}/mcp"), mode=era) as mcp:
        found = (await mcp.call_tool("get_run", {"run_id": finished.run_id})).structured_content

    assert found
    assert found["status"] == "completed"
    assert found["overview"] == report["overview"]


async def test_the_last_event_id_may_be_a_query_parameter(client: httpx2.AsyncClient, path: str) -> None:
    async with client.stream("GET", f"{path}/events", params={"last_event_id": "7"}) as answer:
        first = await anext(sent_in(answer))
    head = await client.head(f"{path}/events")

    assert first.id == 8
    assert (head.status_code, head.content) == (200, b"")


# Invalid requests


async def test_an_invalid_last_event_id_is_rejected(client: httpx2.AsyncClient) -> None:
    for number in ("-1", "1.5", "seven", "9" * 30, "1 OR 1=1"):
        in_header = await client.get(f"/runs/{UNKNOWN_RUN}/events", headers={"Last-Event-ID": number})
        in_address = await client.get(f"/runs/{UNKNOWN_RUN}/events", params={"last_event_id": number})
        assert problem_in(in_header)["code"] == problem_in(in_address)["code"] == "invalid_input"


async def test_invalid_arguments_cause_the_same_error_code_over_http_and_mcp(client: httpx2.AsyncClient) -> None:
    found: list[tuple[dict[str, Any], str]] = []
    async with Client(StreamableHttpTransport(f"{client.base_url}/mcp")) as mcp:
        for arguments, code in INVALID_ARGUMENTS:
            answers = [await client.post("/runs", json=arguments), await client.post("/runs", data=arguments)]
            with pytest.raises(ToolError) as refused:
                await mcp.call_tool("generate_playbook", arguments)
            assert str(refused.value).startswith(f"[{code}] ")
            assert {answer.status_code for answer in answers} == {404 if code == "not_found" else 400}
            found += [(arguments, problem_in(answer)["code"]) for answer in answers]

    assert found == [row for row in INVALID_ARGUMENTS for _ in range(2)]


async def test_an_invalid_body_is_rejected(client: httpx2.AsyncClient) -> None:
    found: list[tuple[str | None, bytes, int]] = []
    for media_type, body, _ in INVALID_BODIES:
        headers = {"Content-Type": media_type} if media_type else {}
        answer = await client.post("/runs", content=body, headers=headers)
        found.append((media_type, body, problem_in(answer)["status"]))
        assert len(answer.content) < 600

    assert found == INVALID_BODIES


@pytest.mark.parametrize("body", [b'{"vendor_domain": "acme.com"}', b'\n {"prospect_domain": "a&b=c"}'])
async def test_json_that_is_sent_as_a_form_gets_the_header_to_send(body: bytes, client: httpx2.AsyncClient) -> None:
    problem = problem_in(await client.post("/runs", content=body, headers={"Content-Type": FORM}))

    assert problem["status"] == 400
    assert problem["detail"].endswith("send the header 'Content-Type: application/json'")


async def test_every_error_is_problem_json(client: httpx2.AsyncClient) -> None:
    answers = [(method, path, await client.request(method, path)) for method, path, _ in ROUTE_ERRORS]

    assert [(method, path, problem_in(answer)["status"]) for method, path, answer in answers] == ROUTE_ERRORS


async def test_the_error_for_an_unsupported_method_lists_the_supported_ones(client: httpx2.AsyncClient) -> None:
    answer = await client.put("/sessions/some")

    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "DELETE"}


async def test_the_error_for_an_unknown_workflow_names_the_known_ones(
    client: httpx2.AsyncClient,
) -> None:
    detail = problem_in(await client.post("/workflows/other/runs", data=COMPANIES))["detail"]

    assert "sales-playbook" in detail
    assert "phase1_2_3_4_workflow" in detail


async def test_a_body_over_the_limit_is_rejected_with_or_without_content_length(client: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(64):
            yield b"x" * 65536

    announced = await client.post("/runs", content=b"x" * (MAX_BODY_BYTES + 1), headers={"Content-Type": FORM})
    streamed = await client.post("/runs", content=endless(), headers={"Content-Type": FORM})
    fitting = await client.post("/runs", content=b"a" * MAX_BODY_BYTES, headers={"Content-Type": FORM})

    assert [problem_in(answer)["code"] for answer in (announced, streamed)] == ["too_large"] * 2
    assert announced.status_code == streamed.status_code == 413
    assert fitting.status_code == 400


# Hosts and origins


@pytest.mark.parametrize("method", sampled(("GET", "POST", "DELETE", "OPTIONS"), lambda method: method == "POST"))
async def test_a_foreign_host_or_origin_is_refused_on_every_route(method: str, client: httpx2.AsyncClient) -> None:
    callers = [
        ({"Host": "evil.example"}, 421, "refused_host"),
        ({"Origin": "https://evil.example"}, 403, "refused_origin"),
        ({"Origin": "null"}, 403, "refused_origin"),
    ]
    for path in paths():
        for headers, status, code in callers:
            answer = await client.request(method, path, headers=headers)
            if answer.headers["content-type"].startswith("text/html"):
                assert (path, answer.status_code, is_page(path) or is_open(path)) == (path, status, True)
            else:
                assert (path, problem_in(answer)["status"], answer.json()["code"]) == (path, status, code)


async def test_a_host_that_only_resembles_loopback_is_refused(client: httpx2.AsyncClient) -> None:
    for host in ("127.0.0.1.evil.example", "localhost.evil.example", "evil.example:7777", "", "::2", "localhost@evil"):
        assert (host, (await client.get("/livez", headers={"Host": host})).status_code) == (host, 421)


async def test_a_page_on_another_local_port_cannot_change_anything(client: httpx2.AsyncClient) -> None:
    headers = {"Origin": "http://localhost:3000"}
    for method, path in (("POST", "/runs"), ("POST", "/estimate"), ("DELETE", "/sessions/sess_1"), ("PUT", "/nope")):
        refused = await client.request(method, path, headers=headers)
        assert (path, problem_in(refused)["code"]) == (path, "refused_origin")

    own = await client.post("/runs", headers={"Origin": str(client.base_url).rstrip("/")})
    assert problem_in(own)["code"] == "invalid_input"


async def test_loopback_and_configured_host_names_are_accepted(client: httpx2.AsyncClient) -> None:
    ours = [{"Host": "localhost"}, {"Host": "[::1]:7777"}, {"Origin": "http://localhost:7777"}]
    assert [(await client.get("/livez", headers=headers)).status_code for headers in ours] == [200] * 3

    application = http.make(load(public_hosts=("octave.acme.com",)))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(application), base_url=client.base_url) as public:
        named = await public.get("/livez", headers={"Host": "octave.acme.com", "Origin": "https://octave.acme.com"})
        other = await public.get("/livez", headers={"Host": "octave.acme.com", "Origin": "https://acme.com"})
    assert (named.status_code, other.status_code) == (200, 403)


# The server itself


async def test_settings_are_listed_with_their_origins(client: httpx2.AsyncClient) -> None:
    found = {line["name"]: line for line in (await client.get("/config")).json()["settings"]}

    assert (found["OCTAVE_MODEL"]["value"], found["OCTAVE_MODEL"]["origin"]) == ("extractive", "environment")
    assert found["OCTAVE_KEEP_DAYS"]["origin"] == "default"


async def test_a_server_that_can_accept_runs_is_ready(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "READY_SECONDS", 3600)
    assert (await client.get("/readyz")).json()["status"] == "ready"


async def test_every_tool_has_an_http_route(client: httpx2.AsyncClient) -> None:
    offered = (await client.get("/openapi.json")).json()["paths"]

    assert [tool.name for tool in TOOLS.values() if tool.method.lower() not in offered[tool.path]] == []


async def test_the_root_is_the_page_that_starts_a_playbook(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/")

    assert answer.status_code == 200
    assert "<h1>New playbook</h1>" in answer.text


async def test_the_earlier_interface_lists_its_workflow_under_both_names_and_the_specialists(
    client: httpx2.AsyncClient,
) -> None:
    workflows = (await client.get("/workflows")).json()
    agents = {agent["id"]: agent for agent in (await client.get("/agents")).json()}

    assert [workflow["id"] for workflow in workflows] == ["sales-playbook", "phase1_2_3_4_workflow"]
    assert agents["vendor/proof_points"] == {"id": "vendor/proof_points", "name": "Proof points", "tier": "fast"}
