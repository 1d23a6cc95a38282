"""Send 100 requests a second to /livez while ten runs are in progress, and measure the response time.

    python bench/load.py VENDOR PROSPECT [runs]

VENDOR and PROSPECT are the URLs of two websites that are served on this machine. The script prints the statuses and the
duration of the runs, the CPU time of the server, and the 50th and 99th percentiles of the response time. The exit code
is 1 if the 99th percentile is above 100 ms.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

ROOT = Path(__file__).parents[1]
MAX_MS = 100
INTERVAL_SECONDS = 0.01
FINAL = {"completed", "partial", "failed", "cancelled"}


async def main() -> int:
    vendor, prospect, *rest = sys.argv[1:]
    with tempfile.TemporaryDirectory() as home, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        hosts = ",".join(urlsplit(url).netloc for url in (vendor, prospect))
        more = {"OCTAVE_HOME": home, "OCTAVE_MODEL": "extractive", "OCTAVE_ALLOW_HOSTS": hosts}
        server = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "server.py"), "--http", "--port", str(port),
            env=os.environ | more, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            return await measure(f"http://127.0.0.1:{port}", server.pid, vendor, prospect, int(rest[0]) if rest else 10)
        finally:
            server.terminate()
            await server.wait()


async def measure(base: str, pid: int, vendor: str, prospect: str, runs: int) -> int:
    async with httpx2.AsyncClient(base_url=base, timeout=120) as client:
        await ready(client)
        idle = [await livez(client) for _ in range(100)]
        started_at, cpu = time.perf_counter(), cpu_seconds(pid)
        done = asyncio.Event()
        probing = asyncio.create_task(probe(client, done))
        reports = await asyncio.gather(
            *(run(client, {"vendor_domain": vendor, "prospect_domain": prospect, "max_pages": 25}) for _ in range(runs))
        )
        took, used = time.perf_counter() - started_at, cpu_seconds(pid) - cpu
        done.set()
        busy = await probing
    print(f"{runs} runs: {[report['status'] for report in reports]} in {took:.1f} s, CPU {used:.1f} s")
    print(f"/livez idle: p50 {statistics.median(idle):.1f} ms, p99 {p99(idle):.1f} ms")
    median, slowest = statistics.median(busy), max(busy)
    print(f"/livez busy: p50 {median:.1f} ms, p99 {p99(busy):.1f} ms, max {slowest:.1f} ms of {len(busy)} requests")
    return 0 if p99(busy) <= MAX_MS else 1


async def run(client: httpx2.AsyncClient, request: dict[str, object]) -> dict[str, Any]:
    report = (await client.post("/runs", json=request)).json()
    while report["status"] not in FINAL:
        report = (await client.get(f"/runs/{report['run_id']}", params={"wait_seconds": 30})).json()
    return report


async def ready(client: httpx2.AsyncClient) -> None:
    while True:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx2.ConnectError:
            await asyncio.sleep(0.1)


async def livez(client: httpx2.AsyncClient) -> float:
    started_at = time.perf_counter()
    (await client.get("/livez")).raise_for_status()
    return (time.perf_counter() - started_at) * 1000


async def probe(client: httpx2.AsyncClient, done: asyncio.Event) -> list[float]:
    """Request /livez at a steady rate until `done` is set, and return the response times in milliseconds."""
    # Send each request in its own task, so that a slow response does not delay the next request. Otherwise the script
    # would send fewer requests while the server is slow, and the percentiles would look too good.
    probes: list[asyncio.Task[float]] = []
    while not done.is_set():
        probes.append(asyncio.create_task(livez(client)))
        await asyncio.sleep(INTERVAL_SECONDS)
    return await asyncio.gather(*probes)


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def cpu_seconds(pid: int) -> float:
    # Split the line at its last closing parenthesis. The line contains the program's name in parentheses, such as
    # `(python)`, and the name itself can contain parentheses.
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
