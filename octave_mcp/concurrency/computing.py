"""Work for the processor, kept from the event loop."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable
from functools import cache, partial
from typing import ParamSpec, TypeVar

from octave_mcp.concurrency.workers import Workers

P = ParamSpec("P")
T = TypeVar("T")

MAX_UNQUIET_SECONDS = 600.0
LOOK_AT_ALL_SECONDS = 3600.0

_WORKERS = Workers()


async def computed(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns.

    Raises:
        TookTooLong: it took more than a minute.
        NotReady: work that does not end holds up all threads.
    """
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, partial(work, *args, **kwargs))


def check_computing() -> None:
    """Raises: NotReady: work that does not end holds up all threads."""
    _WORKERS.check()


@cache
def stay_responsive() -> None:
    """For a server whose loop answers callers while runs compute; once in a process.

    A thread that wants the interpreter gets it after half a millisecond, not five. And the collector no longer goes
    through everything alive whenever much is made: with ten runs under way that took 0.2 s each time, and a seventh of
    all the time. A `Collector` does it at quiet moments.
    """
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 1_000_000)


class Collector:
    """Frees what only points at itself. That stops all threads, so it is done at quiet moments, if one comes in time.

    What it found alive it does not look at again for an hour: 500 waiting runs take it 0.4 s once, and then nothing.
    """

    def __init__(self, now: float) -> None:
        self._collected_at = self._looked_at_all_at = now

    def collect(self, now: float, *, is_quiet: bool) -> None:
        """To be called now and then."""
        if not is_quiet and now - self._collected_at < MAX_UNQUIET_SECONDS:
            return
        if now - self._looked_at_all_at >= LOOK_AT_ALL_SECONDS:
            gc.unfreeze()
            self._looked_at_all_at = now
        gc.collect()
        gc.freeze()
        self._collected_at = now
