"""The cost of a run in time, asks, tokens and money."""

from __future__ import annotations

from collections.abc import Iterable

from octave_mcp.domain.company import Role
from octave_mcp.domain.value import Value

# Maximum numbers of calls in a playbook: of its critical path, and of its slowest calls.
MAX_CALLS, MAX_SLOWEST = 20, 3


class StepTiming(Value):
    step: str
    company: Role | None
    seconds: float


class CallTiming(Value):
    """The duration of a recorded call.

    - `name`: the name of its step in the journal, such as 'vendor/pack-3/ask'.
    - `started_seconds`: the time at which the call started, in seconds since the start of the run. In later versions of
      a playbook, the durations of the runs that wrote the earlier versions are added.
    """

    name: str
    company: Role | None
    seconds: float
    started_seconds: float


class Timings(Value):
    """The time that a playbook took: the sum of the runs that wrote its versions.

    - `total_seconds`: the time since a run started, including interruptions of the server.
    - `critical_path_seconds`: the duration of the longest chain of recorded calls that had to wait for each other. If a
      run was resumed, calls that were recorded earlier count with their original durations. None if the playbook, or
      an earlier version of it, comes from a release that did not measure the critical path.
    - `critical_path`: the calls of this chain, in order. If the chain is longer, only its slowest `MAX_CALLS` calls.
    - `slowest_calls`: the slowest of all recorded calls, the slowest first.
    """

    total_seconds: float
    steps: tuple[StepTiming, ...]
    critical_path_seconds: float | None = None
    critical_path: tuple[CallTiming, ...] = ()
    slowest_calls: tuple[CallTiming, ...] = ()

    @property
    def ratio(self) -> float | None:
        """The total time divided by the critical path. What exceeds 1 is spent on computing, queueing and overhead."""
        return self.total_seconds / self.critical_path_seconds if self.critical_path_seconds else None

    def after(self, base: Timings) -> Timings:
        """Return the timings of a version that was made from the base version in the time of these timings."""
        total, steps = round(base.total_seconds + self.total_seconds, 3), (*base.steps, *self.steps)
        if base.critical_path_seconds is None or self.critical_path_seconds is None:
            return Timings(total_seconds=total, steps=steps)
        return Timings(
            total_seconds=total,
            steps=steps,
            critical_path_seconds=round(base.critical_path_seconds + self.critical_path_seconds, 3),
            critical_path=shortened((*base.critical_path, *_later(self.critical_path, base.total_seconds))),
            slowest_calls=_slowest((*base.slowest_calls, *_later(self.slowest_calls, base.total_seconds)), MAX_SLOWEST),
        )


def shortened(calls: Iterable[CallTiming]) -> tuple[CallTiming, ...]:
    """Return the slowest `MAX_CALLS` calls of a path, in order."""
    path = tuple(calls)
    shown = _slowest(path, MAX_CALLS)
    return tuple(call for call in path if call in shown)


def _later(calls: tuple[CallTiming, ...], seconds: float) -> tuple[CallTiming, ...]:
    return tuple(
        call.model_copy(update={"started_seconds": round(call.started_seconds + seconds, 3)}) for call in calls
    )


def _slowest(calls: tuple[CallTiming, ...], limit: int) -> tuple[CallTiming, ...]:
    return tuple(sorted(calls, key=lambda call: -call.seconds)[:limit])


class StepCost(Value):
    """The cost of one step. `company` is None if the step worked on the whole deal."""

    step: str
    company: Role | None
    usd: float | None
    asks: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reused: int


class Cost(Value):
    """The cost of a run.

    `usd` is None if any price is unknown, and 0 for the extractive model. `cached_tokens` are input tokens from the
    provider's prompt cache. `reused` counts reused answers, which cost nothing.
    `credits` counts the Firecrawl credits used.
    """

    usd: float | None
    asks: int
    input_tokens: int
    cached_tokens: int = 0
    output_tokens: int
    reused: int = 0
    pages_fetched: int
    pages_failed: int
    credits: int = 0
    steps: tuple[StepCost, ...] = ()
