"""The one retry policy: full jitter, `Retry-After` honoured; stopped by a number of tries, and by the time left."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

import stamina

from octave_mcp.errors import Busy, RateLimited, StoreFailed, TimedOut, Transient, Unreadable

T = TypeVar("T")
Again = Callable[[float, Transient], None]
Left = Callable[[Transient], float]

ATTEMPTS = 3
# Of calls that time out: a slow server may do all the work of an abandoned call for nothing.
TIMED_OUT_ATTEMPTS = 2
FIRST_WAIT_SECONDS = 0.2
MAX_WAIT_SECONDS = 8.0
# Between two tries of a database: runs that wait for it go on soon after it can be used.
MAX_OUTAGE_SECONDS = 4.0
# Callers that get the same wait spread their next tries over this time.
MAX_SPREAD_SECONDS = 2.0
# Of a wait, which has long reached its limit by then: a failure may last for months.
MAX_DOUBLINGS = 30
# Refusals for each attempt, of a call that waits its turn.
TURNS = 10


class _Waits:
    """Whether to try again, or after how many seconds; one for each call."""

    def __init__(self, attempts: int, left: Left | None, again: Again | None, *, waits_its_turn: bool) -> None:
        self._failed = self._refused = self._timed_out = 0
        self._attempts, self._left, self._again, self._waits_its_turn = attempts, left, again, waits_its_turn

    def __call__(self, error: Exception) -> bool | float:
        if not isinstance(error, Transient) or self._is_last(error):
            return False
        wait = self._wait(error.retry_after_seconds)
        if self._left and max(wait, error.retry_after_seconds or 0) > self._left(error):
            return False
        if self._again:
            self._again(wait, error)
        return wait

    def _is_last(self, error: Transient) -> bool:
        if self._waits_its_turn and isinstance(error, RateLimited | Busy):
            self._refused += 1
        else:
            self._failed += 1
            self._timed_out += isinstance(error, TimedOut)
        return (
            self._failed >= min(self._attempts, error.most_tries or self._attempts)
            or self._timed_out >= TIMED_OUT_ATTEMPTS
            or self._refused >= self._attempts * TURNS
        )

    def _wait(self, asked: float | None) -> float:
        """A wait that was asked for is capped unless the time left is known: otherwise a site would decide how long."""
        if asked is None:
            return backoff_seconds(self._failed, FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS)
        wait = asked if self._left else min(asked, MAX_WAIT_SECONDS)
        return wait + random.uniform(0, min(wait / 4, MAX_SPREAD_SECONDS))  # noqa: S311 - spreads callers, no secret


async def retrying(
    call: Callable[[], Awaitable[T]],
    *,
    attempts: int = ATTEMPTS,
    left: Left | None = None,
    again: Again | None = None,
    waits_its_turn: bool = False,
) -> T:
    """What `call` returns; a `Transient` failure is tried again, up to `attempts` in all.

    `left` returns the seconds left after a failure; if the wait before the next try is longer, there is no next try.

    If it `waits_its_turn`, a refusal for too many calls is no attempt; but it does not wait for ever.

    `again` is told of each failure, and of the seconds that are waited before the next try, if there is one.
    """
    waits = _Waits(attempts, left, again, waits_its_turn=waits_its_turn)
    async for attempt in stamina.retry_context(on=waits, attempts=None, timeout=None):
        with attempt:
            return await call()
    raise AssertionError("unreachable: the last attempt returns or raises")


async def persistently(call: Callable[[], Awaitable[T]]) -> T:
    """What `call` returns, as soon as the database can be used: a run waits for it as long as it takes.

    Tries are not logged: many calls wait for the same database, and the background tasks log the cause once.
    """
    for failures in count(1):
        try:
            return await call()
        except StoreFailed as failed:
            if not is_outage(failed):
                raise
        await asyncio.sleep(outage_seconds(failures))
    raise AssertionError("unreachable: it is tried until it succeeds")


def is_outage(failed: Exception) -> bool:
    """Whether the database cannot be used now, and may be later."""
    return isinstance(failed, StoreFailed) and not isinstance(failed, Unreadable)


def outage_seconds(failures: int) -> float:
    """How long to wait for the database before it is tried again."""
    return backoff_seconds(failures, FIRST_WAIT_SECONDS, MAX_OUTAGE_SECONDS)


def backoff_seconds(failures: int, first: float, longest: float) -> float:
    """How long to wait after a number of failures in a row: a random part of a time that doubles with each failure."""
    return random.uniform(0, min(first * 2 ** min(failures, MAX_DOUBLINGS), longest))  # noqa: S311 - ditto


def within(seconds: float) -> Left:
    """Return a `left` for a time limit of `seconds` from now."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    return lambda _: until - clock()
