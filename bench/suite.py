"""Runs the benchmark, and writes its results, a report page and `docs/performance.md`.

    python bench/suite.py [--quick] [--only NAME ...] [--results FILE]

With --quick, the benchmark takes about two minutes: answers take a tenth of their real time, there are fewer runs, and
only some figures are checked, most of them against looser bounds. The exit code is 1 if a figure misses its bound. A
measurement that cannot be made on this machine is listed as skipped, with the reason.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

BENCH = Path(__file__).parent
ROOT = BENCH.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "docs")]

import idle  # noqa: E402 - see above
import measures  # noqa: E402
import polls  # noqa: E402
import report  # noqa: E402
import scaling  # noqa: E402
import start_page  # noqa: E402
import startup  # noqa: E402
from bounds import bounds  # noqa: E402
from latency import Latency  # noqa: E402
from world import cases  # noqa: E402

from octave_mcp import __version__  # noqa: E402

Figures = dict[str, Any]


class Measurement(NamedTuple):
    """A measurement in the full and in the quick benchmark. `quick` is None if the quick benchmark leaves it out."""

    full: Callable[[], Awaitable[Figures]]
    quick: Callable[[], Awaitable[Figures]] | None


def _in_thread(measure: Callable[..., Figures], *arguments: Any) -> Callable[[], Awaitable[Figures]]:  # noqa: ANN401 - passed on
    return lambda: asyncio.to_thread(measure, *arguments)


QUICK_SCALE = 0.1
MEASUREMENTS: dict[str, Measurement] = {
    "cpu": Measurement(lambda: measures.cpu_time(3), lambda: measures.cpu_time(1, real_pages=False)),
    "one_run": Measurement(lambda: measures.one_run(1.0), lambda: measures.one_run(QUICK_SCALE)),
    "cases": Measurement(
        lambda: measures.every_case(1.0, cases()), lambda: measures.every_case(QUICK_SCALE, cases()[1:3])
    ),
    "concurrency": Measurement(
        lambda: measures.concurrency(1.0, (1, 20, 50, 100)), lambda: measures.concurrency(QUICK_SCALE, (1, 3))
    ),
    "shapes": Measurement(lambda: measures.shapes(1.0, (1, 2, 4, 6, 8, 11)), None),
    "per_prospect": Measurement(lambda: measures.per_prospect(50), lambda: measures.per_prospect(2)),
    "startup": Measurement(_in_thread(startup.measure, 9), _in_thread(startup.measure, 3)),
    "idle": Measurement(_in_thread(idle.measure, 20.0), None),
    "start_page": Measurement(lambda: start_page.measure(9), lambda: start_page.measure(3)),
    "polls": Measurement(_in_thread(polls.measure, 500), None),
    "engines": Measurement(lambda: scaling.durable_overhead(5), None),
    "postgres": Measurement(lambda: scaling.servers_on_postgres((1, 2, 4), 16), None),
}


async def measured(names: list[str], *, quick: bool) -> tuple[Figures, dict[str, str]]:
    """Return the figures of the measurements, and the reasons why others were skipped."""
    figures, skipped = dict[str, Any](), {name: "not selected" for name in MEASUREMENTS if name not in names}
    for name in names:
        measure = MEASUREMENTS[name].quick if quick else MEASUREMENTS[name].full
        if measure is None:
            skipped[name] = "not part of the quick benchmark"
            continue
        began = time.perf_counter()
        try:
            figures[name] = await measure()
        except Exception as failed:  # noqa: BLE001 - the other measurements go on
            traceback.print_exc()
            skipped[name] = f"{type(failed).__name__}: {failed}"
        else:
            if reason := figures[name].get("skipped") if isinstance(figures[name].get("skipped"), str) else None:
                skipped[name] = reason
                del figures[name]
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return figures, skipped


def machine() -> dict[str, object]:
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    memory = next((int(line.split()[1]) // 2**20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": memory,
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8").splitlines()
    except OSError:
        return []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*", choices=MEASUREMENTS, default=list(MEASUREMENTS), metavar="NAME")
    parser.add_argument("--results", type=Path, help="file to write; the report is written beside it")
    options = parser.parse_args()
    # A quick benchmark must not replace the results that the documentation shows.
    path = options.results or (ROOT / "build" / "bench" / "results.json" if options.quick else BENCH / "results.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    figures, skipped = asyncio.run(measured(options.only, quick=options.quick))
    results: Figures = {
        "version": __version__,
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine(),
        "settings": {"quick": options.quick, "latency": Latency(scale=QUICK_SCALE if options.quick else 1.0).described},
        "skipped": skipped,
        "figures": figures,
    }
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    report.write(results, path.with_name("report.html"))
    if path == BENCH / "results.json":
        (ROOT / "docs" / "performance.md").write_text(report.markdown(results), "utf-8")
    checked = bounds(figures, quick=options.quick)
    for bound in checked:
        print(bound.line)
    for name, reason in skipped.items():
        print(f"skipped: {name}: {reason}")
    return 0 if all(bound.holds for bound in checked) else 1


if __name__ == "__main__":
    sys.exit(main())
