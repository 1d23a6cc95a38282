"""The measurements of the benchmark. Each returns figures as JSON values, and starts servers and doubles of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

from latency import Latency
from plans import INSTRUCTION_TOKENS, Step, classic, with_barriers
from processes import Server
from world import Case, Pair, World, cases, generate, world

Figures = dict[str, Any]
# Runs that only fill the caches of the doubles, or whose CPU time is measured, do not wait for realistic answers.
FAST = 0.02
MANY = {"max_runs": 200, "max_asks": 1000}
PROBE_SECONDS = 0.2
SAMPLE_SECONDS = 1.0
USABLE = ("completed", "partial")


async def one_run(scale: float) -> Figures:
    """Return the timeline, cost and critical path of one run, and the times of other plans and of a cached run."""
    main = cases()[0]
    async with world([main, main], FAST) as made, made.server(**MANY) as server:
        warm_up, pair = made.pairs
        await generate(server, warm_up)
        await made.rescale(scale)
        await made.forget()
        started_at = time.time()
        report = await generate(server, pair)
        playbook = await server.playbook(report["run_id"])
        rows = _steps(server, report["run_id"])
        first = min(began for _, began, _, _ in rows)
        steps = [Step(name, began - first, ended - first) for name, began, ended, _ in rows]
        calls, latency = await made.calls(), Latency(scale=scale)
        timings, cost = playbook["timings"], playbook["cost"]
        return {
            "case": main.name,
            "status": report["status"],
            "wall_seconds": timings["total_seconds"],
            "critical_path_seconds": timings["critical_path_seconds"],
            "critical_path": [call["name"] for call in timings["critical_path"]],
            "slowest_calls": timings["slowest_calls"],
            "steps": [step._asdict() for step in steps],
            "calls": [{**call, "started_at": call["started_at"] - started_at} for call in calls],
            "barriers_seconds": with_barriers(steps),
            "classic_seconds": classic(steps, _page_tokens(rows), latency),
            "from_log_seconds": _from_log(timings["critical_path"], steps, calls, first),
            **{name: cost[name] for name in ("usd", "asks", "input_tokens", "cached_tokens", "output_tokens")},
            "cost_per_step": cost["steps"],
            "again": await _again(made, server, pair),
        }


async def _again(made: World, server: Server, pair: Pair) -> Figures:
    """Make the same playbook again, which needs neither a page nor a model, and return how long it takes."""
    await made.forget()
    began = time.perf_counter()
    report = await generate(server, pair)
    seconds = time.perf_counter() - began
    fetched, asked = len(await made.fetches()), len(await made.calls())
    return {"status": report["status"], "seconds": seconds, "pages_fetched": fetched, "asks": asked}


def _steps(server: Server, run_id: str) -> list[tuple[str, float, float, int]]:
    """Return the recorded steps of a run: name, start, end and input tokens."""
    with sqlite3.connect(server.home / "octave.db") as database:
        found = database.execute("SELECT name, began_at, ended_at, input_tokens FROM steps WHERE run_id = ?", (run_id,))
        return [(name, _unix(began), _unix(ended), tokens or 0) for name, began, ended, tokens in found.fetchall()]


def _unix(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _page_tokens(rows: Sequence[tuple[str, float, float, int]]) -> dict[str, int]:
    """Return the tokens of the pages that were shown to a model, by role. Each pack is counted once."""
    packs: dict[str, int] = {}
    for name, _, _, tokens in rows:
        pack, _, ask = name.rpartition("/")
        if "/pack-" in name and ask.startswith("ask"):
            packs[pack] = min(packs.get(pack, tokens), tokens)
    roles = ("vendor", "prospect")
    return {
        role: sum(size - INSTRUCTION_TOKENS for pack, size in packs.items() if pack.startswith(role)) for role in roles
    }


def _from_log(
    path: Sequence[Mapping[str, Any]], steps: Sequence[Step], calls: Sequence[Mapping[str, Any]], first: float
) -> float:
    """Return the length of the critical path with the durations that the provider has logged for its model calls."""
    by_name = {step.name: step for step in steps}
    return sum(
        _logged(by_name[call["name"]], calls, first) if call["name"] in by_name else call["seconds"] for call in path
    )


def _logged(step: Step, calls: Sequence[Mapping[str, Any]], first: float) -> float:
    """Return the logged duration of the model call within a step, or the step's own duration if there is none."""
    inside = [call["seconds"] for call in calls if step.began <= call["started_at"] - first <= step.ended
              and call["started_at"] - first + call["seconds"] <= step.ended + 0.05]  # fmt: skip
    return max(inside) if "/ask" in step.name and inside else step.seconds


async def every_case(scale: float, wanted: Sequence[Case]) -> Figures:
    """Run all cases side by side, and return one row for each. A case that fails is a row with its error."""
    able = [case for case in wanted if not case.missing]
    async with world([able[0], *able], scale) as made, made.server(**MANY) as server:
        rows = await asyncio.gather(*(_row(server, pair) for pair in made.pairs[1:]))
    return {"rows": rows, "skipped": {case.name: case.missing for case in wanted if case.missing}}


async def _row(server: Server, pair: Pair) -> Figures:
    report = await generate(server, pair)
    row: Figures = {"case": pair.case.name, "model": pair.case.model, "status": report["status"]}
    if report["status"] not in USABLE:
        return {**row, "error": f"{report['error']['code']}: {report['error']['message']}"}
    playbook = await server.playbook(report["run_id"])
    timings, cost = playbook["timings"], playbook["cost"]
    return {
        **row,
        "wall_seconds": timings["total_seconds"],
        "critical_path_seconds": timings["critical_path_seconds"],
        **{name: cost[name] for name in ("usd", "asks", "input_tokens", "output_tokens", "pages_fetched")},
        "gaps": len(playbook["gaps"]),
    }


async def concurrency(scale: float, levels: Sequence[int]) -> Figures:
    """Return the times of runs that start at once on one process, and the response times of /livez meanwhile."""
    main = cases()[0]
    async with world([main] * (1 + sum(levels)), FAST) as made, made.server(**MANY) as server:
        pairs = iter(made.pairs)
        await generate(server, next(pairs))
        await made.rescale(scale)
        idle = server.pss_bytes
        rows = [await _together(server, [next(pairs) for _ in range(level)], idle) for level in levels]
    single = rows[0]["median_seconds"]
    return {"idle_pss_bytes": idle, "rows": [{**row, "slowest_ratio": row["slowest_seconds"] / single} for row in rows]}


async def _together(server: Server, pairs: Sequence[Pair], idle: float) -> Figures:
    cpu, began = server.cpu_seconds, time.perf_counter()
    done, memory = asyncio.Event(), list[float]()
    watching = asyncio.gather(_probes(server, done), _samples(server, memory, done))
    times = await asyncio.gather(*(_timed(server, pair) for pair in pairs))
    seconds, used = time.perf_counter() - began, server.cpu_seconds - cpu
    done.set()
    livez, _ = await watching
    wall = [taken for taken, _ in times]
    return {
        "runs": len(pairs),
        "failed": sum(status not in USABLE for _, status in times),
        "median_seconds": statistics.median(wall),
        "slowest_seconds": max(wall),
        "runs_per_minute": 60 * len(pairs) / seconds,
        "cpu_seconds_per_run": used / len(pairs),
        "cpu_share": used / seconds,
        "livez_p50_ms": 1000 * statistics.median(livez),
        "livez_p99_ms": 1000 * statistics.quantiles(livez, n=100)[98],
        "pss_bytes_per_run": (max(memory) - idle) / len(pairs),
    }


async def _timed(server: Server, pair: Pair) -> tuple[float, str]:
    began = time.perf_counter()
    report = await generate(server, pair)
    return time.perf_counter() - began, report["status"]


async def _probes(server: Server, done: asyncio.Event) -> list[float]:
    """Request /livez at a steady rate, and return the response times in seconds."""
    # Each request has a task of its own. Otherwise a slow response would delay the next request, and the percentiles
    # would look too good.
    probes: list[asyncio.Task[float]] = []
    while not done.is_set():
        probes.append(asyncio.create_task(_livez(server)))
        await asyncio.sleep(PROBE_SECONDS)
    return await asyncio.gather(*probes)


async def _livez(server: Server) -> float:
    began = time.perf_counter()
    (await server.client.get("/livez")).raise_for_status()
    return time.perf_counter() - began


async def _samples(server: Server, memory: list[float], done: asyncio.Event) -> None:
    while not done.is_set():
        memory.append(server.pss_bytes)
        await asyncio.sleep(SAMPLE_SECONDS)


async def cpu_time(runs: int, *, real_pages: bool = True) -> Figures:
    """Return the CPU seconds per run of a warm server, parsing included, for each kind of model and pair.

    Without `real_pages`, only the main case is measured.
    """
    by_name = {case.name: case for case in cases() if not case.missing}
    main, *others = by_name.values()
    real = [case for case in others if {case.vendor["kind"], case.prospect["kind"]} == {"shared"}][: int(real_pages)]
    named = {"main": main, **{case.name: case for case in real}}
    return {
        f"{name}, {model}": await _cpu_time(case, model, runs)
        for name, case in named.items()
        for model in ("openai", "extractive")
    }


async def _cpu_time(case: Case, model: str, runs: int) -> Figures:
    async with world([case] * (1 + runs), FAST) as made, made.server(**MANY) as server:
        await generate(server, made.pairs[0], model=model)
        used = [await _cpu_of(server, pair, model) for pair in made.pairs[1:]]
    return {"median_seconds": statistics.median(used), "least_seconds": min(used), "runs": runs}


async def _cpu_of(server: Server, pair: Pair, model: str) -> float:
    before = server.cpu_seconds
    await generate(server, pair, model=model)
    return server.cpu_seconds - before


async def per_prospect(prospects: int) -> Figures:
    """Return the cost of each of many playbooks for one vendor, whose research is reused."""
    main = cases()[0]
    async with world([main] * prospects, FAST) as made, made.server(**MANY) as server:
        vendor = made.pairs[0].vendor
        costs = [await _cost(server, Pair(main, vendor, pair.prospect)) for pair in made.pairs]
    totals = [sum(costs[: count + 1]) / (count + 1) for count in range(prospects)]
    last = {"first_usd": costs[0], "last_usd_per_prospect": totals[-1]}
    return {"usd": costs, "usd_per_prospect": totals, **last}


async def _cost(server: Server, pair: Pair) -> float:
    report = await generate(server, pair)
    return (await server.playbook(report["run_id"]))["cost"]["usd"]


async def shapes(scale: float, sizes: Sequence[int]) -> Figures:
    """Compare numbers of specialists per ask: each has a server of its own, and all run at the same time.

    No answer has a fault, because the runs would otherwise make different numbers of corrections.
    """
    main = cases()[0]
    async with world([main] * (len(sizes) + 1), FAST, has_faults=False) as made, AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(made.server(specialists_per_ask=size, **MANY)) for size in sizes]
        for server in servers:
            await generate(server, made.pairs[0])
        await made.rescale(scale)
        await made.forget()
        reports = await asyncio.gather(
            *(generate(server, pair) for server, pair in zip(servers, made.pairs[1:], strict=True))
        )
        playbooks = [await server.playbook(report["run_id"]) for server, report in zip(servers, reports, strict=True)]
        calls = await made.calls()
    measured = zip(sizes, playbooks, made.pairs[1:], strict=True)
    return {"rows": [_shape(size, playbook, _of_pair(calls, pair)) for size, playbook, pair in measured]}


def _of_pair(calls: Sequence[Mapping[str, Any]], pair: Pair) -> list[Mapping[str, Any]]:
    return [call for call in calls if call["site"] in pair.vendor or call["site"] in pair.prospect]


def _shape(size: int, playbook: Mapping[str, Any], calls: Sequence[Mapping[str, Any]]) -> Figures:
    timings, cost = playbook["timings"], playbook["cost"]
    return {
        "specialists_per_ask": size,
        "wall_seconds": timings["total_seconds"],
        "critical_path_seconds": timings["critical_path_seconds"],
        **{name: cost[name] for name in ("asks", "input_tokens", "cached_tokens", "output_tokens", "usd")},
        "sharable_share": sum(call["sharable_tokens"] for call in calls) / sum(call["input_tokens"] for call in calls),
    }
