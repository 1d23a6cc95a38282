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
    all the time. `collect` does it when nobody waits.
    """
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 1_000_000)


def collect() -> None:
    """Frees what only points at itself: at a quiet moment, since it stops all threads."""
    gc.collect()
