"""A server ends at the first signal, whatever it is waiting for, and the next server resumes the runs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest
from conftest import CLIENT, PATIENT, ROOT, Pair, log_lines
from matrix import sampled
from web import new_client, serving

from octave_mcp.__main__ import main as command

SIGNALS = ((signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM))
by_a_signal = pytest.mark.parametrize(("number", "code"), sampled(SIGNALS, lambda row: row[0] == signal.SIGINT))

# This program runs `octave-mcp` with a DNS lookup that never returns, in a thread that cannot be interrupted.
STUCK = """
import socket, sys, threading

def never(*_, **__):
    print("looking up", file=sys.stderr, flush=True)
    threading.Event().wait()

look_up, socket.getaddrinfo = socket.getaddrinfo, lambda host, *rest, **more: (
    never() if "acme" in str(host) else look_up(host, *rest, **more)
)
from octave_mcp.surfaces.cli.main import main
sys.exit(main())
"""


@asynccontextmanager
async def process(code: str, *arguments: str, folder: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *arguments),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def line_with(stream: asyncio.StreamReader | None, text: str) -> str:
    assert stream
    async for line in stream:
        if text in line.decode():
            return line.decode()
    raise AssertionError(f"the process ended without printing {text!r}")


def send(server: asyncio.subprocess.Process, *messages: dict[str, Any]) -> None:
    assert server.stdin
    for message in messages:
        server.stdin.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")


def generate_call(pair: Pair) -> dict[str, Any]:
    arguments = pair.domains | {"wait_seconds": 50}
    return {"id": 2, "method": "tools/call", "params": {"name": "generate_playbook", "arguments": arguments}}


HANDSHAKE = ({"id": 1, "method": "initialize", "params": CLIENT}, {"method": "notifications/initialized"})


@pytest.mark.long
@by_a_signal
async def test_one_signal_ends_a_stdio_server_during_a_run_and_the_next_server_resumes_the_run(
    number: signal.Signals, code: int, held_pair: Pair, tmp_path: Path, home: Path
) -> None:
    async with process(PATIENT, folder=tmp_path) as server:
        send(server, *HANDSHAKE, generate_call(held_pair))
        await asyncio.to_thread(held_pair.vendor.asked.wait)
        server.send_signal(number)
        ended = await server.wait()
        assert server.stderr
        errors = (await server.stderr.read()).decode()

    held_pair.release()
    async with serving() as client:
        (session,) = (await client.get("/sessions")).json()["sessions"]
        run = (await client.get(f"/runs/{session['latest']['run_id']}", params={"wait_seconds": 600})).json()

    assert ended == code
    assert "Traceback" not in errors
    assert run["status"] in {"completed", "partial"}
    assert "run_resumed" in {line["event"] for line in log_lines(home)}


@pytest.mark.long
@by_a_signal
@pytest.mark.parametrize("messages", [(), HANDSHAKE], ids=["no client", "client"])
async def test_one_signal_ends_a_stdio_server_that_waits_for_its_client(
    messages: tuple[dict[str, Any], ...], number: signal.Signals, code: int, tmp_path: Path, home: Path
) -> None:
    async with process(PATIENT, folder=tmp_path) as server:
        send(server, *messages)
        while not (home / "octave.db").exists():  # noqa: ASYNC110 - another process creates it
            await asyncio.sleep(0)
        server.send_signal(number)
        ended = await server.wait()
        assert server.stderr
        errors = (await server.stderr.read()).decode()

    assert ended == code
    assert "Traceback" not in errors


@pytest.mark.long
@by_a_signal
async def test_one_signal_ends_an_http_server_with_an_mcp_client_and_a_half_sent_body(
    number: signal.Signals, code: int, tmp_path: Path, home: Path
) -> None:
    async with process(PATIENT, "--http", "--port", "0", folder=tmp_path) as server:
        origin = json.loads(await line_with(server.stderr, "listening"))["url"]
        host = origin.removeprefix("http://")
        async with new_client(origin) as client, await mcp_stream(client):
            _, half = await asyncio.open_connection(*host.split(":"))
            half.write(f"POST /runs HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99\r\n\r\n{{".encode())
            await half.drain()
            await client.get("/readyz")
            server.send_signal(number)
            ended = await server.wait()
            half.close()

    assert ended == code
    assert not [line for line in log_lines(home) if line["exception"] or line["level"] == "ERROR"]


@pytest.mark.long
@by_a_signal
async def test_a_server_with_open_streams_ends_without_an_error_even_after_two_signals(
    number: signal.Signals, code: int, held_pair: Pair, tmp_path: Path, home: Path
) -> None:
    async with process(PATIENT, "--http", "--port", "0", folder=tmp_path) as server:
        origin = json.loads(await line_with(server.stderr, "listening"))["url"]
        async with new_client(origin) as client, AsyncExitStack() as streams:
            run = (await client.post("/runs", json=held_pair.domains)).json()["run_id"]
            for _ in range(2):
                await streams.enter_async_context(client.stream("GET", f"/runs/{run}/events"))
                await streams.enter_async_context(await mcp_stream(client))
            server.send_signal(number)
            while await listens(origin):
                pass
            server.send_signal(number)
            ended = await server.wait()
        assert server.stderr
        errors = (await server.stderr.read()).decode()

    assert ended == code
    assert not [line for line in map(json.loads, errors.splitlines()) if line["level"] == "ERROR"]
    assert not [line for line in log_lines(home) if line["level"] == "ERROR"]


async def mcp_stream(client: httpx2.AsyncClient) -> AbstractAsyncContextManager[httpx2.Response]:
    accept = {"Accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": CLIENT}
    session = (await client.post("/mcp", json=body, headers=accept)).headers["mcp-session-id"]
    return client.stream("GET", "/mcp", headers=accept | {"Mcp-Session-Id": session})


async def listens(origin: str) -> bool:
    try:
        _, writer = await asyncio.open_connection(*origin.removeprefix("http://").split(":"))
    except ConnectionError:
        return False
    writer.close()
    return True


@pytest.mark.long
@pytest.mark.parametrize("command", ["serve", "generate", "scrape"])
async def test_one_interrupt_ends_a_command_even_while_a_thread_waits_for_a_name_server(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    arguments = {"serve": ["--transport", "http", "--port", "0"], "generate": ["acme.com", "globex.com"]}
    async with process(STUCK, command, *arguments.get(command, ["acme.com"]), folder=tmp_path) as running:
        if command == "serve":
            origin = json.loads(await line_with(running.stderr, "listening"))["url"]
            async with new_client(origin) as client:
                await client.post("/runs", json={"vendor_domain": "acme.com", "prospect_domain": "globex.com"})
        await line_with(running.stderr, "looking up")
        running.send_signal(signal.SIGINT)
        ended = await running.wait()
        assert running.stderr
        errors = (await running.stderr.read()).decode()

    assert ended == 130
    assert "Traceback" not in errors


def test_an_interrupt_while_the_command_is_being_imported_gives_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "octave_mcp.surfaces.cli.main", Interrupted("main"))

    assert command() == 130
    assert capsys.readouterr().err == "error: interrupted\n"
