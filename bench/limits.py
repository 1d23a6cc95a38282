"""Compare our rate limiter with the retries of OpenAI's SDK.

    python bench/limits.py [runs]

Ten runs call a provider that accepts 20 requests a second. The provider is the local server that imitates OpenAI in the
tests. The websites are invented and kept in memory, so reading them takes no time. The script compares three methods:
our rate limiter, the SDK with two retries, and the SDK with eight retries. For each method, the script prints the
statuses of the runs, how many requests were sent and refused, and how long the runs took. The script also prints the
ideal time, which is how long these requests would take at a steady 20 requests a second. Each method is measured twice:
with a provider that sends the header retry-after-ms with each refusal, and with a provider that does not. The first
runs in a new process take half a second longer, because they import the SDK.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from doubles import Double, Request, Sent, enveloped, error, good  # noqa: E402 - the tests are no package
from scripted import ScriptedSource, Stage, invented_sites  # noqa: E402

from octave_mcp.asks import attempts  # noqa: E402
from octave_mcp.concurrency import retrying  # noqa: E402
from octave_mcp.models import limiter, remote  # noqa: E402

REQUESTS_PER_SECOND = 20.0
BURST = 10.0
PROVIDER = "--provide"
# The highest acceptable ratio of the actual time to the ideal time.
MAX_RATIO = 1.15


class Metered(Double):
    """A server that imitates OpenAI and answers requests above REQUESTS_PER_SECOND with status 429."""

    def __init__(self, *, says_when: bool) -> None:
        super().__init__()
        self._says_when = says_when
        self._tokens, self._refilled_at = BURST, time.monotonic()
        # The counters need a lock, because each request is handled in a separate thread.
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}
        self.refused = self.answered = 0

    def answer(self, request: Request) -> Sent:
        if not self._is_taken():
            wait = {"retry-after-ms": str(ceil(1000 / REQUESTS_PER_SECOND))} if self._says_when else {}
            return error(429, "rate_limit_exceeded", headers=wait)(request, "")
        return Sent(body=enveloped(request, self._text(request)))

    def _text(self, request: Request) -> str:
        """Return the answer to a request. Cache the answer, because all runs send the same requests."""
        asked = json.dumps(request.body)
        return self._texts.get(asked) or self._texts.setdefault(asked, json.dumps(good(request)))

    def _is_taken(self) -> bool:
        with self._lock:
            now = time.monotonic()
            self._tokens = min(BURST, self._tokens + (now - self._refilled_at) * REQUESTS_PER_SECOND)
            self._refilled_at = now
            if self._tokens < 1:
                self.refused += 1
                return False
            self._tokens -= 1
            self.answered += 1
            return True


def provide() -> None:
    """Print the URL of the provider, and run the provider until stdin is closed.

    At the end, print how many requests the provider answered and how many it refused.
    """
    metered = Metered(says_when=json.loads(sys.argv[2]))
    print(metered.url, flush=True)
    sys.stdin.read()
    print(json.dumps([metered.answered, metered.refused]), flush=True)


class Unlimited:
    """Stands in for our rate limiter, but never delays a call."""

    def turn(self, call_seconds: float, on_wait: limiter.OnWait | None) -> limiter.Turn:
        return limiter.Limiter(1).turn(call_seconds, on_wait)


@contextmanager
def sdk_retries(max_retries: int) -> Generator[None]:
    """Let the SDK retry requests, and turn off our own rate limiter and retries."""
    import openai  # noqa: PLC0415

    real: Any = openai.AsyncOpenAI

    def make_client(**options: Any) -> Any:  # noqa: ANN401 - the SDK's
        return real(**(options | {"max_retries": max_retries}))

    with (
        mock.patch.object(openai, "AsyncOpenAI", make_client),
        mock.patch.object(remote, "limiter", return_value=Unlimited()),
        mock.patch.object(attempts, "ATTEMPTS", 1),
        mock.patch.object(retrying, "REFUSALS_PER_ATTEMPT", 1),
    ):
        yield


async def measure(method: str, runs: int, *, says_when: bool) -> None:
    command = [sys.executable, __file__, PROVIDER, json.dumps(says_when)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as provider:  # noqa: ASYNC220 - nothing else runs meanwhile
        assert provider.stdout  # noqa: S101 - for the type checker
        url = provider.stdout.readline().strip()
        # The address looks public. Otherwise octave-mcp would take the provider for a server of the user's own, and
        # send it only a few calls at a time.
        address = "http://openai.bench.example/v1"
        os.environ.update(OPENAI_API_KEY="none", OPENAI_BASE_URL=address, HTTP_PROXY=url, OCTAVE_LOG_LEVEL="ERROR")
        statuses, took = await run_all(runs)
        out, _ = provider.communicate()
    answered, refused = json.loads(out)
    # The token bucket is full at the start, so the first BURST requests do not have to wait.
    ideal = (answered - BURST) / REQUESTS_PER_SECOND
    print(
        f"{method:<44} {dict(statuses)!s:<48} {answered + refused} requests, {refused} refused, "
        f"{took:.1f} s, ideal {ideal:.1f} s, ratio {took / ideal:.2f} (at most {MAX_RATIO})"
    )


async def run_all(runs: int) -> tuple[Counter[str], float]:
    with tempfile.TemporaryDirectory() as home:
        stages = [Stage(Path(home) / str(at), source=ScriptedSource(invented_sites())) for at in range(runs)]
        for stage in stages:
            await stage.opened()
        started_at = time.monotonic()
        ended = await asyncio.gather(*(stage.run(model="openai") for stage in stages))
        took = time.monotonic() - started_at
        for stage in stages:
            await stage.store.close()
    return Counter(record.status for record, _ in ended), took


async def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    methods: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "ours": nullcontext,
        "SDK, 2 retries": partial(sdk_retries, 2),
        "SDK, 8 retries": partial(sdk_retries, 8),
    }
    await measure("ours in a new process, with retry-after-ms", runs, says_when=True)
    for name, says_when in (("with retry-after-ms", True), ("without", False)):
        for method, setup in methods.items():
            with setup():
                await measure(f"{method}, {name}", runs, says_when=says_when)


if __name__ == "__main__":
    if sys.argv[1:2] == [PROVIDER]:
        provide()
    else:
        # The library stamina logs a warning for each of our retries, which would clutter the output.
        logging.disable(logging.WARNING)
        asyncio.run(main())
    os._exit(0)
