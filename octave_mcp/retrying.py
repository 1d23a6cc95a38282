"""The one retry policy: full jitter, `Retry-After` honoured and capped; stopped by a number of tries, and by time."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from octave_mcp.errors import Transient

T = TypeVar("T")
Again = Callable[[float, Transient], None]

ATTEMPTS = 3
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 8.0


class _Waits:
    """Whether to try again, or after how many seconds; one for each call."""

    def __init__(self, again: Again | None) -> None:
        self._failed = 0
        self._again = again

    def __call__(self, error: Exception) -> bool | float:
        if not isinstance(error, Transient):
            return False
        self._failed += 1
        wait = self._wait(error.retry_after_seconds)
        if self._again:
            self._again(wait, error)
        return wait

    def _wait(self, asked: float | None) -> float:
        if asked is not None:
            return min(asked, LONGEST_WAIT_SECONDS) * random.uniform(1, 1.25)  # noqa: S311 - spreads callers, no secret
        return random.uniform(0, min(FIRST_WAIT_SECONDS * 2**self._failed, LONGEST_WAIT_SECONDS))  # noqa: S311 - ditto


async def retrying(
    call: Callable[[], Awaitable[T]],
    *,
    attempts: int = ATTEMPTS,
    seconds: float | None = None,
    again: Again | None = None,
) -> T:
    """What `call` returns; a `Transient` failure is tried again, up to `attempts` in all, for as long as `seconds`.

    `again` is told of each failure, and of the seconds that are waited before the next try, if there is one.
    """
    async for attempt in stamina.retry_context(on=_Waits(again), attempts=attempts, timeout=seconds):
        with attempt:
            return await call()
    raise AssertionError("unreachable: the last attempt returns or raises")
