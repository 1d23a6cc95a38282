"""Measures several octave-mcp servers on one Postgres database, and what a run costs the database."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import postgres
import psycopg
from measures import FAST, MANY, USABLE, Figures
from processes import BENCH, Server, environment
from world import Pair, World, cases, generate, world

DATABASE = "octave"
COUNTERS = (
    "SELECT xact_commit + xact_rollback, tup_inserted, tup_updated, tup_deleted, tup_returned, "
    "(SELECT wal_bytes FROM pg_stat_wal), pg_database_size(current_database()) "
    "FROM pg_stat_database WHERE datname = current_database()"
)
NAMES = ("transactions", "rows_inserted", "rows_updated", "rows_deleted", "rows_returned", "wal_bytes", "bytes_stored")
# Writes are flushed to disk in real operation, unlike in the measurement. This many commits per second is what a
# single disk with a battery-backed cache or an SSD usually sustains.
COMMITS_PER_SECOND = 5_000


async def servers_on_postgres(counts: Sequence[int], runs: int) -> Figures:
    """Return the throughput of several server processes that share a database, and the database's work per run."""
    if not postgres.program("initdb"):
        return {"skipped": "PostgreSQL is not installed"}
    with postgres.cluster() as url:
        rows = [await _throughput(url, f"{DATABASE}{count}", count, runs) for count in counts]
    one = rows[0]["runs_per_minute"]
    return {
        "rows": [{**row, "relative": row["runs_per_minute"] / one} for row in rows],
        "per_run": rows[0]["per_run"],
        "runs_per_second_at_limit": COMMITS_PER_SECOND / rows[0]["per_run"]["transactions"],
    }


async def _throughput(url: str, name: str, count: int, runs: int) -> Figures:
    with psycopg.connect(f"{url}/postgres", autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")  # pyright: ignore[reportArgumentType, reportCallIssue] - a name of our own
    main = cases()[0]
    async with world([main] * (count + runs), FAST) as made, AsyncExitStack() as stack:
        settings = {"database_url": f"{url}/{name}", **MANY}
        servers = [await stack.enter_async_context(made.server(**settings)) for _ in range(count)]
        await asyncio.gather(*(generate(server, pair) for server, pair in zip(servers, made.pairs, strict=False)))
        before, began = _counters(f"{url}/{name}"), time.perf_counter()
        statuses = await _all(servers, made.pairs[count:])
        seconds = time.perf_counter() - began
        await asyncio.sleep(1.5)  # Postgres updates its statistics about once a second
        after = _counters(f"{url}/{name}")
    used = {name: (now - then) / runs for name, then, now in zip(NAMES, before, after, strict=True)}
    return {
        "processes": count,
        "runs": runs,
        "failed": sum(status not in USABLE for status in statuses),
        "runs_per_minute": 60 * runs / seconds,
        "per_run": used,
    }


async def _all(servers: Sequence[Server], pairs: Sequence[Pair]) -> list[str]:
    """Divide the runs equally among the servers, and return their statuses."""
    reports = await asyncio.gather(*(generate(servers[at % len(servers)], pair) for at, pair in enumerate(pairs)))
    return [report["status"] for report in reports]


def _counters(url: str) -> tuple[int, ...]:
    with psycopg.connect(url) as database:
        row = database.execute(COUNTERS).fetchone()
    assert row  # noqa: S101 - for the type checker
    return tuple(map(int, row))


async def durable_overhead(runs: int) -> Figures:
    """Return how many seconds a run takes longer with the durable engine than with the engine that stores no queue."""
    main = cases()[0]
    async with world([main] * 2 * (runs + 1), FAST) as made:
        inline, durable = [await _times(made, engine, at) for at, engine in enumerate(("inline", "durable"))]
    return {
        "inline_seconds": statistics.median(inline),
        "durable_seconds": statistics.median(durable),
        "overhead_seconds": statistics.median(durable) - statistics.median(inline),
    }


async def _times(made: World, engine: str, half: int) -> list[float]:
    count = len(made.pairs) // 2
    pairs = [(pair.vendor, pair.prospect) for pair in made.pairs[half * count : (half + 1) * count]]
    with tempfile.TemporaryDirectory() as home:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(BENCH / "engines.py"), engine, json.dumps(pairs),
            env=environment({**made.environment(**MANY), "OCTAVE_HOME": home, "OCTAVE_LOG_LEVEL": "ERROR"}),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        out, _ = await process.communicate()
    times: Any = json.loads(out)
    return times
