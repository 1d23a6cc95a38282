"""Many runs that wait for a client's answers on one HTTP server: what do they cost while nothing happens? Linux only.

    python bench/waiting.py [--runs 500] [--seconds 60] [--postgres]

Starts a server, and runs about the demo's sites until each has asked its first questions. Prints how long that took,
then the CPU time and the proportional set size (PSS) of the server before the runs and while they wait, and which of
its threads used the CPU. At most 1 % of a core is allowed.
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
# How many requests to the server are open at the same time.
AT_ONCE = 50
# Includes the first collection of garbage after the runs have begun.
SETTLING_SECONDS = 75
# How many threads are listed.
SHOWN = 10
TICKS = os.sysconf("SC_CLK_TCK")
# `python server.py`, whose threads have the names for the system that they have in Python.
SERVER = f"""
import re, runpy, sys, threading


def name_thread(*_):
    sys.setprofile(None)
    name = re.sub(r"^Thread-\\d+ \\((.*)\\)$", r"\\1", threading.current_thread().name)
    with open("/proc/thread-self/comm", "w") as file:
        file.write(name[:15])


threading.setprofile(name_thread)
sys.argv[0] = {str(ROOT / "server.py")!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Usage:
    """CPU time in seconds, by thread, and memory of a process."""

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
    """The setting that names it; none is SQLite in OCTAVE_HOME."""
    if not in_postgres:
        yield {}
        return
    with postgres.cluster() as url:
        yield {"OCTAVE_DATABASE_URL": f"{url}/postgres"}


@asynccontextmanager
async def server(settings: dict[str, str]) -> AsyncGenerator[tuple[int, httpx2.AsyncClient]]:
    """A server in a process of its own: its id, and a client of it."""
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


async def begin(client: httpx2.AsyncClient, asked: dict[str, object], places: asyncio.Semaphore) -> str:
    """Starts a run and returns its status once it waits for answers, or has ended."""
    async with places:
        report = (await client.post("/runs", json=asked)).json()
        while report["status"] in {"queued", "running"}:
            report = (await client.get(f"/runs/{report['run_id']}", params={"wait_seconds": 60})).json()
        return report["status"]


async def idle(pid: int, seconds: float) -> tuple[Usage, Usage]:
    before = usage(pid)
    await asyncio.sleep(seconds)
    return before, usage(pid)


def told(what: str, before: Usage, after: Usage) -> None:
    print(f"{what:<28} CPU {after.percent_since(before):6.2f} % of a core, PSS {after.pss_mb:7.1f} MB")
    used = {name: seconds - before.threads.get(name, 0) for name, seconds in after.threads.items()}
    for name, seconds in sorted(used.items(), key=lambda one: -one[1])[:SHOWN]:
        print(f"    {name:<32} {seconds / (after.at - before.at) * 100:6.2f} %")


async def measure(runs: int, seconds: float, settings: dict[str, str]) -> int:
    async with serve_demo() as (vendor, prospect), server(settings | allowed(vendor, prospect)) as (pid, client):
        asked: dict[str, object] = {"vendor_domain": vendor, "prospect_domain": prospect, "model": "host"}
        print(await begin(client, asked, asyncio.Semaphore(1)), "is the first run, which reads the sites")
        told("1 run waits", *await idle(pid, seconds / 2))
        began, before = time.monotonic(), usage(pid)
        places = asyncio.Semaphore(AT_ONCE)
        statuses = Counter(await asyncio.gather(*(begin(client, asked, places) for _ in range(runs - 1))))
        after = usage(pid)
        used = after.cpu_seconds - before.cpu_seconds
        print(f"{runs - 1} more: {dict(statuses)} in {time.monotonic() - began:.1f} s, CPU {used:.1f} s, ", end="")
        print(f"{(after.pss_mb - before.pss_mb) * 1024 / max(runs - 1, 1):.0f} kB each")
        told("the first minute", *await idle(pid, SETTLING_SECONDS))
        waiting = await idle(pid, seconds)
        told(f"{runs} runs wait", *waiting)
    return 0 if waiting[1].percent_since(waiting[0]) <= MAX_PERCENT else 1


def allowed(*origins: str) -> dict[str, str]:
    return {"OCTAVE_ALLOW_HOSTS": ",".join(urlsplit(origin).netloc for origin in origins)}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--postgres", action="store_true", help="on a Postgres of its own instead of SQLite")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, database(in_postgres=asked.postgres) as where:
        return asyncio.run(measure(asked.runs, asked.seconds, {"OCTAVE_HOME": home} | where))


if __name__ == "__main__":
    sys.exit(main())
