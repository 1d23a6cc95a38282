"""How many asks may be under way at a provider: as many as it takes, found out by asking."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from weakref import WeakKeyDictionary

START = 8.0
BACK_OFF = 0.7
SETTLING_SECONDS = 0.25
"""Refusals that come together are one."""
FIRST_COOL_DOWN_SECONDS = 0.25
"""After a refusal that does not say how long to wait; twice as long after each that follows without an answer."""
LONGEST_OWN_COOL_DOWN_SECONDS = 8.0
MOST_DOUBLINGS = 10
"""By then it is the longest; a power without a limit is, after a thousand refusals, no number any more."""
LONGEST_COOL_DOWN_SECONDS = 60.0
FIRST_SPACING_SECONDS = 0.02
LONGEST_SPACING_SECONDS = 0.1
"""Providers that take fewer ask for cool-downs."""
WIDER, CLOSER = 1.5, 0.95
"""Of the spacing, after each refusal and each answer: they are even where one of nine is refused."""


class Limiter:
    """One more for each round of answers, a third less for each refusal; and a cool-down that all callers share.

    Providers count what is begun, too, refusals among it: each one puts starts further apart, each answer closer.
    """

    def __init__(self, most: int, start: float = START) -> None:
        self.limit = min(start, most)
        self.under_way = 0
        self._most = most
        self._in_a_row = 0
        self.spacing = self._next = self._until = self._cut_at = 0.0
        self._freed = asyncio.Event()

    async def __aenter__(self) -> None:
        while True:
            now = time.monotonic()
            wait = max(self._until, self._next) - now
            if self.under_way >= int(self.limit):
                self._freed.clear()
                await self._freed.wait()
            elif wait > 0:
                await asyncio.sleep(wait)
            else:
                self.under_way += 1
                self._next = now + self.spacing
                return

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.under_way -= 1
        self._freed.set()

    def answered(self) -> None:
        self._in_a_row = 0
        self.limit = min(self._most, self.limit + 1 / self.limit)
        self.spacing *= CLOSER

    def refused(self, wait_seconds: float | None) -> None:
        """Fewer, and later for everybody: after what the provider asks for, if it does."""
        now = time.monotonic()
        if now - self._cut_at > SETTLING_SECONDS:
            self.limit, self._cut_at = max(1.0, self.limit * BACK_OFF), now
            self._in_a_row += 1
            self.spacing = min(max(self.spacing * WIDER, FIRST_SPACING_SECONDS), LONGEST_SPACING_SECONDS)
        doublings = min(self._in_a_row - 1, MOST_DOUBLINGS)
        own = min(FIRST_COOL_DOWN_SECONDS * 2**doublings, LONGEST_OWN_COOL_DOWN_SECONDS)
        wait = own if wait_seconds is None else min(wait_seconds, LONGEST_COOL_DOWN_SECONDS)
        self._until = max(self._until, now + wait)


_LIMITERS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], Limiter]] = WeakKeyDictionary()


def limiter(provider: str, model: str, most: int) -> Limiter:
    """The one that everybody in this process shares who asks this model of this provider."""
    own = _LIMITERS.setdefault(asyncio.get_running_loop(), {})
    return own.setdefault((provider, model), Limiter(most))
