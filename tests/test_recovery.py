"""A run outlives its server: what was done is kept, what was in flight is done again, and nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, closing
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
async def server(folder: Path) -> AsyncGenerator[Stdio]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "server.py"), cwd=folder, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=10_000_000
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


@pytest.fixture(params=[1, 3, 6, 12, 17], ids="vendor request {}".format)
def interrupted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Two sites, of which the vendor's stops answering at a certain request."""
    sites = Pair(LoopbackSite(load("vendor"), held_at=request.param), LoopbackSite(load("prospect")))
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", sites.hosts)
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    yield sites
    sites.close()


async def test_a_run_whose_server_is_killed_while_it_waits_for_a_page_is_finished_by_the_next(
    interrupted: Pair, tmp_path: Path, home: Path
) -> None:
    async with server(tmp_path) as first:
        started = await first.call("generate_playbook", **interrupted.domains, wait_seconds=0)
        await asyncio.to_thread(interrupted.vendor.reached.wait)
        await first.kill()
    done = pages_of_finished_steps(home)
    interrupted.release()
    await _is_finished_by_another(started["run_id"], interrupted, done, tmp_path)


@pytest.mark.parametrize(
    ("event", "step", "company"),
    [
        ("step_finished", "validate_and_map", None),
        ("step_finished", "analyse_homepage", "prospect"),
        ("step_finished", "read_home", "vendor"),
        ("step_finished", "understand", "prospect"),
        ("step_started", "write_playbook", None),
        ("step_finished", "write_playbook", None),
    ],
)
async def test_a_run_whose_server_is_killed_between_two_steps_is_finished_by_the_next(
    event: str, step: str, company: str | None, pair: Pair, tmp_path: Path, home: Path
) -> None:
    async with server(tmp_path) as first:
        started = await first.call("generate_playbook", **pair.domains, wait_seconds=0)
        await first.logged(event, step, company)
        await first.kill()
    await _is_finished_by_another(started["run_id"], pair, pages_of_finished_steps(home), tmp_path)


async def _is_finished_by_another(run_id: str, sites: Pair, done: set[str], folder: Path) -> None:
    async with server(folder) as second:
        report = await finished(second, run_id)

    assert report["status"] == "completed", report
    assert names_in(Path(report["files"][0]).parent) == {"playbook.json", "playbook.md", "playbook.html"}
    for site in (sites.vendor, sites.prospect):
        again = {path: site.hits[path] for path in paths(done, site) if site.hits[path] != 1}
        assert not again


async def test_two_servers_on_one_home_work_side_by_side_and_repeat_nothing(pair: Pair, tmp_path: Path) -> None:
    async with server(tmp_path) as one, server(tmp_path) as other:
        mine = await one.call("generate_playbook", **pair.domains, wait_seconds=0)
        theirs = await other.call("generate_playbook", **pair.domains, wait_seconds=0)
        reports = await asyncio.gather(finished(one, theirs["run_id"]), finished(other, mine["run_id"]))

    assert [report["status"] for report in reports] == ["completed", "completed"]
    for site in (pair.vendor, pair.prospect):
        pages = {path: count for path, count in site.hits.items() if path != "/robots.txt"}
        assert set(pages.values()) == {2}
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
