"""Starts the servers of the benchmark as separate processes, and measures their CPU time and memory."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2
from latency import Latency
from load import FINAL, cpu_seconds
from waiting import usage
from websites import listening

ROOT = Path(__file__).parents[1]
BENCH = Path(__file__).parent
START_SECONDS = 60
MB = 2**20


@asynccontextmanager
async def announcing(script: Path, *arguments: str) -> AsyncGenerator[Any]:
    """Run a script that prints one line of JSON when it is ready. Yield the parsed line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin and process.stdout  # noqa: S101, PT018 - for the type checker
    try:
        async with asyncio.timeout(START_SECONDS):
            line = await process.stdout.readline()
        yield json.loads(line)
    finally:
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def provider(latency: Latency, *, has_faults: bool = True) -> AsyncGenerator[str]:
    """Run the local provider, and yield its URL."""
    options = () if has_faults else ("--without-faults",)
    async with announcing(BENCH / "provider.py", json.dumps(asdict(latency)), *options) as url:
        yield url


@asynccontextmanager
async def websites(latency: Latency, sites: Sequence[Mapping[str, Any]]) -> AsyncGenerator[list[str]]:
    """Serve the sites, and yield their URLs in the same order."""
    async with announcing(BENCH / "websites.py", json.dumps(asdict(latency)), json.dumps(sites)) as urls:
        yield urls


@dataclass(frozen=True)
class Server:
    """A running octave-mcp. `client` sends requests to it, and `home` is its OCTAVE_HOME."""

    client: httpx2.AsyncClient
    pid: int
    home: Path

    async def run(self, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Make a playbook, and return the final report."""
        response = await self.client.post("/runs", json=arguments)
        report = response.raise_for_status().json()
        while report["status"] not in FINAL:
            response = await self.client.get(f"/runs/{report['run_id']}", params={"wait_seconds": 300})
            report = response.raise_for_status().json()
        return report

    async def playbook(self, run_id: str) -> dict[str, Any]:
        return (await self.client.get(f"/runs/{run_id}/playbook.json")).raise_for_status().json()

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    @property
    def pss_bytes(self) -> float:
        return usage(self.pid).pss_mb * MB


@asynccontextmanager
async def server(env: Mapping[str, str], home: Path | None = None) -> AsyncGenerator[Server]:
    """Run `server.py --http` on a free port with its own OCTAVE_HOME, and yield it when it is ready."""
    with tempfile.TemporaryDirectory() as own:
        home = home or Path(own)
        with listening() as free:
            port = free.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "server.py"), "--http", "--port", str(port),
            env=environment({"OCTAVE_HOME": str(home), **env}), stderr=asyncio.subprocess.DEVNULL, cwd=own,
        )  # fmt: skip
        try:
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=900, limits=LIMITS) as client:
                await _ready(client)
                yield Server(client, process.pid, home)
        finally:
            process.terminate()
            await process.wait()


PREFIXES = ("OCTAVE_", "OPENAI_", "ANTHROPIC_", "FIRECRAWL_", "HTTP_", "HTTPS_", "ALL_", "NO_", "OTEL_")
LIMITS = httpx2.Limits(max_connections=None)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of this process with these variables, but without the user's own settings."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIXES)} | {**settings}


async def _ready(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                if (await client.get("/readyz")).is_success:
                    return
            except httpx2.ConnectError:
                pass
            await asyncio.sleep(0.05)


def keys(provider_url: str) -> dict[str, str]:
    """Return the variables that make octave-mcp ask the local provider.

    The provider is called through a proxy setting, under an address that looks public. Otherwise octave-mcp would take
    it for a server of the user's own, to which it sends only a few calls at a time.
    """
    return {
        "OPENAI_API_KEY": "sk-bench-0123456789",
        "OPENAI_BASE_URL": "http://openai.bench.example/v1",
        "ANTHROPIC_API_KEY": "sk-ant-bench-0123456789",
        "ANTHROPIC_BASE_URL": "http://anthropic.bench.example",
        "HTTP_PROXY": provider_url,
        "NO_PROXY": "127.0.0.1",
    }
