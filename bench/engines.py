"""Runs one playbook after the other in this process with one engine, and prints the seconds of each run as JSON.

    python bench/engines.py ENGINE PAIRS

ENGINE is 'durable' or 'inline'. PAIRS is a JSON list of pairs of URLs. The settings come from the environment. The
first run imports what the others need, and is not counted.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).parents[1]))

from octave_mcp.app import App, EngineName
from octave_mcp.domain.events import Event
from octave_mcp.domain.run import PlaybookRequest
from octave_mcp.settings import load


async def main() -> None:
    engine, pairs = cast("EngineName", sys.argv[1]), json.loads(sys.argv[2])
    ended = asyncio.Event()

    def observe(event: Event) -> None:
        if event.event == "run_finished":
            ended.set()

    app = App(load(), (observe,), engine=engine)
    await app.runs.open()
    times: list[float] = []
    for vendor, prospect in pairs:
        ended.clear()
        began = time.perf_counter()
        await app.runs.start(PlaybookRequest(vendor=vendor, prospect=prospect, model="openai", max_pages=25))
        await ended.wait()
        times.append(time.perf_counter() - began)
    await app.runs.close()
    print(json.dumps(times[1:]))


if __name__ == "__main__":
    asyncio.run(main())
