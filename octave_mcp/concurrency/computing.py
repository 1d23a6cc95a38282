"""Run CPU-bound work outside the event loop, and collect garbage at quiet moments."""

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

# A garbage collection stops every thread, so it waits until the process is quiet, but no longer than this.
MAX_DELAY_SECONDS = 600.0
# Objects that survive a collection are frozen, and later collections skip them. Some become garbage later, so once an
# hour all objects are examined again.
FULL_COLLECTION_SECONDS = 3600.0

_WORKERS = Workers()


async def computed(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a worker thread and return its result.

    Raises:
        TookTooLong: `work` ran for more than a minute.
        NotReady: every worker thread is stuck in work that cannot be stopped.
    """
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, partial(work, *args, **kwargs))


def check_computing() -> None:
    """Check that new work can be computed.

    Raises:
        NotReady: every worker thread is stuck in work that cannot be stopped.
    """
    _WORKERS.check()


@cache
def stay_responsive() -> None:
    """Tune the interpreter so that the event loop responds while runs compute. Only the first call has an effect."""
    # By default, a thread that computes holds the GIL for 5 ms while the event loop waits.
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    # The last threshold turns off automatic collections of the oldest generation. With ten concurrent runs, each of
    # these collections took 0.2 s, and together they took a seventh of the time. `Collector` runs such collections at
    # quiet moments.
    gc.set_threshold(20_000, 20, 1_000_000)


class Collector:
    """Collects garbage cycles at quiet moments, since a collection stops all threads.

    Objects that survive a collection are not examined again for an hour. With 500 waiting runs, the first collection
    takes 0.4 s, and the next ones take almost no time.
    """

    def __init__(self, now: float) -> None:
        self._collected_at = self._full_at = now

    def collect(self, now: float, *, is_quiet: bool) -> None:
        """Collect garbage if the process is quiet or a collection is overdue. Call this regularly."""
        if not is_quiet and now - self._collected_at < MAX_DELAY_SECONDS:
            return
        if now - self._full_at >= FULL_COLLECTION_SECONDS:
            gc.unfreeze()
            self._full_at = now
        gc.collect()
        gc.freeze()
        self._collected_at = now
