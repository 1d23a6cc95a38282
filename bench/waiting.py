"""Measure the CPU and memory that an HTTP server uses while many runs wait for a client's answers. Linux only.

    python bench/waiting.py [--runs 500] [--seconds 60] [--postgres]

The script starts a server and many runs about the demo's two companies. When every run has asked its first questions,
the script prints how long that took. The script also prints the server's CPU usage by thread, and its memory as
proportional set size (PSS). The CPU usage and the memory are measured with one waiting run, and then with all runs
waiting. The exit code is 1 if all the waiting runs together use more than 1 % of a core.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from load import ready

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import postgres  # noqa: E402 - the tests are no package

from octave_mcp.demo import serve_demo  # noqa: E402

MAX_PERCENT = 1.0
MAX_CONCURRENT_REQUESTS = 50
# Measure the first seconds after the start of the runs separately, because they include a garbage collection.
SETTLING_SECONDS = 75
THREADS_SHOWN = 10
TICKS = os.sysconf("SC_CLK_TCK")
# This program runs server.py and tells Linux the names of Python's threads, because Python does so only since 3.14.
SERVER = f"""
import re, runpy, sys, threading


def name_thread(*_):
    sys.setprofile(None)
    name = re.sub(r"^Thread-\\d+ \\((.*)\\)$", r"\\1", threading.current_thread().name)
    with open("/proc/thread-self/comm", "w") as file:
        file.write(name[:15])  # Linux's limit


threading.setprofile(name_thread)
sys.argv[0] = {str(ROOT / "server.py")!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Usage:
    """The CPU time of each thread of a process in seconds, and the memory of the process."""

    at: float
    threads: dict[str, float]
    pss_mb: float

    @property
    def cpu_seconds(self) -> float:
        return sum(self.threads.values())

    def percent_since(self, earlier: Usage) -> float:
        return (self.cpu_seconds - earlier.cpu_seconds) / (self.at - earlier.at) * 100


def usage(pid: int) -> Usage:
    threads: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        name, _, fields = (task / "stat").read_text("utf-8").partition("(")[2].rpartition(")")
        user, system = fields.split()[11:13]
        threads[f"{name} {task.name}"] = (int(user) + int(system)) / TICKS
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    pss = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return Usage(time.monotonic(), threads, pss / 1024)


@contextmanager
def database(*, in_postgres: bool) -> Generator[dict[str, str]]:
    """Yield the settings that select a new Postgres database, or no settings for SQLite."""
    if not in_postgres:
        yield {}
        return
    with postgres.cluster() as url:
        yield {"OCTAVE_DATABASE_URL": f"{url}/postgres"}


@asynccontextmanager
async def server(settings: dict[str, str]) -> AsyncGenerator[tuple[int, httpx2.AsyncClient]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = (sys.executable, "-c", SERVER, "--http", "--port", str(port))
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | settings, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=600) as client:
            await ready(client)
            yield process.pid, client
    finally:
        process.terminate()
        await process.wait()


async def start(client: httpx2.AsyncClient, request: dict[str, object], semaphore: asyncio.Semaphore) -> str:
    async with semaphore:
        report = (await client.post("/runs", json=request)).json()
        while report["status"] in {"queued", "running"}:
            report = (await client.get(f"/runs/{report['run_id']}", params={"wait_seconds": 60})).json()
        return report["status"]


async def idle(pid: int, seconds: float) -> tuple[Usage, Usage]:
    before = usage(pid)
    await asyncio.sleep(seconds)
    return before, usage(pid)


def print_usage(title: str, before: Usage, after: Usage) -> None:
    print(f"{title:<28} CPU {after.percent_since(before):6.2f} % of a core, PSS {after.pss_mb:7.1f} MB")
    used = {name: seconds - before.threads.get(name, 0) for name, seconds in after.threads.items()}
    for name, seconds in sorted(used.items(), key=lambda item: -item[1])[:THREADS_SHOWN]:
        print(f"    {name:<32} {seconds / (after.at - before.at) * 100:6.2f} %")


async def measure(runs: int, seconds: float, settings: dict[str, str]) -> int:
    async with serve_demo() as (vendor, prospect), server(settings | allowed(vendor, prospect)) as (pid, client):
        request: dict[str, object] = {"vendor_domain": vendor, "prospect_domain": prospect, "model": "host"}
        # Let the first run read the sites, so that the other runs find the pages in the cache.
        print(f"first run: {await start(client, request, asyncio.Semaphore(1))}")
        print_usage("1 run waits", *await idle(pid, seconds / 2))
        started_at, before = time.monotonic(), usage(pid)
        semaphore = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)
        statuses = Counter(await asyncio.gather(*(start(client, request, semaphore) for _ in range(runs - 1))))
        after = usage(pid)
        used = after.cpu_seconds - before.cpu_seconds
        print(f"{runs - 1} more: {dict(statuses)} in {time.monotonic() - started_at:.1f} s, CPU {used:.1f} s, ", end="")
        print(f"{(after.pss_mb - before.pss_mb) * 1024 / max(runs - 1, 1):.0f} kB each")
        print_usage(f"first {SETTLING_SECONDS} seconds", *await idle(pid, SETTLING_SECONDS))
        waiting = await idle(pid, seconds)
        print_usage(f"{runs} runs wait", *waiting)
    return 0 if waiting[1].percent_since(waiting[0]) <= MAX_PERCENT else 1


def allowed(*origins: str) -> dict[str, str]:
    return {"OCTAVE_ALLOW_HOSTS": ",".join(urlsplit(origin).netloc for origin in origins)}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--postgres", action="store_true", help="use a new Postgres instead of SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, database(in_postgres=options.postgres) as setting:
        return asyncio.run(measure(options.runs, options.seconds, {"OCTAVE_HOME": home} | setting))


if __name__ == "__main__":
    sys.exit(main())
