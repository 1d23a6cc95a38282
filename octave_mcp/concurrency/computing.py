"""Work for the processor, kept from the event loop.

All of it goes through one thread: Python runs one at a time, and the loop, which waits its turn among them, must get it
soon enough to answer callers while runs are under way.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LONGEST_UNQUIET_SECONDS = 600.0
LOOK_AT_ALL_SECONDS = 3600.0

_THREAD = ThreadPoolExecutor(1, thread_name_prefix="compute")


async def computed(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, partial(work, *args, **kwargs))


@contextmanager
def paused_collector() -> Generator[None]:
    """Pause garbage collection while the computing thread builds many objects without cycles.

    The collector would scan them in vain; without it, reading a page takes a quarter less time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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
        if not is_quiet and now - self._collected_at < LONGEST_UNQUIET_SECONDS:
            return
        if now - self._looked_at_all_at >= LOOK_AT_ALL_SECONDS:
            gc.unfreeze()
            self._looked_at_all_at = now
        gc.collect()
        gc.freeze()
        self._collected_at = now
