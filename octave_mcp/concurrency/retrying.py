"""The one retry policy: full jitter, `Retry-After` honoured and capped; stopped by a number of tries, and by time."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from octave_mcp.errors import RateLimited, Transient

T = TypeVar("T")
Again = Callable[[float, Transient], None]

ATTEMPTS = 3
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 8.0
TURNS = 10
"""Refusals for each attempt, of a call that waits its turn."""


class _Waits:
    """Whether to try again, or after how many seconds; one for each call."""

    def __init__(self, attempts: int, again: Again | None, *, waits_its_turn: bool) -> None:
        self._failed = self._refused = 0
        self._attempts, self._again, self._waits_its_turn = attempts, again, waits_its_turn

    def __call__(self, error: Exception) -> bool | float:
        if not isinstance(error, Transient):
            return False
        if self._waits_its_turn and isinstance(error, RateLimited):
            self._refused += 1
        else:
            self._failed += 1
        if self._failed >= self._attempts or self._refused >= self._attempts * TURNS:
            return False
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
    waits_its_turn: bool = False,
) -> T:
    """What `call` returns; a `Transient` failure is tried again, up to `attempts` in all, for as long as `seconds`.

    If it `waits_its_turn`, a refusal for too many calls is no attempt; but it does not wait for ever.

    `again` is told of each failure, and of the seconds that are waited before the next try, if there is one.
    """
    waits = _Waits(attempts, again, waits_its_turn=waits_its_turn)
    async for attempt in stamina.retry_context(on=waits, attempts=None, timeout=seconds):
        with attempt:
            return await call()
    raise AssertionError("unreachable: the last attempt returns or raises")
