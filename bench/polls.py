"""Measure the CPU time of polling a finished run, compared with trivial servers. Linux only.

    python bench/polls.py [--requests 500]

The script lets the extractive model write a playbook about the demo's two companies. Then it polls the run with
GET /runs/{id}, with the tool get_run over streamable HTTP, and with get_run on stdin and stdout, and prints the CPU
time of the server per request. The same number of requests goes to a Starlette route that answers "hello", and to a
FastMCP tool that returns a small object. The exit code is 1 if GET /runs/{id} takes more than 10 times the CPU time of
the route, or if get_run takes more than 1.5 times the CPU time of the tool.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx2
from idle import asked, on_stdio
from load import cpu_seconds
from startup import CLIENT
from waiting import allowed, server

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from octave_mcp.demo import serve_demo  # noqa: E402 - the project is not installed when the bench runs

MAX_RATIOS = {"rest": 10.0, "mcp_http": 1.5, "mcp_stdio": 1.5}
NAMES = {"rest": "GET /runs/{id}", "mcp_http": "get_run over HTTP", "mcp_stdio": "get_run on stdio"}
# The first requests load the playbook and build validators.
WARM_UP = 20
# A server that has just opened its database looks for runs to adopt and for old runs to delete.
SETTLING_SECONDS = 5.0
BATCH = 50
HELLO = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def hello(_):
    return PlainTextResponse("hello")


app = Starlette(routes=[Route("/hello", hello)])
uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False)
"""
TRIVIAL = """
import sys
from fastmcp import FastMCP

mcp = FastMCP("trivial")


@mcp.tool
def get_run(run_id: str) -> dict:
    "Return a small object."
    return {"run_id": run_id, "status": "completed", "done": 8, "total": 8}


if len(sys.argv) > 1:
    import uvicorn

    uvicorn.run(mcp.http_app(), port=int(sys.argv[1]), log_config=None, access_log=False)
else:
    mcp.run(transport="stdio", show_banner=False)
"""
MCP_HEADERS = {"Accept": "application/json, text/event-stream"}

Request = Callable[[], Awaitable[object]]


class Polled(NamedTuple):
    """A server, and a function that sends a request to it and waits for the response."""

    pid: int
    request: Request

    async def cpu_seconds(self, requests: int) -> float:
        before = cpu_seconds(self.pid)
        for _ in range(requests):
            await self.request()
        return cpu_seconds(self.pid) - before


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=500)
    figures = measure(parser.parse_args().requests)
    for name, most in MAX_RATIOS.items():
        ours, trivial = figures[f"{name}_ms"], figures[f"{name}_trivial_ms"]
        ratio = figures[f"{name}_ratio"]
        print(f"{NAMES[name]:<18} CPU {ours:.2f} ms, trivial {trivial:.2f} ms, ratio {ratio:.2f} (at most {most:g})")
    return 0 if all(figures[f"{name}_ratio"] <= most for name, most in MAX_RATIOS.items()) else 1


def measure(requests: int) -> dict[str, float]:
    """Return the CPU time per request of our server and of a trivial server, and their ratio, for each interface."""
    return asyncio.run(_measure(requests))


async def _measure(requests: int) -> dict[str, float]:
    ms: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as home:
        settings = {"OCTAVE_HOME": home}
        async with serve_demo() as (vendor, prospect), server(settings | allowed(vendor, prospect)) as (pid, client):
            run_id = await finished_run(client, vendor, prospect)
            async with trivial_server(home, HELLO) as (hello_pid, hello):
                ours = Polled(pid, lambda: got(client, f"/runs/{run_id}"))
                ms["rest"] = await cpu_ms(ours, Polled(hello_pid, lambda: got(hello, "/hello")), requests)
            async with trivial_server(home, TRIVIAL) as (trivial_pid, trivial):
                ours = Polled(pid, await mcp_call(client, run_id))
                ms["mcp_http"] = await cpu_ms(ours, Polled(trivial_pid, await mcp_call(trivial, run_id)), requests)
        call = get_run(run_id)
        async with on_stdio(settings) as octave, on_stdio(settings, _script(home, TRIVIAL)) as simple:
            ours = Polled(octave.pid, lambda: asked(octave, call))
            ms["mcp_stdio"] = await cpu_ms(ours, Polled(simple.pid, lambda: asked(simple, call)), requests)
    figures: dict[str, float] = {}
    for name, (own_ms, trivial_ms) in ms.items():
        figures |= {f"{name}_ms": own_ms, f"{name}_trivial_ms": trivial_ms, f"{name}_ratio": own_ms / trivial_ms}
    return figures


async def finished_run(client: httpx2.AsyncClient, vendor: str, prospect: str) -> str:
    request = {"vendor_domain": vendor, "prospect_domain": prospect, "model": "extractive", "wait_seconds": 600}
    report = (await client.post("/runs", json=request)).raise_for_status().json()
    if not report["overview"]:
        raise RuntimeError(f"the run has no playbook: {report}")
    return report["run_id"]


async def cpu_ms(ours: Polled, trivial: Polled, requests: int) -> tuple[float, float]:
    """Return the CPU time per request of both servers in milliseconds."""
    for polled in (ours, trivial):
        await polled.cpu_seconds(WARM_UP)
    await asyncio.sleep(SETTLING_SECONDS)
    used = [0.0, 0.0]
    # Alternate between the servers, because other programs on the machine slow down both of them.
    for _ in range(max(1, requests // BATCH)):
        for index, polled in enumerate((ours, trivial)):
            used[index] += await polled.cpu_seconds(BATCH)
    sent = max(1, requests // BATCH) * BATCH
    return used[0] * 1000 / sent, used[1] * 1000 / sent


async def got(client: httpx2.AsyncClient, path: str) -> None:
    (await client.get(path)).raise_for_status()


async def mcp_call(client: httpx2.AsyncClient, run_id: str) -> Request:
    """Open an MCP session, and return a function that calls get_run in it."""
    params = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": CLIENT}
    opened = (await client.post("/mcp", json=params, headers=MCP_HEADERS)).raise_for_status()
    headers = MCP_HEADERS | {name: opened.headers[name] for name in ("mcp-session-id",) if name in opened.headers}
    initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    (await client.post("/mcp", json=initialized, headers=headers)).raise_for_status()

    async def call() -> None:
        response = (await client.post("/mcp", json=get_run(run_id), headers=headers)).raise_for_status()
        if '"isError":true' in response.text or run_id not in response.text:
            raise RuntimeError(f"get_run failed: {response.text}")

    return call


def get_run(run_id: str) -> dict[str, object]:
    params = {"name": "get_run", "arguments": {"run_id": run_id}}
    return {"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": params}


@asynccontextmanager
async def trivial_server(home: str, program: str) -> AsyncGenerator[tuple[int, httpx2.AsyncClient]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(_script(home, program)), str(port)), env=os.environ, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            while True:
                try:
                    await client.get("/")
                    break
                except httpx2.ConnectError:
                    await asyncio.sleep(0.1)
            yield process.pid, client
    finally:
        process.terminate()
        await process.wait()


def _script(home: str, program: str) -> Path:
    script = Path(home) / "trivial.py"
    script.write_text(program)
    return script


if __name__ == "__main__":
    sys.exit(main())
