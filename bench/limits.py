"""Ten runs at once against a provider that takes 20 requests a second: with our limiter, and with the SDK's own retry.

    python bench/limits.py [runs]

The provider is the tests' double of OpenAI; sites are scripted, so that all time is the provider's. Prints for each way
how many runs ended how, the requests made and refused, and the seconds beside the ideal: as many as the answered
requests need at that rate. Each way is measured where refusals say when to come back, and where they do not. A new
process has the SDK to import, which takes about half a second of the first runs.
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

A_SECOND = 20.0
BURST = 10.0
PROVIDER = "--provide"
# Times the ideal.
ALLOWED = 1.15


class Metered(Double):
    """Takes so many requests a second, and refuses the others."""

    def __init__(self, *, says_when: bool) -> None:
        super().__init__()
        self._says_when = says_when
        self._left, self._at = BURST, time.monotonic()
        self._counting = threading.Lock()
        self._texts: dict[str, str] = {}
        self.refused = self.answered = 0

    def answer(self, request: Request) -> Sent:
        if not self._is_taken():
            wait = {"retry-after-ms": str(ceil(1000 / A_SECOND))} if self._says_when else {}
            return error(429, "rate_limit_exceeded", headers=wait)(request, "")
        return Sent(body=enveloped(request, self._text(request)))

    def _text(self, request: Request) -> str:
        """All runs ask the same: an answer is made once, so that the double is not what is measured."""
        asked = json.dumps(request.body)
        return self._texts.get(asked) or self._texts.setdefault(asked, json.dumps(good(request)))

    def _is_taken(self) -> bool:
        with self._counting:
            now = time.monotonic()
            self._left = min(BURST, self._left + (now - self._at) * A_SECOND)
            self._at = now
            if self._left < 1:
                self.refused += 1
                return False
            self._left -= 1
            self.answered += 1
            return True


def provide() -> None:
    """Is the provider, until its input ends: says where it is, then how often it answered and refused."""
    metered = Metered(says_when=json.loads(sys.argv[2]))
    print(metered.url, flush=True)
    sys.stdin.read()
    print(json.dumps([metered.answered, metered.refused]), flush=True)


class Unlimited:
    """No limiter at all."""

    def turn(self, call_seconds: float, on_wait: limiter.OnWait | None) -> limiter.Turn:
        return limiter.Limiter(1).turn(call_seconds, on_wait)


@contextmanager
def sdk_retries(most: int) -> Generator[None]:
    """The SDK tries again, and we do not."""
    import openai  # noqa: PLC0415

    real: Any = openai.AsyncOpenAI

    def made(**options: Any) -> Any:  # noqa: ANN401 - the SDK's
        return real(**(options | {"max_retries": most}))

    with (
        mock.patch.object(openai, "AsyncOpenAI", made),
        mock.patch.object(remote, "limiter", return_value=Unlimited()),
        mock.patch.object(attempts, "ATTEMPTS", 1),
        mock.patch.object(retrying, "TURNS", 1),
    ):
        yield


async def measure(way: str, runs: int, *, says_when: bool) -> None:
    command = [sys.executable, __file__, PROVIDER, json.dumps(says_when)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as provider:  # noqa: ASYNC220 - nothing else runs meanwhile
        assert provider.stdout  # noqa: S101 - for the type checker
        url = provider.stdout.readline().strip()
        os.environ.update(OPENAI_API_KEY="none", OPENAI_BASE_URL=f"{url}/v1", OCTAVE_LOG_LEVEL="ERROR")
        statuses, took = await run_all(runs)
        out, _ = provider.communicate()
    answered, refused = json.loads(out)
    ideal = (answered - BURST) / A_SECOND
    print(
        f"{way:<44} {dict(statuses)!s:<48} asked {answered + refused}, refused {refused}, "
        f"{took:.1f} s, ideal {ideal:.1f} s, ratio {took / ideal:.2f} ({ALLOWED} allowed)"
    )


async def run_all(runs: int) -> tuple[Counter[str], float]:
    with tempfile.TemporaryDirectory() as home:
        stages = [Stage(Path(home) / str(at), source=ScriptedSource(invented_sites())) for at in range(runs)]
        for stage in stages:
            await stage.opened()
        began = time.monotonic()
        ended = await asyncio.gather(*(stage.run(model="openai") for stage in stages))
        took = time.monotonic() - began
        for stage in stages:
            await stage.store.close()
    return Counter(record.status for record, _ in ended), took


async def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    ways: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "ours": nullcontext,
        "SDK, 2 retries": partial(sdk_retries, 2),
        "SDK, 8 retries": partial(sdk_retries, 8),
    }
    await measure("ours in a new process, with retry-after-ms", runs, says_when=True)
    for name, says_when in (("with retry-after-ms", True), ("without", False)):
        for way, using in ways.items():
            with using():
                await measure(f"{way}, {name}", runs, says_when=says_when)


if __name__ == "__main__":
    if sys.argv[1:2] == [PROVIDER]:
        provide()
    else:
        logging.disable(logging.WARNING)  # each of the tries
        asyncio.run(main())
    os._exit(0)
