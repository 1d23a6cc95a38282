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

# A garbage collection stops every thread, so wait for a quiet moment, but not longer than this.
MAX_DELAY_SECONDS = 600.0
# Objects that survive a collection are frozen, so later collections skip them. Some frozen objects become garbage, so
# all objects are examined again once an hour.
FULL_COLLECTION_SECONDS = 3600.0

_WORKERS = Workers()


async def computed(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a worker thread and return its result.

    Raises:
        TookTooLong: If `work` ran for more than a minute.
        NotReady: If every worker thread is stuck in work that cannot be stopped.
    """
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, partial(work, *args, **kwargs))


def check_computing() -> None:
    """Check that a worker thread can take new work.

    Raises:
        NotReady: If every worker thread is stuck in work that cannot be stopped.
    """
    _WORKERS.check()


@cache
def stay_responsive() -> None:
    """Tune the interpreter to keep the event loop responsive during computations. Further calls do nothing."""
    # By default, a computing thread can hold the GIL for 5 ms, which makes the event loop wait too long. With less than
    # 2 ms, switching between threads takes more than a tenth of the CPU time of a run.
    sys.setswitchinterval(0.002)
    gc.unfreeze()  # `fast_imports` has frozen the garbage of the imports, too
    gc.collect()
    gc.freeze()
    # The third threshold is so high that the oldest generation is practically never collected automatically. With ten
    # concurrent runs, each collection of the oldest generation took 0.2 s, and all of them together took a seventh of
    # the total time. `Collector` runs these collections at quiet moments instead.
    gc.set_threshold(20_000, 20, 1_000_000)


class Collector:
    """Collects garbage cycles at quiet moments, because a collection stops all threads.

    Each collection freezes the objects that survive it, and later collections skip frozen objects. Once an hour, all
    objects are examined again. With 500 waiting runs, the first collection takes 0.4 s, but the collections after it
    take almost no time.
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
