"""Outages of the database in the middle of a run: how soon does the server recover by itself once the cause is gone?

    python bench/outages.py [NAME ...] [--seconds 20]

For each: starts a server and a run about the demo's sites, lets the outage begin while pages are read, and the run go
on; calls the server for some seconds, and ends the outage. Prints the seconds from then to a server that is ready, and
to the completed run; the slowest answer, the CPU time and the lines logged while it lasted. Exits with 1 unless each
run completes by itself, once, with nothing lost and nothing done twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from conftest import LoopbackSite, Pair  # noqa: E402 - the tests are no package
from outages import OUTAGES, Outage  # noqa: E402 - ditto

from octave_mcp.demo.sites import load  # noqa: E402

SAME = {"request_id": "the-one-run"}
HELD_AT = 6
"""The request of a page at which the vendor's site waits for the outage."""
SLOWEST_SECONDS = 60.0
MOST_PERCENT = 30.0
"""Of a core, while the outage lasts."""
LONGEST_SECONDS = 180.0
ROW = "{:<24}{:>9}{:>11}{:>9}{:>7}{:>7}{:>8}  {}"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Observed:
    """What was seen of one outage."""

    ready_seconds: float = float("inf")
    completed_seconds: float = float("inf")
    slowest_seconds: float = 0
    cpu_percent: float = 0
    statuses: Counter[str] = field(default_factory=Counter[str])
    reason: str = ""
    logged: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    faults: list[str] = field(default_factory=list[str])


@dataclass
class Stage:
    process: asyncio.subprocess.Process
    client: httpx2.AsyncClient
    lines: list[str]
    pair: Pair
    outage: Outage

    async def get(self, path: str) -> httpx2.Response:
        return await self.client.get(path)

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@asynccontextmanager
async def staged(name: str) -> AsyncGenerator[Stage]:
    """A server on the database of that outage, and two sites, of which the vendor's will wait."""
    pair = Pair(LoopbackSite(load("vendor"), held_at=HELD_AT), LoopbackSite(load("prospect")))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as home, OUTAGES[name](Path(home)) as outage:
        settings = {"OCTAVE_HOME": home, "OCTAVE_ALLOW_HOSTS": pair.hosts, "OCTAVE_MODEL": "extractive"}
        settings |= {"OCTAVE_FETCH_TIMEOUT_SECONDS": "3600", "OCTAVE_SITE_TIMEOUT_SECONDS": "3600"}
        settings |= {"OCTAVE_DATABASE_URL": outage.at} if outage.at else {}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "server.py"),
            "--http",
            "--port",
            str(port),
            env=os.environ | settings,
            stderr=asyncio.subprocess.PIPE,
            limit=10_000_000,
        )
        lines: list[str] = []
        reading = asyncio.create_task(read(process, lines))
        try:
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=SLOWEST_SECONDS) as client:
                await alive(client)
                yield Stage(process, client, lines, pair, outage)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            await reading
            pair.close()


async def read(process: asyncio.subprocess.Process, lines: list[str]) -> None:
    assert process.stderr
    async for line in process.stderr:
        lines.append(line.decode())


async def alive(client: httpx2.AsyncClient) -> None:
    while True:
        try:
            await client.get("/livez")
        except httpx2.ConnectError:
            await asyncio.sleep(0.1)
        else:
            return


async def until(stage: Stage, path: str, is_it: Any) -> None:  # noqa: ANN401 - a test of the answer
    async with asyncio.timeout(LONGEST_SECONDS):
        while not is_it(await stage.get(path)):
            await asyncio.sleep(0.1)


def is_ready(answer: httpx2.Response) -> bool:
    return answer.status_code == 200


def is_final(answer: httpx2.Response) -> bool:
    return answer.status_code == 200 and answer.json()["status"] not in {"queued", "running", "waiting"}


async def begun(stage: Stage) -> str:
    answer = await stage.client.post("/runs", json=stage.pair.domains | SAME)
    answer.raise_for_status()
    return answer.json()["run_id"]


async def measure(name: str, seconds: float) -> Observed:
    observed = Observed()
    async with staged(name) as stage:
        pid, run_id = stage.process.pid, ""
        if not stage.outage.at_start:
            await until(stage, "/readyz", is_ready)
            run_id = await begun(stage)
            await asyncio.to_thread(stage.pair.vendor.reached.wait, LONGEST_SECONDS)
        first = len(stage.lines)
        await asyncio.to_thread(stage.outage.begin, pid)
        stage.pair.release()
        await call(stage, run_id, observed, seconds)
        observed.logged = [logged(line, observed) for line in stage.lines[0 if stage.outage.at_start else first :]]
        await asyncio.to_thread(stage.outage.end, pid)
        await recover(stage, run_id, observed)
    return observed


async def call(stage: Stage, run_id: str, observed: Observed, seconds: float) -> None:
    """Calls the server in several ways until the time is over."""
    until, cpu, began = time.monotonic() + seconds, stage.cpu_seconds, time.monotonic()
    ways = [
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", f"/runs/{run_id}" if run_id else "/sessions"),
        ("POST", "/runs"),
    ]

    async def repeat(method: str, path: str) -> None:
        while time.monotonic() < until:
            at = time.monotonic()
            try:
                body = stage.pair.domains | SAME if method == "POST" else None
                answer = await stage.client.request(method, path, json=body)
                told = str(answer.status_code)
                if path == "/readyz" and answer.status_code == 503:
                    observed.reason = answer.json()["detail"]
            except httpx2.TimeoutException:
                told = "timeout"
            observed.statuses[f"{method} {re.sub('run_.*', 'ID', path)} {told}"] += 1
            observed.slowest_seconds = max(observed.slowest_seconds, time.monotonic() - at)
            await asyncio.sleep(0.5)

    await asyncio.gather(*(repeat(*way) for way in ways))
    observed.cpu_percent = (stage.cpu_seconds - cpu) / (time.monotonic() - began) * 100


async def recover(stage: Stage, run_id: str, observed: Observed) -> None:
    ended = time.monotonic()
    try:
        await until(stage, "/readyz", is_ready)
        observed.ready_seconds = time.monotonic() - ended
        run_id = run_id or await begun(stage)
        await until(stage, f"/runs/{run_id}", is_final)
        observed.completed_seconds = time.monotonic() - ended
    except (TimeoutError, httpx2.HTTPError) as failed:
        observed.faults.append(f"no recovery: {failed!r}")
        return
    await check(stage, run_id, observed)


async def check(stage: Stage, run_id: str, observed: Observed) -> None:
    """Adds what was lost, or done twice."""
    report = (await stage.get(f"/runs/{run_id}")).json()
    if report["status"] != "completed":
        observed.faults.append(f"the run is {report['status']}: {report.get('message')}")
    sent = (await stage.get(f"/runs/{run_id}/events")).text
    numbers = [int(number) for number in re.findall(r"^id: (\d+)", sent, re.MULTILINE)]
    if numbers != list(range(1, len(numbers) + 1)):
        observed.faults.append(f"events {numbers}")
    events = [json.loads(data) for data in re.findall(r"^data: (\{.*)", sent, re.MULTILINE)]
    steps = Counter((one.get("event"), one.get("company"), one.get("step")) for one in events)
    observed.faults += [
        f"{key} {count} times"
        for key, count in steps.items()
        if key[0] in {"step_finished", "run_finished", "run_started"} and count > 1
    ]
    started, finished = ({key[1:] for key in steps if key[0] == which} for which in ("step_started", "step_finished"))
    if started != finished:
        observed.faults.append(f"no events of {started ^ finished}")


def logged(line: str, observed: Observed) -> dict[str, Any]:
    try:
        return json.loads(line)
    except ValueError:
        observed.faults.append(f"no JSON: {line[:80]}")
        return {}


def loud(lines: list[dict[str, Any]]) -> Counter[str]:
    return Counter(
        f"{line['level']} {line['message']} {line.get('error') or ''}"
        for line in lines
        if line.get("level") in {"WARNING", "ERROR", "CRITICAL"}
    )


def told(name: str, observed: Observed) -> bool:
    if observed.cpu_percent > MOST_PERCENT:
        observed.faults.append("it keeps a core busy")
    if observed.slowest_seconds >= SLOWEST_SECONDS:
        observed.faults.append("a call hangs")
    loudly = loud(observed.logged)
    print(
        ROW.format(
            name,
            f"{observed.ready_seconds:.1f} s",
            f"{observed.completed_seconds:.1f} s",
            f"{observed.slowest_seconds:.1f} s",
            f"{observed.cpu_percent:.0f} %",
            loudly.total(),
            len(observed.logged),
            "; ".join(observed.faults) or "recovers",
        ),
        flush=True,
    )
    return not observed.faults


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(OUTAGES))
    parser.add_argument("--seconds", type=float, default=20, help="how long each outage lasts")
    parser.add_argument("--verbose", action="store_true", help="also what was answered and logged")
    asked = parser.parse_args()
    print(ROW.format("outage", "ready", "completed", "slowest", "CPU", "loud", "lines", ""))
    recovered = True
    for name in asked.names or OUTAGES:
        observed = asyncio.run(measure(name, asked.seconds))
        recovered = told(name, observed) and recovered
        if asked.verbose:
            print("   ", dict(sorted(observed.statuses.items())))
            print("   ", observed.reason)
            for text, count in loud(observed.logged).items():
                print(f"    {count} x {text[:300]}")
    return 0 if recovered else 1


if __name__ == "__main__":
    sys.exit(main())
