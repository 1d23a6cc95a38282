"""Retries with full jitter that honour `Retry-After`, bounded by a number of attempts and by the time left."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

import stamina

from octave_mcp.errors import Busy, RateLimited, StoreFailed, TimedOut, Transient, Unreadable

T = TypeVar("T")
OnRetry = Callable[[float, Transient], None]
SecondsLeft = Callable[[Transient], float]

ATTEMPTS = 3
# Fewer than for other failures: a slow server may still be working on the call that was given up.
TIMED_OUT_ATTEMPTS = 2
FIRST_WAIT_SECONDS = 0.2
MAX_WAIT_SECONDS = 8.0
# The longest pause between two attempts to use the database. Short, so that runs continue soon after an outage.
MAX_OUTAGE_WAIT_SECONDS = 4.0
# Callers that were told the same wait spread their retries over up to this time, instead of all returning at once.
MAX_SPREAD_SECONDS = 2.0
# By then a wait has long reached its maximum. Without a bound, 2 ** failures overflows a float in a long outage.
MAX_DOUBLINGS = 30
# A call that waits its turn at a busy server may be refused this often for each of its attempts before it fails.
REFUSALS_PER_ATTEMPT = 10


class _Policy:
    """Decides for one call whether to retry it, and after how many seconds: the `on` callback of stamina."""

    def __init__(self, attempts: int, left: SecondsLeft | None, again: OnRetry | None, *, waits_its_turn: bool) -> None:
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
        # Refusals are counted apart, so that a busy server does not use up the attempts meant for real failures.
        if self._waits_its_turn and isinstance(error, RateLimited | Busy):
            self._refused += 1
        else:
            self._failed += 1
            self._timed_out += isinstance(error, TimedOut)
        return (
            self._failed >= min(self._attempts, error.max_tries or self._attempts)
            or self._timed_out >= TIMED_OUT_ATTEMPTS
            or self._refused >= self._attempts * REFUSALS_PER_ATTEMPT
        )

    def _wait(self, requested: float | None) -> float:
        if requested is None:
            return backoff_seconds(self._failed, FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS)
        # Without a known time limit, a site could make a run wait for as long as it likes.
        wait = requested if self._left else min(requested, MAX_WAIT_SECONDS)
        return wait + random.uniform(0, min(wait / 4, MAX_SPREAD_SECONDS))  # noqa: S311 - jitter, no secret


async def retrying(
    call: Callable[[], Awaitable[T]],
    *,
    attempts: int = ATTEMPTS,
    left: SecondsLeft | None = None,
    again: OnRetry | None = None,
    waits_its_turn: bool = False,
) -> T:
    """Return what `call` returns, retrying `Transient` failures up to `attempts` attempts in total.

    `left` returns the seconds left after a failure: a call whose next wait would be longer is not retried.

    If `waits_its_turn`, refusals by a busy server do not count as attempts, up to `REFUSALS_PER_ATTEMPT` per attempt.

    `again` is called before each retry with the seconds until then and the failure.
    """
    policy = _Policy(attempts, left, again, waits_its_turn=waits_its_turn)
    async for attempt in stamina.retry_context(on=policy, attempts=None, timeout=None):
        with attempt:
            return await call()
    raise AssertionError("unreachable: the last attempt returns or raises")


async def persistently(call: Callable[[], Awaitable[T]]) -> T:
    """Retry `call` until the database can be used again, however long that takes, and return its result.

    Attempts are not logged: many calls wait for the same database, and the background tasks log the cause once.
    """
    for failures in count(1):
        try:
            return await call()
        except StoreFailed as failed:
            if not is_outage(failed):
                raise
        await asyncio.sleep(outage_seconds(failures))
    raise AssertionError("unreachable: the loop ends only by return or raise")


def is_outage(failed: Exception) -> bool:
    """Whether the database is unavailable now, and may recover; a record that cannot be read will not."""
    return isinstance(failed, StoreFailed) and not isinstance(failed, Unreadable)


def outage_seconds(failures: int) -> float:
    """Return how long to wait before the next attempt to use the database."""
    return backoff_seconds(failures, FIRST_WAIT_SECONDS, MAX_OUTAGE_WAIT_SECONDS)


def backoff_seconds(failures: int, first: float, longest: float) -> float:
    """Return a random wait of up to `first` seconds, doubled for each failure in a row, and of at most `longest`."""
    return random.uniform(0, min(first * 2 ** min(failures, MAX_DOUBLINGS), longest))  # noqa: S311 - jitter, no secret


def within(seconds: float) -> SecondsLeft:
    """Return the `left` callback of `retrying` for a time limit of `seconds` from now."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    return lambda _: until - clock()
