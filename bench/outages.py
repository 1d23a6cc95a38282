"""Measure how soon the server recovers from a database outage in the middle of a run. Linux only.

    python bench/outages.py [NAME ...] [--seconds 20] [--verbose]

For each outage, the script starts a server and a run about the demo's two companies. The outage starts while the run is
reading pages. During the outage, the script calls the server for 20 seconds, or for the time given with --seconds.
After the outage, the script prints how many seconds it took until the server was ready, and how many until the run was
completed. The script also prints the slowest response, the CPU usage and the number of logged warnings during the
outage. The exit code is 1 if a run did not complete, if its work was lost or repeated, if a call hung, if the server
used too much CPU time, or if a warning was logged twice.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from outages import OUTAGES, Stage, is_final, is_ready, staged  # noqa: E402 - the tests are no package

# A request counts as hanging if it gets no response within this time.
MAX_RESPONSE_SECONDS = 60.0
# The highest acceptable CPU usage during the outage, in percent of one core.
MAX_PERCENT = 30.0
MAX_RECOVERY_SECONDS = 180.0
CALL_INTERVAL_SECONDS = 0.5
TICKS = os.sysconf("SC_CLK_TCK")
ROW = "{:<24}{:>9}{:>11}{:>9}{:>7}{:>10}  {}"


@dataclass
class Observed:
    """Measurements of one outage."""

    ready_seconds: float = float("inf")
    completed_seconds: float = float("inf")
    slowest_seconds: float = 0
    cpu_percent: float = 0
    answers: Counter[str] = field(default_factory=Counter[str])
    reason: str = ""
    errors: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])

    @property
    def verdicts(self) -> list[str]:
        checks = {
            "high CPU usage": self.cpu_percent > MAX_PERCENT,
            "a call hangs": self.slowest_seconds >= MAX_RESPONSE_SECONDS,
            "the same warning is logged twice": len({*self.errors}) != len(self.errors),
        }
        return [*self.faults, *(fault for fault, has_failed in checks.items() if has_failed)]


async def measure(name: str, seconds: float) -> Observed:
    observed = Observed()
    async with staged(name) as stage:
        run_id = await stage.start()
        await asyncio.to_thread(stage.outage.begin, stage.process.pid)
        stage.pair.release()
        await call(stage, run_id, observed, seconds)
        await asyncio.to_thread(stage.outage.end, stage.process.pid)
        await recover(stage, run_id, observed)
        observed.errors = stage.errors
    return observed


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def call(stage: Stage, run_id: str, observed: Observed, seconds: float) -> None:
    started_at, cpu = time.monotonic(), cpu_seconds(stage.process.pid)
    run_path = f"/runs/{run_id}" if run_id else "/sessions"

    async def repeat(path: str) -> None:
        while time.monotonic() < started_at + seconds:
            called_at = time.monotonic()
            answer = await (stage.begin() if path == "/runs" else stage.client.get(path))
            observed.answers[f"{'/runs/ID' if path == run_path else path} {answer.status_code}"] += 1
            observed.slowest_seconds = max(observed.slowest_seconds, time.monotonic() - called_at)
            if path == "/readyz" and answer.status_code == 503:
                observed.reason = answer.json()["detail"]
            await asyncio.sleep(CALL_INTERVAL_SECONDS)

    await asyncio.gather(*map(repeat, ("/livez", "/readyz", "/runs", run_path)))
    observed.cpu_percent = (cpu_seconds(stage.process.pid) - cpu) / (time.monotonic() - started_at) * 100


async def recover(stage: Stage, run_id: str, observed: Observed) -> None:
    ended = time.monotonic()
    try:
        async with asyncio.timeout(MAX_RECOVERY_SECONDS):
            await stage.until("/readyz", is_ready)
            observed.ready_seconds = time.monotonic() - ended
            run_id = run_id or (await stage.begin()).json()["run_id"]
            await stage.until(f"/runs/{run_id}", is_final)
            observed.completed_seconds = time.monotonic() - ended
            observed.faults = await stage.faults(run_id)
    except (TimeoutError, httpx2.HTTPError) as failed:
        observed.faults = [f"no recovery: {failed!r}"]


def print_row(name: str, observed: Observed) -> None:
    seconds = (observed.ready_seconds, observed.completed_seconds, observed.slowest_seconds)
    verdict = "; ".join(observed.verdicts) or "recovers"
    texts = (*(f"{value:.1f} s" for value in seconds), f"{observed.cpu_percent:.0f} %", len(observed.errors), verdict)
    print(ROW.format(name, *texts), flush=True)


def print_details(observed: Observed) -> None:
    print("   ", dict(sorted(observed.answers.items())))
    for text in (observed.reason, *observed.errors):
        print("   ", text)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(OUTAGES))
    parser.add_argument("--seconds", type=float, default=20, help="duration of each outage")
    parser.add_argument("--verbose", action="store_true", help="also print response statuses and logged warnings")
    options = parser.parse_args()
    print(ROW.format("outage", "ready", "completed", "slowest", "CPU", "warnings", ""))
    faults = 0
    for name in options.names or OUTAGES:
        observed = asyncio.run(measure(name, options.seconds))
        faults += len(observed.verdicts)
        print_row(name, observed)
        if options.verbose:
            print_details(observed)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
