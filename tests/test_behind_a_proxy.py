"""Requests through a TLS-terminating proxy: a trailing slash makes no difference, and causes no redirect."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from conftest import CLIENT
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from matrix import sampled
from starlette.routing import Route
from web import COMPANIES, UNKNOWN_RUN, paths, problem_in, serving

from octave_mcp.settings import load
from octave_mcp.surfaces import http

NAME = "octave.acme.com"
PROXIED = {
    "nginx": {"Host": NAME, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"},
    "a port in the host": {"Host": f"{NAME}:8443", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "8443"},
    "RFC 7239": {"Host": NAME, "Forwarded": f"for=203.0.113.9;proto=https;host={NAME}"},
    "a header of the caller's": {"Host": NAME, "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
    "the proxy's own host": {"X-Forwarded-Host": NAME, "X-Forwarded-Proto": "https"},
    "no proxy": {},
}
by_each_proxy = pytest.mark.parametrize(
    "headers", sampled(PROXIED.values(), lambda headers: "X-Forwarded-Port" in headers), ids=PROXIED
)
CALLERS = (("127.0.0.1", 50_000), ("203.0.113.9", 50_000))
# Addresses that browsers open by themselves or that people type: they lead to another page.
MOVED = {"/new", "/favicon.ico"}
ACCEPT = {"Accept": "application/json, text/event-stream"}
TIMEOUT_SECONDS = 3600


def comparable(answer: httpx2.Response) -> tuple[object, ...]:
    return answer.status_code, *(answer.headers.get(name, "") for name in ("content-type", "allow", "location"))


@pytest.mark.parametrize("method", sampled(("GET", "POST", "DELETE", "HEAD", "PUT"), lambda method: method == "POST"))
async def test_every_route_answers_the_same_with_a_trailing_slash_without_a_redirect(method: str) -> None:
    async with serving(public_hosts=(NAME,)) as client:
        for path in paths():
            if path != "/":
                plain = await client.request(method, path, headers=ACCEPT | PROXIED["nginx"])
                slashed = await client.request(method, f"{path}/", headers=ACCEPT | PROXIED["nginx"])
                assert (path, comparable(slashed)) == (path, comparable(plain))
                assert slashed.is_redirect == (path in MOVED and method in {"GET", "HEAD"})


@by_each_proxy
async def test_a_run_can_be_started_and_followed_at_paths_with_a_trailing_slash(headers: dict[str, str]) -> None:
    async with serving(public_hosts=(NAME,), model="extractive") as client:
        started = await client.post("/runs/", json=COMPANIES, headers=headers)
        followed = await client.get(f"{started.headers['location']}/", headers=headers)
        unknown = await client.get(f"/runs/{UNKNOWN_RUN}/", headers=headers)
        start = await client.get("/", headers=headers)

    assert started.status_code == 202, started.text
    assert started.headers["location"] == f"/runs/{started.json()['run_id']}"
    assert followed.status_code == 200
    assert problem_in(unknown)["code"] == "not_found"
    assert (start.status_code, "location" in start.headers) == (200, False)


@by_each_proxy
@pytest.mark.parametrize("path", sampled(("/mcp", "/mcp/"), lambda path: path.endswith("/")))
async def test_an_mcp_client_is_served_with_and_without_a_trailing_slash(path: str, headers: dict[str, str]) -> None:
    async with serving(public_hosts=(NAME,)) as client:
        transport = StreamableHttpTransport(str(client.base_url.join(path)), headers=headers)
        async with Client(transport, timeout=TIMEOUT_SECONDS) as mcp:
            listed = await mcp.call_tool("list_sessions")

    assert listed.structured_content == {"sessions": [], "runs": [], "cursor": None}


async def test_an_mcp_session_can_be_ended_at_the_path_with_a_trailing_slash() -> None:
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": CLIENT}
    async with serving() as client:
        started = await client.post("/mcp/", json=body, headers=ACCEPT)
        session = {"Mcp-Session-Id": started.headers["mcp-session-id"]}
        ended = await client.delete("/mcp/", headers=ACCEPT | session)
        pinged = await client.post("/mcp/", json=body | {"method": "ping"}, headers=ACCEPT | session)

    assert (started.status_code, ended.status_code, pinged.status_code) == (200, 200, 404)


@pytest.mark.parametrize("caller", CALLERS, ids=["this machine", "another"])
async def test_forwarded_headers_are_not_trusted_from_any_caller(caller: tuple[str, int]) -> None:
    transport = httpx2.ASGITransport(http.make(load(public_hosts=(NAME,), model="extractive")), client=caller)
    evil = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example;proto=https", "X-Host": "evil.example"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answers = [
            await client.request("GET", path, headers=evil) for path in ("/sign-in", "/livez/", "/docs/", "/nope/")
        ]
        named = await client.get("/livez/", headers={"Host": "evil.example", "X-Forwarded-Host": NAME})

    assert [answer.status_code for answer in answers] == [200, 200, 200, 404]
    assert not [answer for answer in answers if "evil" in str(answer.headers) + answer.text]
    assert problem_in(named)["code"] == "refused_host"


async def test_only_pages_of_the_same_origin_may_call_the_server() -> None:
    async with serving(public_hosts=(NAME,)) as client:
        statuses = [
            (await client.get("/livez", headers={"Host": host, "Origin": origin})).status_code
            for host, origin in (
                (f"{NAME}:8443", f"https://{NAME}:8443"),
                (NAME, f"https://{NAME}"),
                (f"{NAME}:8443", f"https://{NAME}:9443"),
                (f"{NAME}:8443", "https://evil.example:8443"),
                ("evil.example:8443", "https://evil.example:8443"),
            )
        ]

    assert statuses == [200, 200, 403, 403, 421]


async def test_with_a_trailing_slash_only_health_checks_need_no_token() -> None:
    async with serving(tokens=("a-long-token",)) as client:
        statuses = [
            (await client.get(path)).status_code for path in ("/livez/", "/readyz/", "/runs/", "/mcp/", "/docs/")
        ]

    assert statuses == [200, 200, 401, 401, 401]


def test_no_route_requires_a_trailing_slash() -> None:
    routes = [route.path for route in http.make(load()).routes if isinstance(route, Route)]

    assert [path for path in routes if path.endswith("/")] == ["/"]
