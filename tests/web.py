"""Helpers that serve an application on loopback, in the event loop of a test, and create HTTP clients for it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from octave_mcp.demo.serving import Server
from octave_mcp.settings import load
from octave_mcp.surfaces import http
from octave_mcp.surfaces.rest import handlers as rest

FORM = "application/x-www-form-urlencoded"
COMPANIES = {"vendor_domain": "acme.com", "prospect_domain": "quill.org"}
UNKNOWN_RUN = "run_00000000000000000000000000000000"


def serving(**settings: Any) -> AbstractAsyncContextManager[httpx2.AsyncClient]:  # noqa: ANN401 - fields of Settings
    return served(http.make(load(**settings)))


def lift_server_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow a server in this process an hour to open its database and to finish responses.

    With the usual limits, tests would fail on a slow machine.
    """
    monkeypatch.setattr(rest, "READY_SECONDS", 3600)
    monkeypatch.setattr(http, "DRAIN_SECONDS", 3600)


def new_client(origin: str) -> httpx2.AsyncClient:
    """Return a client without a timeout.

    The client opens a new connection for each request, because the server could close an idle connection at any time.
    """
    limits = httpx2.Limits(max_keepalive_connections=0)
    return httpx2.AsyncClient(base_url=origin, timeout=None, trust_env=False, limits=limits)


@asynccontextmanager
async def served(app: Starlette) -> AsyncGenerator[httpx2.AsyncClient]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server: uvicorn.Server = Server(http.configured(app))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            async with new_client(origin) as client:
                yield client
        finally:
            server.should_exit = True
            await running


@dataclass(frozen=True)
class Sent:
    """A server-sent event."""

    event: str
    data: str
    id: int | None = None


async def sent_in(answer: httpx2.Response) -> AsyncIterator[Sent]:
    """Yield the complete events of a stream.

    Like a browser, ignore an event that is cut off at the end of the stream.
    """
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif fields.get("event"):
            number = fields.get("id")
            yield Sent(fields["event"], fields["data"], int(number) if number else None)
            fields = {}


def problem_in(answer: httpx2.Response) -> dict[str, Any]:
    """Return the problem document in the response after checking its structure."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found = answer.json()
    assert found.keys() == {"type", "title", "status", "code", "detail"}
    assert found["status"] == answer.status_code
    assert found["detail"]
    return found


def paths() -> list[str]:
    """Return a path for every route, and one path that matches no route."""
    routes = [route.path for route in http.make(load()).routes if isinstance(route, Route)]
    return [*(re.sub(r"{\w+}", "some", path) for path in routes), "/nope"]
