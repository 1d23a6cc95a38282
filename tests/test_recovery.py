"""Runs survive the end of their server: finished steps are kept, and only unfinished steps are repeated."""

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
from conftest import CLIENT, ROOT, LoopbackSite, Pair, names_in

from octave_mcp.app import App
from octave_mcp.demo.sites import load
from octave_mcp.domain.run import FINAL, PlaybookRequest
from octave_mcp.engine import durable
from octave_mcp.engine.durable import Durable
from octave_mcp.ports import Claim, Claims, Execute
from octave_mcp.settings import load as load_settings
from octave_mcp.tools.registry import ignore_event

Line = dict[str, Any]
LONG_SECONDS = 1_000_000

# This server kills itself as soon as it logs the event `dies_at`, because a signal from the test could arrive too late.
SERVER = f"""
import json, os, runpy, signal, sys

from octave_mcp.sources import cache

options, write = json.loads(sys.argv.pop()), sys.stderr.write
cache.LEASE_SECONDS = options.get("lease_seconds", cache.LEASE_SECONDS)


def write_and_die(text):
    write(text)
    line = json.loads(text) if text.startswith("{{") else {{}}
    if [line.get(name) for name in ("event", "step", "company")] == options.get("dies_at"):
        os.kill(os.getpid(), signal.SIGKILL)


sys.stderr.write = write_and_die
runpy.run_path({str(ROOT / "server.py")!r}, run_name="__main__")
"""


class Stdio:
    """A client that exchanges single lines of JSON with a server over stdio."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._number = 1

    @property
    def pid(self) -> int:
        return self._process.pid

    async def call(self, tool: str, **arguments: Any) -> Line:  # noqa: ANN401 - arguments of the tool
        self._number += 1
        self._send({"id": self._number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
        answer = await self._answer(self._number)
        assert "structuredContent" in answer["result"], answer
        return answer["result"]["structuredContent"]

    async def initialize(self) -> None:
        self._send({"id": 1, "method": "initialize", "params": CLIENT})
        self._send({"method": "notifications/initialized"})
        await self._answer(1)

    async def ended(self) -> None:
        await self._process.wait()

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
async def server(folder: Path, env: dict[str, str], **options: object) -> AsyncGenerator[Stdio]:
    """Start a server and yield a client for it.

    Kill the server if it is still running when the context ends.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SERVER,
        json.dumps(options),
        cwd=folder,
        env=os.environ
        | env
        | {
            "PYTHONPATH": str(ROOT),
            "OCTAVE_FETCH_TIMEOUT_SECONDS": str(LONG_SECONDS),
            "OCTAVE_SITE_TIMEOUT_SECONDS": str(LONG_SECONDS),
        },
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=10_000_000,
    )
    stdio = Stdio(process)
    try:
        await stdio.initialize()
        yield stdio
    finally:
        if process.returncode is None:
            await stdio.kill()


async def finished(stdio: Stdio, run_id: str) -> Line:
    report = await stdio.call("get_run", run_id=run_id)
    while report["status"] not in FINAL:
        report = await stdio.call("get_run", run_id=run_id)
    return report


def pages_of_finished_steps(home: Path) -> set[str]:
    """Return the URLs of pages that were read by finished steps."""
    with closing(sqlite3.connect(home / "octave.db")) as db:
        urls = {key: json.loads(page)["ref"]["url"] for key, page in db.execute("select key, page from pages")}
        done = db.execute("select outcome from steps where name like '%/home' or name like '%/scrape'").fetchall()
    results = [json.loads(json.loads(outcome)["result"]) for (outcome,) in done]
    return {url for key, url in urls.items() if any(key in result for result in results)}


def paths(urls: set[str], site: LoopbackSite) -> set[str]:
    return {url.removeprefix(f"http://{site.host}") for url in urls if url.startswith(f"http://{site.host}/")}


def repeated(done: set[str], sites: Pair) -> dict[str, int]:
    """Count the requests for each page that a finished step has read. Return all counts other than 1, by path."""
    hits = ((path, site.hits[path]) for site in (sites.vendor, sites.prospect) for path in paths(done, site))
    return {path: count for path, count in hits if count != 1}


def check_events(home: Path, run_id: str) -> None:
    """Check that events are numbered without gaps despite the interruption, and that progress never decreases."""
    with closing(sqlite3.connect(home / "octave.db")) as db:
        rows = db.execute("select number, event from events where run_id = ? order by number", [run_id]).fetchall()
    events = [json.loads(event) for _, event in rows]
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
    ends = [(e["event"], e["step"], e["company"]) for e in events if e["event"] in {"step_finished", "run_finished"}]
    assert max(Counter(end for end in ends if end[1] != "read_pack").values()) == 1
    assert sum(e["event"] == "run_resumed" for e in events) == 1
    assert events[-1]["event"] == "run_finished"
    done = [e["done"] for e in events]
    assert done == sorted(done)


@dataclass(frozen=True)
class Moment:
    """When a test kills the server: at a certain request to the vendor's site, or at a certain logged event."""

    request: int | None = None
    event: tuple[str, str, str | None] | None = None

    def __str__(self) -> str:
        return f"request {self.request}" if self.request else " ".join(filter(None, self.event or ()))


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


@pytest.mark.long
@pytest.mark.parametrize("at", MOMENTS, ids=str)
async def test_a_run_killed_at_any_moment_is_finished_without_repeating_finished_steps(
    at: Moment, home: Path, tmp_path: Path
) -> None:
    sites = Pair(LoopbackSite(load("vendor"), held_at=at.request), LoopbackSite(load("prospect")))
    env = {"OCTAVE_ALLOW_HOSTS": sites.hosts, "OCTAVE_MODEL": "extractive"}
    async with server(tmp_path, env, dies_at=at.event) as first:
        run_id = (await first.call("generate_playbook", **sites.domains, wait_seconds=0))["run_id"]
        if at.request:
            await asyncio.to_thread(sites.vendor.reached.wait)
            await first.kill()
        await first.ended()
    done = pages_of_finished_steps(home)
    sites.release()
    async with server(tmp_path, env) as second:
        report = await finished(second, run_id)
    sites.close()

    assert report["status"] == "completed"
    assert bool(done) == (at != MOMENTS[0])
    assert repeated(done, sites) == {}
    assert names_in(Path(report["files"][0]).parent) == {"playbook.json", "playbook.md", "playbook.html"}
    check_events(home, run_id)


@pytest.mark.long
async def test_steps_are_repeated_if_their_stored_results_can_no_longer_be_read(home: Path, tmp_path: Path) -> None:
    sites = Pair(LoopbackSite(load("vendor")), LoopbackSite(load("prospect")))
    env = {"OCTAVE_ALLOW_HOSTS": sites.hosts, "OCTAVE_MODEL": "extractive"}
    async with server(tmp_path, env, dies_at=("step_finished", "understand", "prospect")) as first:
        run_id = (await first.call("generate_playbook", **sites.few, wait_seconds=0))["run_id"]
        await first.ended()
    make_results_unreadable(home)
    async with server(tmp_path, env) as second:
        report = await finished(second, run_id)
    sites.close()

    assert report["status"] == "completed"


def make_results_unreadable(home: Path) -> None:
    """Overwrite the results of all steps with an unknown format, as if another release had written them."""
    with closing(sqlite3.connect(home / "octave.db", timeout=LONG_SECONDS)) as db:
        db.execute("update steps set outcome = ?", [json.dumps({"result": '{"older": true}'})])
        db.commit()


@pytest.mark.long
async def test_two_servers_with_one_home_repeat_nothing_and_one_finishes_the_run_of_the_other(
    pair: Pair, home: Path, tmp_path: Path
) -> None:
    later = Pair(LoopbackSite(load("vendor"), held_at=5), LoopbackSite(load("prospect")))
    env = {"OCTAVE_ALLOW_HOSTS": f"{pair.hosts},{later.hosts}"}
    async with server(tmp_path, env, lease_seconds=LONG_SECONDS) as first:
        async with server(tmp_path, env, lease_seconds=LONG_SECONDS) as second:
            first_run = await first.call("generate_playbook", **pair.few, wait_seconds=0)
            second_run = await second.call("generate_playbook", **pair.few, wait_seconds=0)
            reports = [await finished(first, second_run["run_id"]), await finished(second, first_run["run_id"])]
            check_requests(pair)
            interrupted = await second.call("generate_playbook", **later.few, wait_seconds=0)
            await asyncio.to_thread(later.vendor.reached.wait)
            await second.kill()
        done = pages_of_finished_steps(home)
        end_leases(home)
        later.release()
        reports.append(await finished(first, interrupted["run_id"]))
    later.close()

    assert [report["status"] for report in reports] == ["completed"] * 3
    assert paths(done, later.vendor)
    assert repeated(done, later) == {}
    check_events(home, interrupted["run_id"])


def check_requests(pair: Pair) -> None:
    for site in (pair.vendor, pair.prospect):
        pages = {path: count for path, count in site.hits.items() if path != "/robots.txt"}
        assert set(pages.values()) == {1}
        assert site.hits["/robots.txt"] <= 2


def end_leases(home: Path) -> None:
    with closing(sqlite3.connect(home / "octave.db", timeout=LONG_SECONDS)) as db:
        db.execute("update copy_leases set until = ''")
        db.commit()


class Watched(Durable):
    """An engine that records the result of each attempt to claim a run.

    `twice`: an event that is set after the second attempt to claim a run.
    """

    def __init__(self, app: App) -> None:
        super().__init__(app.settings.url, app.settings.home, app.store, app.supervisor)
        self.results: list[Claim] = []
        self.twice = asyncio.Event()

    async def launch(self, execute: Execute, claims: Claims) -> None:
        async def seen(run_id: str) -> Claim:
            self.results.append(await claims(run_id))
            if len(self.results) > 1:
                self.twice.set()
            return self.results[-1]

        await super().launch(execute, seen)


async def test_a_server_whose_settings_do_not_allow_a_run_leaves_it_to_another(
    held_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "ADOPTION_SECONDS", 0.01)
    first = App(load_settings())
    await first.runs.open()
    started = await first.runs.start(
        PlaybookRequest(
            vendor=f"http://{held_pair.vendor.host}", prospect=f"http://{held_pair.prospect.host}", max_pages=4
        )
    )
    await asyncio.to_thread(held_pair.vendor.asked.wait)
    await first.runs.close()
    held_pair.release()

    unable = App(load_settings().model_copy(update={"allow_hosts": ()}))
    unable.engine = watched = Watched(unable)
    await unable.runs.open()
    await watched.twice.wait()
    assert set(watched.results) == {"others"}
    assert (await unable.runs.get(started.run_id)).status == "running"
    await unable.runs.close()

    able = App(load_settings())
    await able.runs.open()
    assert (await able.runs.follow(started.run_id, LONG_SECONDS, ignore_event)).status == "completed"
    await able.runs.close()
