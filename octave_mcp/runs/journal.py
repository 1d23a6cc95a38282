"""The journal of a run. The journal records each step under a name, so that a resumed run does not repeat the step."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.critical_path import Call, called
from octave_mcp.concurrency.retrying import persistently
from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import Answer, Unusable, Usage
from octave_mcp.domain.steps import Outcome, StepEntry, StepRecord, digest_of
from octave_mcp.errors import OctaveError, StoreFailed, by_name, name_of
from octave_mcp.ports import Journal, Store

T = TypeVar("T")

# After the store has confirmed that an execution still has its run, steps start without asking again for this long.
CONFIRMED_SECONDS = 0.5


class Execution:
    """One execution of a run.

    The store accepts the execution's writes until the run is final or a later execution has started.

    - `entries`: steps that earlier executions recorded.
    - `stop`: cancels the task of this execution.
    - `store`: the store; during a database outage, each call waits until the outage has ended.
    - `clock`: the run's clock, which pauses during database outages.
    - `report`: called with a sentence about recorded steps that cannot be used.
    - `observe`: called with each step that this execution has recorded.
    - `fruitless_resumes`: the number of executions that have ended since a step was last recorded.
    - `stepped_at`: the event-loop time at which the last step started or ended.
    """

    def __init__(
        self,
        run_id: str,
        epoch: int,
        store: Store,
        entries: Sequence[StepEntry],
        *,
        stop: Callable[[], object],
        report: Callable[[str], None],
        observe: Callable[[StepRecord], object] | None = None,
        clock: RunClock | None = None,
    ) -> None:
        self.run_id, self.epoch, self.clock = run_id, epoch, clock or RunClock()
        self.store = store.waiting(self._waiting)
        self._stop, self._report, self._observe = stop, report, observe
        self.fruitless_resumes = epoch - 1 - max((entry.epoch for entry in entries), default=0)
        self.stepped_at = self._confirmed_at = -math.inf
        self._entries: dict[str, dict[str, StepEntry]] = {}
        for entry in entries:
            self._entries.setdefault(entry.name, {})[entry.digest] = entry

    @property
    def journal(self) -> Journal:
        return StoredJournal(self)

    def recorded(self, name: str, digest: str) -> StepEntry | None:
        """Return the recorded entry of this step, or None if the step's input has changed."""
        # Removing the step frees memory. `report_unused` then reports only the steps that did not run.
        known = self._entries.pop(name, {})
        if known and digest not in known:
            self._report(f"step {name!r} is repeated, because its input has changed")
        return known.get(digest)

    def unreadable(self, name: str, failed: ValidationError) -> None:
        where = "; ".join(".".join(map(str, error["loc"])) for error in failed.errors(include_input=False)[:3])
        self._report(f"step {name!r} is repeated, because its record cannot be read ({where or 'no JSON'})")

    def report_unused(self) -> None:
        """Report the recorded steps that this execution did not need, such as steps that this release does not have."""
        if self._entries:
            self._report(f"recorded steps that were not used: {', '.join(sorted(self._entries))}")

    async def _waiting(self, call: Callable[[], Awaitable[T]]) -> T:
        return await self.clock.without(lambda: persistently(call))

    async def check(self) -> None:
        """Confirm the execution, unless it was confirmed within the last `CONFIRMED_SECONDS`.

        Call this method before each operation that costs money.
        """
        self.stepped_at = asyncio.get_running_loop().time()
        if self.stepped_at - self._confirmed_at >= CONFIRMED_SECONDS:
            await self.confirm()

    async def confirm(self) -> None:
        """Stop the execution if the run is final or another execution has taken it over."""
        asked_at = asyncio.get_running_loop().time()
        if await self.store.lost({self.run_id: self.epoch}):
            self._lose()
        self._confirmed_at = asked_at

    async def record(self, step: StepRecord) -> None:
        """Store the step, or stop the execution if the run is final or another execution has taken it over.

        During a database outage, this method waits until it can store the step, because the step has already cost
        money.
        """
        self.stepped_at = asked_at = asyncio.get_running_loop().time()
        if not await self.store.put_step(self.run_id, step):
            self._lose()
        self._confirmed_at = asked_at
        if self._observe:
            self._observe(step)

    def lose(self) -> None:
        """Stop the execution because the run has ended or another execution has taken it over."""
        self._report("this server no longer executes the run: the run has ended, or another server has taken it over")
        self._stop()

    def _lose(self) -> None:
        self.lose()
        # `stop` takes effect only at the task's next await, so raise an exception to stop the caller at once.
        raise asyncio.CancelledError


class StoredJournal:
    """Records the steps of a part of the run. `path` names the part, as in 'vendor/pack-3/'."""

    def __init__(self, execution: Execution, path: str = "") -> None:
        self._execution, self._path = execution, path

    def within(self, name: str) -> Journal:
        return StoredJournal(self._execution, f"{self._path}{name}/")

    async def step(self, name: str, call: Callable[[], Awaitable[T]], kind: type[T], *given: object) -> T:
        path = f"{self._path}{name}"
        digest = await computed(digest_of, *given)
        if entry := self._execution.recorded(path, digest):
            try:
                return await self._replayed(entry, kind)
            except ValidationError as failed:
                self._execution.unreadable(path, failed)
        # Check before each step, so that an execution that has lost its run soon starts no more calls that cost money.
        await self._execution.check()
        return await self._executed(path, digest, call, _adapter(kind))

    async def _replayed(self, entry: StepEntry, kind: type[T]) -> T:
        try:
            result = await computed(replayed, entry, kind)
        except OctaveError:
            _count(entry)
            raise
        _count(entry)
        return result

    async def _executed(self, path: str, digest: str, call: Callable[[], Awaitable[T]], adapter: TypeAdapter[T]) -> T:
        started = datetime.now(UTC), asyncio.get_running_loop().time()
        try:
            result = await call()
        except StoreFailed:  # do not record, so that the step is repeated after an outage
            raise
        except OctaveError as failed:  # record the error, so that a resumed run does not repeat the call
            outcome = Outcome(failed=name_of(failed), message=str(failed))
            await self._record(path, digest, started, outcome, Usage())
            raise
        text = await computed(lambda: adapter.dump_json(result).decode())
        await self._record(path, digest, started, Outcome(result=text), _usage(result))
        return result

    async def _record(
        self, path: str, digest: str, started: tuple[datetime, float], outcome: Outcome, used: Usage
    ) -> None:
        began_at, began = started
        # Measure the duration with the event loop's clock, because the system's clock can be set during the call.
        duration = timedelta(seconds=asyncio.get_running_loop().time() - began)
        step = StepRecord(
            name=path,
            digest=digest,
            outcome=outcome.model_dump_json(),
            began_at=began_at,
            ended_at=began_at + duration,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
        )
        await self._execution.record(step)
        _count(step)


def _count(step: StepEntry) -> None:
    """Count the step as a call that the current task has waited for. Steps do not contain other steps."""
    called(Call(step.name, step.began_at, step.seconds))


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a step may return any type
    return TypeAdapter(kind)


def replayed(entry: StepEntry, kind: type[T]) -> T:
    """Return the recorded result, or raise the recorded error with its original type."""
    outcome = Outcome.model_validate_json(entry.outcome)
    if outcome.failed:
        raise by_name(outcome.failed, outcome.message)
    adapter: TypeAdapter[T] = _adapter(kind)
    return adapter.validate_json(outcome.result or "")


def _usage(result: object) -> Usage:
    """Return the token usage of the answer in a step's result. If the result has no answer, the usage is zero."""
    answer = getattr(result, "answer", result)
    return answer.usage if isinstance(answer, Answer | Unusable) else Usage()
