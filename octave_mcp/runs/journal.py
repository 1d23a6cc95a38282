"""The journal of a run: each step is recorded under its name, so that a resumed run does not repeat it."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.retrying import persistently
from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import Answer, Unusable, Usage
from octave_mcp.domain.steps import Outcome, StepEntry, StepRecord, digest_of
from octave_mcp.errors import OctaveError, StoreFailed, by_name, name_of
from octave_mcp.ports import Journal, Store

T = TypeVar("T")


class Execution:
    """One execution of a run. It may write as long as the run is not final and no later execution has started.

    `entries` are the steps that earlier executions recorded. `stop` cancels the task of this execution. `store` waits
    while the database cannot be used, and the `clock` pauses meanwhile. `report` gets a sentence about each recorded
    step that cannot be used. `resumed_in_vain` is how many executions have ended since the last one that recorded a
    step. `stepped_at` is when the last step started or ended, by the event loop's clock.
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
        clock: RunClock | None = None,
    ) -> None:
        self.run_id, self.epoch, self.clock = run_id, epoch, clock or RunClock()
        self.store = store.waiting(self._waiting)
        self._stop, self._report = stop, report
        self.resumed_in_vain = epoch - 1 - max((entry.epoch for entry in entries), default=0)
        self.stepped_at = -math.inf
        self._entries: dict[str, dict[str, StepEntry]] = {}
        for entry in entries:
            self._entries.setdefault(entry.name, {})[entry.digest] = entry

    @property
    def journal(self) -> Journal:
        return StoredJournal(self)

    def recorded(self, name: str, digest: str) -> StepEntry | None:
        """Return the recorded entry of this step, if its input is the same."""
        # Removed, so that its text does not stay in memory, and `report_unused` finds those that are left.
        known = self._entries.pop(name, {})
        if known and digest not in known:
            self._report(f"step {name!r} is done again: its input has changed")
        return known.get(digest)

    def unreadable(self, name: str, failed: ValidationError) -> None:
        where = "; ".join(".".join(map(str, error["loc"])) for error in failed.errors(include_input=False)[:3])
        self._report(f"step {name!r} is done again: its record cannot be read ({where or 'no JSON'})")

    def report_unused(self) -> None:
        """Report the recorded steps that this execution did not ask for, such as those of another release."""
        if self._entries:
            self._report(f"recorded steps that were not used: {', '.join(sorted(self._entries))}")

    async def _waiting(self, call: Callable[[], Awaitable[T]]) -> T:
        return await self.clock.without(lambda: persistently(call))

    async def check(self) -> None:
        """Stop the execution if the run is final or another execution has taken it over. Call it before spending."""
        self.stepped_at = asyncio.get_running_loop().time()
        if await self.store.lost({self.run_id: self.epoch}):
            self._lose()

    async def record(self, step: StepRecord) -> None:
        """Store the step, or stop the execution if it has lost the run.

        An outage of the database delays this for as long as it lasts, since the step has been paid for.
        """
        self.stepped_at = asyncio.get_running_loop().time()
        if not await self.store.put_step(self.run_id, step):
            self._lose()

    def lose(self) -> None:
        """Stop the execution. The store already ignores what it writes."""
        self._report("this server no longer executes the run: the run has ended, or another server has taken it over")
        self._stop()

    def _lose(self) -> None:
        self.lose()
        # `stop` takes effect only at the task's next await, and the caller must not go on until then.
        raise asyncio.CancelledError


class StoredJournal:
    """Records steps under `path`, the part of the run that they belong to, such as 'vendor/pack-3/'."""

    def __init__(self, execution: Execution, path: str = "") -> None:
        self._execution, self._path = execution, path

    def within(self, name: str) -> Journal:
        return StoredJournal(self._execution, f"{self._path}{name}/")

    async def step(self, name: str, call: Callable[[], Awaitable[T]], kind: type[T], *given: object) -> T:
        path = f"{self._path}{name}"
        digest = await computed(digest_of, *given)
        if entry := self._execution.recorded(path, digest):
            try:
                return await computed(replayed, entry, kind)
            except ValidationError as failed:
                self._execution.unreadable(path, failed)
        # Before the call, so that an execution that has lost its run pays at most for the calls in flight.
        await self._execution.check()
        return await self._executed(path, digest, call, _adapter(kind))

    async def _executed(self, path: str, digest: str, call: Callable[[], Awaitable[T]], adapter: TypeAdapter[T]) -> T:
        started_at = datetime.now(UTC)
        try:
            result = await call()
        except StoreFailed:  # an outage is not the result of the step, which is done again
            raise
        except OctaveError as failed:  # recorded like a result: a resumed run must not ask again for what has failed
            outcome = Outcome(failed=name_of(failed), message=str(failed))
            await self._record(path, digest, started_at, outcome, Usage())
            raise
        text = await computed(lambda: adapter.dump_json(result).decode())
        await self._record(path, digest, started_at, Outcome(result=text), _usage(result))
        return result

    async def _record(self, path: str, digest: str, started_at: datetime, outcome: Outcome, used: Usage) -> None:
        step = StepRecord(
            name=path,
            digest=digest,
            outcome=outcome.model_dump_json(),
            began_at=started_at,
            ended_at=datetime.now(UTC),
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
        )
        await self._execution.record(step)


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
    """Return the usage of the answer that the result is or holds; none if there is no answer."""
    answer = getattr(result, "answer", result)
    return answer.usage if isinstance(answer, Answer | Unusable) else Usage()
