"""How many calls may be under way at a server; the number adapts to how the server responds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

START = 8.0
# For a server that may answer one call at a time. A run starts with two asks, so a fast server loses nothing.
CAREFUL_START = 2.0
BACK_OFF = 0.7
# After a call timed out and the server had answered nothing since that call began.
SILENT_BACK_OFF = 0.25
# Share of the time limit that calls may be expected to take when their number rises.
TIME_SHARE = 0.9
# Refusals that come together are one.
SETTLING_SECONDS = 0.25
# After a refusal that does not say how long to wait; twice as long after each that follows without an answer.
FIRST_COOL_DOWN_SECONDS = 0.25
MAX_OWN_COOL_DOWN_SECONDS = 8.0
# By then it is the longest; a power without a limit is, after a thousand refusals, no number any more.
MAX_DOUBLINGS = 10
# All callers share a wait up to this length. For longer ones, each decides by the time it has left.
MAX_COOL_DOWN_SECONDS = 60.0
FIRST_SPACING_SECONDS = 0.02
# Providers that take fewer ask for cool-downs.
MAX_SPACING_SECONDS = 0.1
# Of the spacing, after each refusal and each answer: they are even where one of nine is refused.
WIDER, CLOSER = 1.5, 0.95

OnWait = Callable[[float, float], None]


def _now() -> float:
    return asyncio.get_running_loop().time()


class Limiter:
    """One more for each round of answers, a third less for each refusal; and a cool-down that all callers share.

    Providers count what is begun, too, refusals among it: each one puts starts further apart, each answer closer.
    With a `careful` start, each answer adds one until the usual number is reached.
    """

    def __init__(self, most: int, *, careful: bool = False) -> None:
        self.limit = min(CAREFUL_START if careful else START, most)
        self.under_way: set[Turn] = set()
        self.spacing = self.next_at = self.cool_until = 0.0
        self.heard_at = -1.0
        self.freed = asyncio.Event()
        self._most = most
        self._is_careful = careful
        self._in_a_row = 0
        self._cut_at = -1.0

    def turn(self, call_seconds: float, on_wait: OnWait | None = None) -> Turn:
        """Return a place for one call. `on_wait` gets each span in which it waited while the server was working."""
        return Turn(self, call_seconds, on_wait)

    def answered(self, turn: Turn) -> None:
        """Raise the limit if calls would stay in time even when sharing the server; lower it if they barely do."""
        self._in_a_row = 0
        self.spacing *= CLOSER
        fits = turn.at_once * turn.call_seconds * TIME_SHARE / max(turn.seconds, 1e-9)
        more = 1.0 if self._is_careful and self.limit < START else 1 / self.limit
        if int(self.limit + more) <= fits:
            self.limit = min(self._most, self.limit + more)
        elif fits < turn.at_once >= int(self.limit):
            self.limit = max(1.0, min(self.limit, fits))

    def refused(self, wait_seconds: float | None) -> None:
        """Lower the limit and make all callers wait: as long as the provider asks, if it does."""
        now = _now()
        if now - self._cut_at > SETTLING_SECONDS:
            self._cut(self.limit * BACK_OFF)
            self._in_a_row += 1
            self.spacing = min(max(self.spacing * WIDER, FIRST_SPACING_SECONDS), MAX_SPACING_SECONDS)
        doublings = min(self._in_a_row - 1, MAX_DOUBLINGS)
        own = min(FIRST_COOL_DOWN_SECONDS * 2**doublings, MAX_OWN_COOL_DOWN_SECONDS)
        wait = own if wait_seconds is None else wait_seconds
        if wait <= MAX_COOL_DOWN_SECONDS:
            self.cool_until = max(self.cool_until, now + wait)

    def busy(self, turn: Turn) -> None:
        """Lower the limit to the calls that the server accepted."""
        self._cut(min(self.limit, len(self.under_way - {turn})))

    def timed_out(self, turn: Turn) -> None:
        """Lower the limit, once for all calls under way together; by much more if the server answered none of them."""
        if turn.began > self._cut_at:
            is_silent = self.heard_at < turn.began
            self._cut(min(self.limit, turn.at_once) * SILENT_BACK_OFF if is_silent else self.limit * BACK_OFF)

    def heard(self) -> None:
        """The server responded to a call, so it is working: calls that began later are in its queue."""
        self.heard_at = _now()
        for turn in self.under_way:
            turn.restart()

    def _cut(self, limit: float) -> None:
        self.limit, self._cut_at, self._is_careful = max(1.0, limit), _now(), False


class Turn:
    """One call's place at a server, and its time limit, which restarts with each response to an earlier call.

    A server that queues calls answers them one by one. The limit restarts at most once for each call that was under way
    at the start; any response counts, since a queue may have any order.
    """

    def __init__(self, limiter: Limiter, call_seconds: float, on_wait: OnWait | None) -> None:
        self._limiter, self._on_wait = limiter, on_wait
        self.call_seconds = call_seconds
        self.began = 0.0
        self.at_once = 1
        """The most calls under way at any moment of this one, including it."""
        self._before = 0
        self._timeout: asyncio.Timeout | None = None

    async def __aenter__(self) -> Self:
        limiter, since = self._limiter, _now()
        while True:
            now = _now()
            since = self._report_wait(since)
            wait = max(limiter.cool_until, limiter.next_at) - now
            if len(limiter.under_way) >= int(limiter.limit):
                limiter.freed.clear()
                await limiter.freed.wait()
            elif wait > 0:
                await asyncio.sleep(wait)
            else:
                self._begin(now)
                return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limiter.under_way.discard(self)
        self._limiter.freed.set()

    @property
    def seconds(self) -> float:
        return _now() - self.began

    @property
    def has_company(self) -> bool:
        """Whether other calls are under way."""
        return len(self._limiter.under_way) > 1

    @asynccontextmanager
    async def timeout(self) -> AsyncGenerator[None]:
        """Raises: TimeoutError: the server did not answer within the time limit."""
        try:
            async with asyncio.timeout(self.call_seconds) as self._timeout:
                yield
        finally:
            self._timeout = None

    def restart(self) -> None:
        if self._before and self._timeout and not self._timeout.expired():
            self._before -= 1
            self._timeout.reschedule(_now() + self.call_seconds)

    def answered(self) -> None:
        self._limiter.heard()
        self._limiter.answered(self)

    def refused(self, wait_seconds: float | None) -> None:
        self._limiter.heard()
        self._limiter.refused(wait_seconds)

    def busy(self) -> None:
        self._limiter.busy(self)

    def timed_out(self) -> None:
        self._limiter.timed_out(self)

    def _begin(self, now: float) -> None:
        limiter = self._limiter
        self.began, self._before = now, len(limiter.under_way)
        limiter.under_way.add(self)
        for turn in limiter.under_way:
            turn.at_once = max(turn.at_once, len(limiter.under_way))
        limiter.next_at = now + limiter.spacing

    def _report_wait(self, since: float) -> float:
        """Report the wait up to the last response, and return the start of what is not reported yet."""
        if self._on_wait and self._limiter.heard_at > since:
            self._on_wait(since, self._limiter.heard_at)
        return max(since, self._limiter.heard_at)


_LIMITERS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, Limiter]] = WeakKeyDictionary()


def limiter(server: Hashable, most: int, *, careful: bool = False) -> Limiter:
    """Return the limiter that all callers of this server in this process share."""
    own = _LIMITERS.setdefault(asyncio.get_running_loop(), {})
    return own.setdefault(server, Limiter(most, careful=careful))
