"""The one retry policy: full jitter, `Retry-After` honoured and capped; a caller's timeout stops it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from octave_mcp.errors import Transient

T = TypeVar("T")

ATTEMPTS = 3
LONGEST_WAIT_SECONDS = 8.0


def _again(error: Exception) -> bool | float:
    """Whether to try again, or after how many seconds."""
    if not isinstance(error, Transient):
        return False
    wait = error.retry_after_seconds
    return True if wait is None else min(wait, LONGEST_WAIT_SECONDS)


async def retrying(call: Callable[[], Awaitable[T]], *, attempts: int = ATTEMPTS) -> T:
    """What `call` returns; a `Transient` failure is tried again, up to `attempts` in all."""
    async for attempt in stamina.retry_context(
        on=_again, attempts=attempts, timeout=None, wait_initial=0.2, wait_max=LONGEST_WAIT_SECONDS, wait_jitter=1.0
    ):
        with attempt:
            return await call()
    raise AssertionError("unreachable: the last attempt returns or raises")
