"""A clock for a run's time limits. The clock pauses while the run waits for a busy model server or for the database."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


class RunClock:
    """A clock that shows event-loop time minus `stopped_seconds`, the total time of its pauses.

    This clock stops while the run waits for model servers, but for at most `max_seconds` in total.
    """

    def __init__(self, max_seconds: float = math.inf) -> None:
        self.stopped_seconds = 0.0
        self._left_seconds = max_seconds
        self._counted_until = -math.inf
        self._timeouts: dict[asyncio.Timeout, float] = {}

    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.stopped_seconds

    def waited(self, since: float, until: float) -> None:
        """Subtract the time between `since` and `until` from this clock, but at most `max_seconds` in total."""
        # The waits of concurrent asks overlap. Exclude each second from the clock only once.
        more = min(until - max(since, self._counted_until), self._left_seconds)
        self._left_seconds -= max(more, 0)
        self._leave_out(more, until)

    async def without(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what `call` returns, and exclude the whole duration of the call from this clock."""
        since = asyncio.get_running_loop().time()
        try:
            return await call()
        finally:
            until = asyncio.get_running_loop().time()
            self._leave_out(until - max(since, self._counted_until), until)

    def _leave_out(self, more: float, until: float) -> None:
        self._counted_until = max(self._counted_until, until)
        if more <= 0:
            return
        self.stopped_seconds += more
        # The timeouts are set in event-loop time, so each pause of this clock must postpone the timeouts.
        for timeout, at in self._timeouts.items():
            if not timeout.expired():
                timeout.reschedule(at + self.stopped_seconds)

    @asynccontextmanager
    async def timeout_at(self, at: float) -> AsyncGenerator[None]:
        """Cancel the `async with` block when this clock reaches `at`.

        Raises:
            TimeoutError: If the block did not end in time.
        """
        async with asyncio.timeout_at(at + self.stopped_seconds) as timeout:
            self._timeouts[timeout] = at
            try:
                yield
            finally:
                del self._timeouts[timeout]
