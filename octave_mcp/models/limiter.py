"""Concurrency limit for calls to one model server, adapted to how the server responds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

# Initial limit for a server that may be able to answer only one call at a time. A run usually starts with two asks, so
# this limit does not delay the start on a fast server. Up to `CAREFUL_LIMIT`, each answer raises the limit by one.
CAREFUL_INITIAL_LIMIT, CAREFUL_LIMIT = 2.0, 8.0
DECREASE_FACTOR = 0.7
# After a timeout, the number of calls is multiplied by this factor if the server has neither answered nor refused a
# call since the timed-out call started. The factor is low, because the server is probably still working on every call,
# even on those that timed out.
SILENT_DECREASE_FACTOR = 0.25
# The limit rises only if, after the rise, calls would still finish within this share of their timeout.
MAX_TIME_SHARE = 0.9
# Refusals within this time count as one event, because calls sent together are often refused together.
SETTLING_SECONDS = 0.25
# Cool-down if the provider does not say how long to wait. The cool-down doubles with each further refusal, up to the
# maximum, until a call is answered.
FIRST_COOL_DOWN_SECONDS = 0.25
MAX_DEFAULT_COOL_DOWN_SECONDS = 8.0
# Caps the exponent, because 2 ** refusals would overflow a float after a thousand refusals. The cool-down reaches its
# maximum before this cap.
MAX_DOUBLINGS = 10
# Waits up to this length apply to all callers. If a provider requests a longer wait, each caller checks whether its own
# deadline allows the wait.
MAX_SHARED_COOL_DOWN_SECONDS = 60.0
FIRST_SPACING_SECONDS = 0.02
# Even with this spacing, up to ten calls a second can start. If a provider allows fewer, the cool-downs after its
# refusals slow the calls down.
MAX_SPACING_SECONDS = 0.1
# After a refusal, the spacing between calls is multiplied by the first factor. After an answer, the spacing is
# multiplied by the second factor. The spacing stays about the same if one call in nine is refused.
SPACING_INCREASE, SPACING_DECREASE = 1.5, 0.95

OnWait = Callable[[float, float], None]


def _now() -> float:
    return asyncio.get_running_loop().time()


class Limiter:
    """Limits how many calls to a server are in flight at once.

    The limit starts at `max_calls`, because a run asks most of its questions at once. A refusal lowers the limit by
    30 %. Later answers raise it slowly: at a limit of eight, eight answers raise it to about nine.

    All callers share the cool-down after a refusal. Refused requests also count against a provider's rate limit.
    Therefore each refusal increases the spacing between calls, and each answer reduces the spacing. If `careful` is
    true, the limit starts low, because the server may be able to answer only one call at a time.
    """

    def __init__(self, max_calls: int, *, careful: bool = False) -> None:
        self.limit = min(CAREFUL_INITIAL_LIMIT, max_calls) if careful else float(max_calls)
        self.in_flight: set[Turn] = set()
        self.spacing = self.next_at = self.cool_until = 0.0
        self.responded_at = -1.0
        self.freed = asyncio.Event()
        self._max_calls = max_calls
        self._is_careful = careful
        self._refusals_in_a_row = 0
        self._lowered_at = -1.0

    def turn(self, call_seconds: float, on_wait: OnWait | None = None) -> Turn:
        """Return a context manager for one call. On entry, it waits until the limiter allows the call.

        While the call waits for the server to answer other calls, `on_wait` is called with the start and end of each
        period of waiting.
        """
        return Turn(self, call_seconds, on_wait)

    def answered(self, turn: Turn) -> None:
        """Adapt the limit to the time that the answer took.

        If the server was fast enough for one more call at a time, raise the limit. If the server was too slow for the
        current number of calls, lower the limit.
        """
        self._refusals_in_a_row = 0
        self.spacing *= SPACING_DECREASE
        # Assume that the server divides its capacity equally among the calls in flight. With half as many calls, this
        # call would have taken half as long.
        fits = turn.max_concurrent * turn.call_seconds * MAX_TIME_SHARE / max(turn.seconds, 1e-9)
        more = 1.0 if self._is_careful and self.limit < CAREFUL_LIMIT else 1 / self.limit
        if int(self.limit + more) <= fits:
            self.limit = min(self._max_calls, self.limit + more)
        elif fits < turn.max_concurrent >= int(self.limit):
            self.limit = max(1.0, min(self.limit, fits))

    def refused(self, wait_seconds: float | None) -> None:
        """Lower the limit, and make all callers wait for the time that the provider requests or for a default time."""
        now = _now()
        if now - self._lowered_at > SETTLING_SECONDS:
            self._lower(self.limit * DECREASE_FACTOR)
            self._refusals_in_a_row += 1
            self.spacing = min(max(self.spacing * SPACING_INCREASE, FIRST_SPACING_SECONDS), MAX_SPACING_SECONDS)
        doublings = min(self._refusals_in_a_row - 1, MAX_DOUBLINGS)
        default = min(FIRST_COOL_DOWN_SECONDS * 2**doublings, MAX_DEFAULT_COOL_DOWN_SECONDS)
        wait = default if wait_seconds is None else wait_seconds
        if wait <= MAX_SHARED_COOL_DOWN_SECONDS:
            self.cool_until = max(self.cool_until, now + wait)

    def busy(self, turn: Turn) -> None:
        """Lower the limit to the number of calls that the server accepted."""
        self._lower(min(self.limit, len(self.in_flight - {turn})))

    def timed_out(self, turn: Turn) -> None:
        """Lower the limit, unless the limit was already lowered while this call was in flight.

        If the server has answered no call since this call started, lower the limit by a larger factor.
        """
        if turn.started_at > self._lowered_at:
            is_silent = self.responded_at < turn.started_at
            self._lower(
                min(self.limit, turn.max_concurrent) * SILENT_DECREASE_FACTOR
                if is_silent
                else self.limit * DECREASE_FACTOR
            )

    def responded(self) -> None:
        """Restart the timeouts of all calls in flight.

        The response shows that the server is working, so the other calls may just be waiting in its queue.
        """
        self.responded_at = _now()
        for turn in self.in_flight:
            turn.restart()

    def _lower(self, limit: float) -> None:
        self.limit, self._lowered_at, self._is_careful = max(1.0, limit), _now(), False


class Turn:
    """Starts and times one call to a model server. The call's timeout restarts when the server answers another call.

    Otherwise, a call in the server's queue could time out while the server works on the calls before it. The timeout
    restarts at most once for each call that was in flight when this call started. A response to any call counts,
    because the server's queue may be in any order.
    """

    def __init__(self, limiter: Limiter, call_seconds: float, on_wait: OnWait | None) -> None:
        self._limiter, self._on_wait = limiter, on_wait
        self.call_seconds = call_seconds
        self.started_at = 0.0
        self.max_concurrent = 1
        """The highest number of calls that were in flight at the same time during this call, including this call."""
        self._restarts_left = 0
        self._timeout: asyncio.Timeout | None = None

    async def __aenter__(self) -> Self:
        limiter, since = self._limiter, _now()
        while True:
            now = _now()
            since = self._report_wait(since)
            wait = max(limiter.cool_until, limiter.next_at) - now
            # Loop, because another caller can take the free place before this caller runs, and a refusal can set a new
            # cool-down.
            if len(limiter.in_flight) >= int(limiter.limit):
                limiter.freed.clear()
                await limiter.freed.wait()
            elif wait > 0:
                await asyncio.sleep(wait)
            else:
                self._start(now)
                return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limiter.in_flight.discard(self)
        self._limiter.freed.set()

    @property
    def seconds(self) -> float:
        return _now() - self.started_at

    @property
    def has_others(self) -> bool:
        """Whether other calls to the server are in flight."""
        return len(self._limiter.in_flight) > 1

    @asynccontextmanager
    async def timeout(self) -> AsyncGenerator[None]:
        """Raise `TimeoutError` if the server does not answer in time."""
        try:
            async with asyncio.timeout(self.call_seconds) as self._timeout:
                yield
        finally:
            self._timeout = None

    def restart(self) -> None:
        if self._restarts_left and self._timeout and not self._timeout.expired():
            self._restarts_left -= 1
            self._timeout.reschedule(_now() + self.call_seconds)

    def answered(self) -> None:
        self._limiter.responded()
        self._limiter.answered(self)

    def refused(self, wait_seconds: float | None) -> None:
        self._limiter.responded()
        self._limiter.refused(wait_seconds)

    def busy(self) -> None:
        self._limiter.busy(self)

    def timed_out(self) -> None:
        self._limiter.timed_out(self)

    def _start(self, now: float) -> None:
        limiter = self._limiter
        self.started_at, self._restarts_left = now, len(limiter.in_flight)
        limiter.in_flight.add(self)
        for turn in limiter.in_flight:
            turn.max_concurrent = max(turn.max_concurrent, len(limiter.in_flight))
        limiter.next_at = now + limiter.spacing

    def _report_wait(self, since: float) -> float:
        """Report that the call waited from `since` until the server's last response.

        Return the time up to which waits have been reported.
        """
        if self._on_wait and self._limiter.responded_at > since:
            self._on_wait(since, self._limiter.responded_at)
        return max(since, self._limiter.responded_at)


# The key is the event loop, because a limiter holds asyncio primitives. The keys are weak references, so that a closed
# loop can be garbage-collected, unless a call had to wait and its limiter therefore refers to the loop.
_LIMITERS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, Limiter]] = WeakKeyDictionary()


def limiter(server: Hashable, max_calls: int, *, careful: bool = False) -> Limiter:
    """Return the limiter that all callers of this server share on this event loop."""
    limiters = _LIMITERS.setdefault(asyncio.get_running_loop(), {})
    return limiters.setdefault(server, Limiter(max_calls, careful=careful))
