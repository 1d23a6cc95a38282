"""Retries failed calls after random waits ("full jitter").

The retries honour `Retry-After`, and end after a number of attempts or at a deadline.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

from octave_mcp.errors import Busy, RateLimited, StoreFailed, TimedOut, Transient, Unreadable

T = TypeVar("T")
OnRetry = Callable[[float, Transient], None]
SecondsLeft = Callable[[Transient], float]

ATTEMPTS = 3
# Timeouts are retried less often than other failures, because a slow server may still be working on the call that timed
# out.
TIMED_OUT_ATTEMPTS = 2
FIRST_WAIT_SECONDS = 0.2
MAX_WAIT_SECONDS = 8.0
# Maximum pause between two attempts to use the database. The pause is short, so that runs continue soon after an
# outage.
MAX_OUTAGE_WAIT_SECONDS = 4.0
# At most this much random time is added to a requested wait. Without the random time, callers with the same wait would
# all retry at once.
MAX_SPREAD_SECONDS = 2.0
# The wait reaches its maximum long before this many doublings. Without this limit, 2 ** failures would overflow a float
# in a long outage.
MAX_DOUBLINGS = 30
# With `waits_its_turn`, a call that is allowed 3 attempts fails after 3 times this many refusals by a busy server.
REFUSALS_PER_ATTEMPT = 10


class _Policy:
    """Decides whether to retry a call and how long to wait first. stamina calls it as its `on` callback."""

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
        # Refusals are counted separately, so that a busy server does not use up the attempts meant for real failures.
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
        # If there is no time limit, cap the requested wait. Without the cap, a site could stall a run indefinitely.
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
    """Return what `call` returns. After `Transient` failures, retry `call`, up to `attempts` attempts in total.

    `left` is called after a failure and returns the seconds until the deadline. If the next wait would end after the
    deadline, the call is not retried.

    If `waits_its_turn` is true, a refusal by a busy server does not use up an attempt. Each attempt allows up to
    `REFUSALS_PER_ATTEMPT` refusals.

    `again` is called before each wait, with the length of the wait in seconds and the failure.
    """
    import stamina  # noqa: PLC0415 - slow to import, and not needed to list the tools

    policy = _Policy(attempts, left, again, waits_its_turn=waits_its_turn)
    async for attempt in stamina.retry_context(on=policy, attempts=None, timeout=None):
        with attempt:
            return await call()
    raise AssertionError("unreachable: the last attempt returns or raises")


async def persistently(call: Callable[[], Awaitable[T]]) -> T:
    """Retry `call` until the database is available again, however long that takes. Return the result of `call`.

    Attempts are not logged, because many calls retry during an outage and would flood the log. Background tasks log
    the cause only once.
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
    """Whether the database is temporarily unavailable.

    An unreadable record is not an outage, because waiting does not make it readable.
    """
    return isinstance(failed, StoreFailed) and not isinstance(failed, Unreadable)


def outage_seconds(failures: int) -> float:
    """Return how long to wait before the next attempt to use the database."""
    return backoff_seconds(failures, FIRST_WAIT_SECONDS, MAX_OUTAGE_WAIT_SECONDS)


def backoff_seconds(failures: int, first: float, longest: float) -> float:
    """Return a random wait in seconds.

    The maximum starts at `first`, doubles with each consecutive failure, and never exceeds `longest`.
    """
    return random.uniform(0, min(first * 2 ** min(failures, MAX_DOUBLINGS), longest))  # noqa: S311 - jitter, no secret


def within(seconds: float) -> SecondsLeft:
    """Return a function for the argument `left` of `retrying`.

    The function returns how many of the `seconds`, counted from now, are left.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    return lambda _: until - clock()
