"""Measure the memory and the CPU time of servers that get no requests. Linux only.

    python bench/idle.py [--seconds 20]

The script starts an HTTP server and a server on stdin and stdout, each with a new SQLite database, and waits until the
database is open. It prints the memory of each server as proportional set size (PSS), and the CPU time that the HTTP
server then uses in the given time, as a share of a core. The exit code is 1 if a server uses more than 110 MB, or if
the HTTP server uses more than 1 % of a core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from load import cpu_seconds
from startup import MESSAGES
from waiting import server, usage

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator, Mapping

ROOT = Path(__file__).parents[1]
MAX_PSS_MB = 110.0
MAX_PERCENT = 1.0
# The first seconds of a server include its maintenance, its first garbage collection and its first check for runs to
# adopt.
SETTLING_SECONDS = 10.0
_CALL = {"method": "tools/call", "params": {"name": "list_sessions"}}
LIST_SESSIONS: dict[str, object] = {"jsonrpc": "2.0", "id": 3, **_CALL}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20)
    figures = measure(parser.parse_args().seconds)
    print(
        f"HTTP: PSS {figures['http_pss_mb']:.1f} MB, CPU {figures['http_cpu_percent']:.2f} % of a core; "
        f"stdio: PSS {figures['stdio_pss_mb']:.1f} MB (at most {MAX_PSS_MB:.0f} MB and {MAX_PERCENT:.0f} %)"
    )
    is_small = max(figures["http_pss_mb"], figures["stdio_pss_mb"]) <= MAX_PSS_MB
    return 0 if is_small and figures["http_cpu_percent"] <= MAX_PERCENT else 1


def measure(seconds: float) -> dict[str, float]:
    """Return the memory of both servers, and the CPU share of the HTTP server."""
    return asyncio.run(_measure(seconds))


async def _measure(seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home:
        async with server({"OCTAVE_HOME": home}) as (pid, _):
            await asyncio.sleep(SETTLING_SECONDS)
            before, started_at = cpu_seconds(pid), time.monotonic()
            await asyncio.sleep(seconds)
            percent = (cpu_seconds(pid) - before) / (time.monotonic() - started_at) * 100
            http_mb = usage(pid).pss_mb
    with tempfile.TemporaryDirectory() as home:
        async with on_stdio({"OCTAVE_HOME": home}) as process:
            await asked(process, LIST_SESSIONS)
            await asyncio.sleep(SETTLING_SECONDS)
            stdio_mb = usage(process.pid).pss_mb
    return {"http_pss_mb": http_mb, "http_cpu_percent": percent, "stdio_pss_mb": stdio_mb}


@asynccontextmanager
async def on_stdio(settings: dict[str, str], script: Path = ROOT / "server.py") -> AsyncGenerator[Process]:
    """Start an MCP server on stdin and stdout, and initialise the connection."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        env=os.environ | settings,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=1 << 24,
    )
    try:
        for message in MESSAGES[:-1]:
            await _send(process, message)
        await asked(process, MESSAGES[-1])
        yield process
    finally:
        process.terminate()
        await process.wait()


async def asked(process: Process, request: Mapping[str, object]) -> dict[str, object]:
    """Send a request, and return its response."""
    await _send(process, request)
    while True:
        response = json.loads(await cast("asyncio.StreamReader", process.stdout).readline())
        if response.get("id") == request["id"]:
            return response


async def _send(process: Process, message: Mapping[str, object]) -> None:
    sent = cast("asyncio.StreamWriter", process.stdin)
    sent.write(json.dumps(message).encode() + b"\n")
    await sent.drain()


if __name__ == "__main__":
    sys.exit(main())
