"""A run outlives its server: what was done is kept, what was in flight is done again, and nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, LoopbackSite, Pair, names_in

from octave_mcp.demo.sites import load

CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}

Line = dict[str, Any]


class Stdio:
    """A server on stdio, spoken to line by line."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._number = 1

    @property
    def pid(self) -> int:
        return self._process.pid

    async def call(self, tool: str, **arguments: Any) -> Line:  # noqa: ANN401 - the tool's own
        self._number += 1
        self._send({"id": self._number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
        answer = await self._answer(self._number)
        return answer["result"]["structuredContent"]

    async def introduce(self) -> None:
        self._send({"id": 1, "method": "initialize", "params": CLIENT})
        self._send({"method": "notifications/initialized"})
        await self._answer(1)

    async def logged(self, event: str, step: str, company: str | None = None) -> None:
        """Returns when the server has logged that."""
        assert self._process.stderr
        async for text in self._process.stderr:
            line = json.loads(text)
            if (line.get("event"), line["step"], line["company"]) == (event, step, company):
                return
        raise AssertionError(f"the server ended before {event} of {step}")

    async def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    def _send(self, message: Line) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")

    async def _answer(self, number: int) -> Line:
        assert self._process.stdout
        async for text in self._process.stdout:
            if (message := json.loads(text)).get("id") == number:
                return message
        raise AssertionError("the server ended before it answered")


@asynccontextmanager
async def server(folder: Path, env: dict[str, str] | None = None) -> AsyncGenerator[Stdio]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "server.py"),
        cwd=folder,
        env=os.environ | (env or {}),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=10_000_000,
    )
    stdio = Stdio(process)
    try:
        await stdio.introduce()
        yield stdio
    finally:
        if process.returncode is None:
            await stdio.kill()


async def finished(stdio: Stdio, run_id: str) -> Line:
    report = await stdio.call("get_run", run_id=run_id)
    while report["status"] not in {"completed", "partial", "failed", "cancelled"}:
        report = await stdio.call("get_run", run_id=run_id)
    return report


def pages_of_finished_steps(home: Path) -> set[str]:
    """The addresses that a step which was recorded as done has read."""
    with closing(sqlite3.connect(home / "octave.db")) as db:
        kept = {key: json.loads(page)["ref"]["url"] for key, page in db.execute("select key, page from pages")}
        done = db.execute("select output from operation_outputs where function_name in ('home', 'scrape')").fetchall()
    results = [json.loads(json.loads(output)["result"]) for (output,) in done]
    return {url for key, url in kept.items() if any(key in result for result in results)}


def paths(urls: set[str], site: LoopbackSite) -> set[str]:
    return {url.removeprefix(f"http://{site.host}") for url in urls if url.startswith(f"http://{site.host}/")}


@dataclass(frozen=True)
class Scene:
    """One home, and two sites that only the servers of this home read; `env` is what those servers are started with."""

    home: Path
    sites: Pair

    def make(self) -> None:
        self.home.mkdir(parents=True)

    @property
    def env(self) -> dict[str, str]:
        return {"OCTAVE_HOME": str(self.home), "OCTAVE_ALLOW_HOSTS": self.sites.hosts, "OCTAVE_MODEL": "extractive"}


@dataclass(frozen=True)
class Moment:
    """When to kill: at a request to the vendor's site, which is not answered; or at an event of a step."""

    request: int | None = None
    event: tuple[str, str, str | None] | None = None


MOMENTS = (
    Moment(request=1),
    Moment(request=3),
    Moment(request=6),
    Moment(request=12),
    Moment(request=17),
    Moment(event=("step_finished", "validate_and_map", None)),
    Moment(event=("step_finished", "analyse_homepage", "prospect")),
    Moment(event=("step_finished", "understand", "prospect")),
    Moment(event=("step_started", "write_playbook", None)),
    Moment(event=("step_finished", "write_playbook", None)),
)
TRIED = MOMENTS if "LONG_TESTS" in os.environ else MOMENTS[1::3]
"""All ten take a minute."""
AT_ONCE = 3
"""More servers than that would only wait for each other."""


async def test_runs_killed_at_any_moment_are_finished_and_no_finished_step_is_made_again(tmp_path: Path) -> None:
    turn = asyncio.Semaphore(AT_ONCE)
    ended = await asyncio.gather(*(killed_and_carried_on(at, tmp_path / str(n), turn) for n, at in enumerate(TRIED)))

    assert [report["status"] for report, _ in ended] == ["completed"] * len(TRIED)
    assert [again for _, again in ended] == [{}] * len(TRIED)


async def killed_and_carried_on(at: Moment, folder: Path, turn: asyncio.Semaphore) -> tuple[Line, dict[str, int]]:
    """The report of the run, and what was asked for again of what a finished step had read."""
    sites = Pair(LoopbackSite(load("vendor"), held_at=at.request), LoopbackSite(load("prospect")))
    scene = Scene(folder / "home", sites)
    async with turn:
        scene.make()
        async with server(folder, scene.env) as first:
            started = await first.call("generate_playbook", **sites.domains, wait_seconds=0)
            if at.event:
                await first.logged(*at.event)
            else:
                await asyncio.to_thread(sites.vendor.reached.wait)
            await first.kill()
        done = pages_of_finished_steps(scene.home)
        sites.release()
        async with server(folder, scene.env) as second:
            report = await finished(second, started["run_id"])
    sites.close()
    told_once_and_in_order(scene.home)
    assert names_in(Path(report["files"][0]).parent) == {"playbook.json", "playbook.md", "playbook.html"}
    return report, repeated(done, sites.vendor) | repeated(done, sites.prospect)


def repeated(done: set[str], site: LoopbackSite) -> dict[str, int]:
    return {path: site.hits[path] for path in paths(done, site) if site.hits[path] != 1}


def told_once_and_in_order(home: Path) -> None:
    """Whoever followed the run over its interruption was told each thing once."""
    with closing(sqlite3.connect(home / "octave.db")) as db:
        rows = db.execute("select number, event from events order by number").fetchall()
    events = [json.loads(event) for _, event in rows]
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
    ends = [(e["event"], e["step"], e["company"]) for e in events if e["event"] in {"step_finished", "run_finished"}]
    assert max(Counter(end for end in ends if end[1] != "read_pack").values()) == 1
    assert sum(e["event"] == "run_resumed" for e in events) == 1
    assert events[-1]["event"] == "run_finished"
    done = [e["done"] for e in events]
    assert done == sorted(done)


async def test_two_servers_on_one_home_work_side_by_side_and_repeat_nothing(pair: Pair, tmp_path: Path) -> None:
    async with server(tmp_path) as one, server(tmp_path) as other:
        mine = await one.call("generate_playbook", **pair.domains, wait_seconds=0)
        theirs = await other.call("generate_playbook", **pair.domains, wait_seconds=0)
        reports = await asyncio.gather(finished(one, theirs["run_id"]), finished(other, mine["run_id"]))

    assert [report["status"] for report in reports] == ["completed", "completed"]
    for site in (pair.vendor, pair.prospect):
        pages = {path: count for path, count in site.hits.items() if path != "/robots.txt"}
        assert set(pages.values()) == {1}
        assert site.hits["/robots.txt"] <= 2


async def test_the_runs_of_a_killed_server_are_taken_over_by_one_that_was_there_already(
    held_pair: Pair, tmp_path: Path
) -> None:
    async with server(tmp_path) as survivor:
        async with server(tmp_path) as other:
            started = await other.call("generate_playbook", **held_pair.domains, wait_seconds=0)
            await asyncio.to_thread(held_pair.vendor.asked.wait)
            await other.kill()
        held_pair.release()
        assert (await finished(survivor, started["run_id"]))["status"] == "completed"


async def test_a_server_without_what_a_run_needs_leaves_it_to_one_that_has_it(
    held_pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(tmp_path) as first:
        started = await first.call("generate_playbook", **held_pair.domains, wait_seconds=0)
        await asyncio.to_thread(held_pair.vendor.asked.wait)
        await first.kill()
    held_pair.release()
    hosts = os.environ["OCTAVE_ALLOW_HOSTS"]
    monkeypatch.delenv("OCTAVE_ALLOW_HOSTS")
    async with server(tmp_path) as unable:
        assert (await unable.call("get_run", run_id=started["run_id"], wait_seconds=3))["status"] == "running"
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", hosts)
    async with server(tmp_path) as able:
        assert (await finished(able, started["run_id"]))["status"] == "completed"
