"""Measure how soon a run stops after another server cancels it, and how soon a run resumes after its server is killed.

    python bench/recovery.py [times]

The script measures with SQLite, and then with Postgres if Postgres is installed. The script prints how many seconds a
cancelled run takes to end its pending HTTP request. The exit code is 1 if this takes more than 2 seconds. The script
also kills the server of a run with `kill -9`, and prints how many seconds later another server resumes the run. This
time is measured with a second server that is already running, and with a server that is started after the kill. By
default, each measurement is made three times.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from unittest import mock

import psycopg

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from children import SERVES, Child, child  # noqa: E402 - the tests are no package
from postgres import cluster, program  # noqa: E402
from slow_servers import SilentSite, silent_site  # noqa: E402

from octave_mcp.app import App  # noqa: E402
from octave_mcp.engine.durable import ADOPTION_SECONDS  # noqa: E402
from octave_mcp.settings import load  # noqa: E402

MAX_CANCEL_SECONDS = 2.0
RESUMED = '"event": "run_resumed"'
ROW = "{:<52}{:>10}{:>10}{:>10}"


@asynccontextmanager
async def serving() -> AsyncGenerator[Child]:
    """Start a server with a run that cannot finish, because its two websites never respond.

    All servers share one run, because they start it with the same request_id.
    """
    vendor, prospect = load().allow_hosts
    request = {"vendor": f"http://{vendor}", "prospect": f"http://{prospect}", "request_id": "one"}
    async with child(Path(os.environ["OCTAVE_HOME"]) / "steps.log", request, stays=True) as server:
        yield server


async def cancelled(site: SilentSite) -> float:
    async with serving():
        await site.asked.wait()
        other = App(load())
        await other.runs.open(executing=False)
        (run,) = await other.runs.list_runs(None, 1, None)
        started_at = time.perf_counter()
        await other.runs.cancel(run.run_id)
        await site.left.wait()
        took = time.perf_counter() - started_at
        await other.runs.close()
        return took


async def adopted(site: SilentSite) -> float:
    async with serving() as first:
        await first.says(SERVES)
        await site.asked.wait()
        async with serving() as other:
            await other.says(SERVES)
            # Wait until the second server has seen the first server's heartbeats.
            await asyncio.sleep(ADOPTION_SECONDS * 2)
            killed_at = time.perf_counter()
            await first.kill()
            await other.says(RESUMED)
            return time.perf_counter() - killed_at


async def started_again(site: SilentSite) -> float:
    async with serving() as first:
        await first.says(SERVES)
        await site.asked.wait()
        killed_at = time.perf_counter()
        await first.kill()
        async with serving() as second:
            await second.says(RESUMED)
            return time.perf_counter() - killed_at


MEASURED: dict[str, Callable[[SilentSite], Awaitable[float]]] = {
    "cancelled by another server": cancelled,
    "killed, resumed by a running server": adopted,
    "killed, resumed by a new server": started_again,
}


async def measure(wait: Callable[[SilentSite], Awaitable[float]], url: str) -> float:
    with tempfile.TemporaryDirectory() as home:
        async with silent_site() as site, silent_site() as another:
            allowed = f"{site.host},{another.host}"
            settings = {"OCTAVE_HOME": home, "OCTAVE_MODEL": "extractive", "OCTAVE_ALLOW_HOSTS": allowed}
            settings |= {"OCTAVE_DATABASE_URL": url} if url else {}
            with mock.patch.dict(os.environ, settings):
                return await wait(site)


@contextmanager
def databases() -> Generator[dict[str, Callable[[], str]]]:
    """For each kind of database, yield a function that returns the URL of an empty database.

    For SQLite, the URL is ''.
    """
    if not program("pg_ctl"):
        yield {"SQLite": str}
        return
    with cluster() as server:
        yield {"SQLite": str, "Postgres": lambda: _new_database(server)}


def _new_database(server: str) -> str:
    name = f"bench_{time.monotonic_ns()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return f"{server}/{name}"


def main() -> int:
    times, is_late = int(sys.argv[1]) if len(sys.argv) > 1 else 3, False
    print(ROW.format("seconds", "min", "median", "max"))
    with databases() as factories:
        for database, new in factories.items():
            for name, wait in MEASURED.items():
                taken = [asyncio.run(measure(wait, new())) for _ in range(times)]
                figures = (f"{figure:.1f}" for figure in (min(taken), statistics.median(taken), max(taken)))
                print(ROW.format(f"{database}: {name}", *figures), flush=True)
                is_late |= wait is cancelled and max(taken) > MAX_CANCEL_SECONDS
    return int(is_late)


if __name__ == "__main__":
    sys.exit(main())
