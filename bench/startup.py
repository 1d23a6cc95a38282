"""Compare how much CPU time octave-mcp and a trivial server use until they have answered tools/list.

    python bench/startup.py [runs]

The trivial server is a FastMCP server with one tool. The script starts the two servers in turn, each of them `runs`
times (9 by default). The exit code is 1 if the median CPU time of octave-mcp is more than 1.15 times the trivial
server's median.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, cast

ROOT = Path(__file__).parents[1]
MAX_RATIO = 1.15
TRIVIAL = """
from fastmcp import FastMCP

mcp = FastMCP("trivial")


@mcp.tool
def add(a: int, b: int) -> int:
    "The sum of two numbers."
    return a + b


mcp.run(transport="stdio", show_banner=False)
"""
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
MESSAGES: tuple[dict[str, Any], ...] = (
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": CLIENT},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
)


def main() -> int:
    figures = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
    ratio = figures["ratio"]
    print(
        f"trivial {figures['trivial_cpu_seconds']:.3f} s, octave {figures['octave_cpu_seconds']:.3f} s, "
        f"ratio {ratio:.2f} (at most {MAX_RATIO})"
    )
    return 0 if ratio <= MAX_RATIO else 1


def measure(runs: int) -> dict[str, float]:
    """Return the median CPU times of the two servers, and their ratio."""
    with tempfile.TemporaryDirectory() as home:
        trivial = Path(home) / "trivial.py"
        trivial.write_text(TRIVIAL)
        scripts = {"trivial": trivial, "octave": ROOT / "server.py"}
        # Do not measure the first start, because Python can spend time on writing byte code.
        for script in scripts.values():
            cpu_seconds(script, home)
        times: dict[str, list[float]] = {name: [] for name in scripts}
        for _ in range(runs):
            for name, script in scripts.items():
                times[name].append(cpu_seconds(script, home))
    trivial_seconds, octave_seconds = (statistics.median(times[name]) for name in scripts)
    return {
        "trivial_cpu_seconds": trivial_seconds,
        "octave_cpu_seconds": octave_seconds,
        "ratio": octave_seconds / trivial_seconds,
    }


def cpu_seconds(script: Path, home: str) -> float:
    """Return the CPU time (user and system) that the server uses until it has answered tools/list."""
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # If Python writes no byte code, it compiles our modules at each start, but not the installed ones.
        env=os.environ | {"OCTAVE_HOME": home, "PYTHONDONTWRITEBYTECODE": ""},
        cwd=home,
    ) as server:
        sent, answers = cast("IO[bytes]", server.stdin), cast("IO[bytes]", server.stdout)
        for message in MESSAGES:
            sent.write(json.dumps(message).encode() + b"\n")
        sent.flush()
        while json.loads(answers.readline()).get("id") != 2:
            pass
        # Kill the server, so that the CPU time of a normal shutdown is not counted.
        server.kill()
        _, status, usage = os.wait4(server.pid, 0)
        server.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
