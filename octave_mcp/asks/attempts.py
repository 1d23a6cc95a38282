"""Sends one ask to one model, with retries until a deadline, and reports each call."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, Generic

from octave_mcp.concurrency.retrying import retrying
from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import A, Answer, Ask, StandIn, Unusable, Usage
from octave_mcp.domain.events import ModelCall
from octave_mcp.errors import (
    BadAnswer,
    BadRequest,
    DeadlineExceeded,
    LongWait,
    NoAccess,
    TimedOut,
    Transient,
    UpstreamError,
)
from octave_mcp.ports import Model

ATTEMPTS = 10
# Time limit for the retries of one ask. It excludes waits that the provider asks for, and the retry after a timeout.
RETRY_SECONDS = 240.0
# Longest wait to show in a message. A provider can ask for an infinite wait, for which `ceil` would raise an error.
MAX_SHOWN_SECONDS = 1e9

# Receives each call, its error or None, and its duration in milliseconds.
OnCall = Callable[[ModelCall, UpstreamError | None, float], None]


@dataclass(slots=True)
class Attempts(Generic[A]):
    """Sends an ask to one model and retries until the model answers.

    `stand_in` is not None if the model is a fallback.
    """

    model: Model
    ask: Ask[A, Any]
    stand_in: StandIn | None
    on_call: OnCall
    clock: RunClock
    _attempt: int = 1
    _asked_at: float = 0.0

    async def answer(self, until: float) -> Answer[A] | Unusable:
        """Return the answer. `until`: the deadline, as a time on the run's clock.

        Raises:
            UpstreamError: If the model did not answer in time.
        """
        try:
            answer = await self._in_time(until)
        except (Transient, BadRequest, NoAccess) as failed:
            self._report(failed)
            raise
        except BadAnswer as bad:
            return self._unusable(bad)
        self._report(None, reused=answer.reused, **answer.usage.model_dump())
        if not isinstance(answer.value, self.ask.answer):
            wrong = "the answer is not of the form asked for"
            return Unusable(wrong=wrong, fault="unreadable", usage=answer.usage, by=self.stand_in)
        return Answer[self.ask.answer](
            value=answer.value, usage=answer.usage, wrong=answer.wrong, fault=answer.fault, unread=answer.unread,
            by=self.stand_in, key=answer.key, reused=answer.reused, is_outline=not self.model.capacity.writes_copy,
            replayed=answer.replayed,
        )  # fmt: skip

    async def _in_time(self, until: float) -> Answer[A]:
        # A connected client answers at its own pace, so neither deadlines nor retries apply to its answers.
        if self.model.capacity.is_answered_by_client:
            return await self._call()
        late = DeadlineExceeded(
            "the time limit of the run, or of this step, was reached: raise OCTAVE_RUN_TIMEOUT_SECONDS or "
            "OCTAVE_STEP_TIMEOUT_SECONDS, use a faster model, or lower max_pages"
        )
        if until <= self.clock.now():
            raise late
        try:
            async with self.clock.timeout_at(until):
                return await self._retried(until)
        except TimeoutError:
            raise late from None

    async def _retried(self, until: float) -> Answer[A]:
        started_at = self.clock.now()

        def left(failed: Transient) -> float:
            # RETRY_SECONDS limits neither the waits that the provider asks for nor the single retry after a timeout.
            is_bounded = isinstance(failed, TimedOut) or failed.retry_after_seconds is not None
            return (until if is_bounded else min(until, started_at + RETRY_SECONDS)) - self.clock.now()

        try:
            return await retrying(self._call, attempts=ATTEMPTS, left=left, again=self._failed, waits_its_turn=True)
        except Transient as failed:
            if (failed.retry_after_seconds or 0) > left(failed):
                raise _long_wait(failed, left(failed)) from None
            raise

    async def _call(self) -> Answer[A]:
        self._asked_at = time.perf_counter()
        return await self.model.answer(self.ask)

    def _failed(self, wait_seconds: float, failed: Transient) -> None:
        self._report(failed, wait_seconds=round(wait_seconds, 3))
        self._attempt += 1

    def _unusable(self, bad: BadAnswer) -> Unusable:
        usage = bad.usage or Usage()
        self._report(bad, **usage.model_dump())
        return Unusable(wrong=str(bad), fault=bad.fault, usage=usage, key=bad.key, by=self.stand_in)

    def _report(self, failed: UpstreamError | None, **more: Any) -> None:  # noqa: ANN401 - fields of ModelCall
        ask = self.ask
        call = ModelCall(
            model=self.model.name,
            prompt=ask.prompt,
            version=ask.version,
            beside=ask.beside,
            attempt=self._attempt,
            is_correction=bool(ask.complaint),
            **more,
        )
        self.on_call(call, failed, round((time.perf_counter() - self._asked_at) * 1000, 1))


def _long_wait(failed: Transient, left_seconds: float) -> LongWait:
    wait, left = _in_words(failed.retry_after_seconds or 0), _in_words(left_seconds)
    return LongWait(
        f"the provider asks to wait {wait}, but this step of the run has only {left} left; "
        f"start a new run later, or use another model ({failed})"
    )


def _in_words(seconds: float) -> str:
    hours, minutes = divmod(ceil(min(seconds, MAX_SHOWN_SECONDS) / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
