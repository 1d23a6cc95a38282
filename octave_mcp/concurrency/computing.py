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

_WORKERS = Workers()


async def computed(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns.

    Raises:
        TookTooLong: it took more than a minute.
        NotReady: work that does not end holds up all threads.
    """
    return await asyncio.wrap_future(_WORKERS.submit(partial(work, *args, **kwargs)))


def check_computing() -> None:
    """Raises: NotReady: work that does not end holds up all threads."""
    _WORKERS.check()


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
