"""Executes one run from its start, or from where it was interrupted, until it has a final status."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

from octave_mcp.asks.asker import Asker
from octave_mcp.asks.budget import BudgetTracker
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.critical_path import new_strand
from octave_mcp.concurrency.current import RUN_ID, TRACE_PARENT
from octave_mcp.concurrency.retrying import is_outage, persistently
from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.run import RunError, RunRecord, RunStatus
from octave_mcp.errors import Crashed, OctaveError, StoreFailed
from octave_mcp.pipeline.deadline import Deadline
from octave_mcp.ports import Claim, Model, RunContext, Source, Store
from octave_mcp.runs.adapters import Adapters
from octave_mcp.runs.admission import Admission
from octave_mcp.runs.attempts import Attempts
from octave_mcp.runs.events import EventLog, call_event, last_event, run_event
from octave_mcp.runs.journal import Execution
from octave_mcp.runs.notifications import Notifier
from octave_mcp.runs.outcome import ended
from octave_mcp.runs.questions import StoredInbox
from octave_mcp.runs.timings import timings
from octave_mcp.runs.verifiers import verifier_of

if TYPE_CHECKING:
    from octave_mcp.pipeline.run import Run

# A server that has no runs does not import the pipeline, which needs 8 MB of memory. The first run imports the
# pipeline in another thread.
PIPELINE = ("octave_mcp.runs.beginning", "octave_mcp.runs.finishing")
# Maximum number of times that a run is resumed without making progress. If many servers in a row end while they execute
# the same run, the run is probably the cause: for example, it exhausts the memory.
MAX_FRUITLESS_RESUMES = 20
# Maximum number of concurrent runs whose questions are answered by connected clients. These runs do not count toward
# `max_runs`, because they mostly wait.
MAX_CLIENT_RUNS = 500
# A run with open questions counts as waiting if none of its steps has started or ended for this long.
IDLE_AFTER_SECONDS = 60.0
# If a run has to wait for a busy model, the run's deadline is extended by the waiting time. In total, this extension is
# limited to the run's time limit times this factor.
MAX_WAITING_FACTOR = 3


class Executor:
    """Executes runs.

    `logs` and `inboxes` map the ids of runs in this process to their event logs and question inboxes.
    """

    def __init__(self, adapters: Adapters, admission: Admission) -> None:
        self.logs: dict[str, EventLog] = {}
        self.inboxes: dict[str, StoredInbox] = {}
        self.notifier = Notifier(self.logs)
        self._adapters = adapters
        self._admission = admission
        self._store = adapters.store
        self._slots = asyncio.Semaphore(adapters.max_runs)
        self._client_slots = asyncio.Semaphore(MAX_CLIENT_RUNS)
        self._executions = set[Execution]()

    @property
    def only_waits(self) -> bool:
        """Whether this process has runs, and all of its runs wait for answers."""
        return bool(self.logs) and not self.is_working

    @property
    def is_working(self) -> bool:
        """Whether this process has a run that does not wait for answers."""
        return any(not (run_id in self.inboxes and self.inboxes[run_id].open_questions) for run_id in self.logs)

    @property
    def open_questions(self) -> list[tuple[str, str]]:
        """The run id and question id of each open question in this process's runs."""
        return [(run_id, question) for run_id, inbox in self.inboxes.items() for question in inbox.open_questions]

    async def claims(self, run_id: str) -> Claim:
        """Return 'ours' if this process can execute the run, 'others' if it cannot, or 'over' if the run has ended."""
        record = await self._store.get_run(run_id)
        if record is None or record.is_final:
            return "over"
        try:
            await computed(self._admission.check, record)
        except OctaveError:
            return "others"
        return "ours"

    async def execute(self, run_id: str) -> None:
        """Execute the run, starting after the last step in its journal.

        If the execution is interrupted, another execution resumes the run. During a database outage, the run waits;
        after the outage, it continues from the last recorded step.
        """
        epoch = await persistently(lambda: self._store.epoch_of(run_id))
        record = await persistently(lambda: self._store.get_run(run_id))
        if epoch is None or record is None:
            return
        is_answered_by_client = (await computed(self._adapters.model, record.model)).capacity.is_answered_by_client
        attempts = Attempts(epoch)
        # asyncio semaphores are fair, so runs are executed in the order in which they were started.
        async with self._client_slots if is_answered_by_client else self._slots:
            await persistently(lambda: self._attempt(record, attempts))

    async def _attempt(self, record: RunRecord, attempts: Attempts) -> None:
        run_id, attempts.number = record.run_id, attempts.number + 1
        try:
            if await self._store.begin_execution(run_id, attempts.epoch):
                attempts.epoch += 1
                await self._execute(await self._store.get_run(run_id) or record, attempts)
            elif await self._store.epoch_of(run_id) is not None:
                # Another server is executing the run. Do not return here, because the engine would then mark the
                # workflow as done, and the run would no longer count as active.
                raise asyncio.CancelledError
        except StoreFailed as failed:
            if is_outage(failed) and attempts.number == 1:
                message = f"waiting for the database: {failed}"
                self._adapters.emit(run_event(record, "call_failed", error=message, success=False))
            raise

    async def _execute(self, record: RunRecord, attempts: Attempts) -> None:
        run_id, store = record.run_id, self._store.of_execution(attempts.epoch)
        RUN_ID.set(run_id)
        new_strand()
        TRACE_PARENT.set(record.trace_parent)
        log = self.logs[run_id] = await self._log(run_id, store, attempts)
        try:
            execution = await self._execution(record, attempts.epoch, store, log)
            await self.end(await self._outcome(record, execution, log, attempts), log, store)
        finally:
            await log.close()
            attempts.unstored = log.unstored
            if self.logs.get(run_id) is log:
                del self.logs[run_id]
                self.inboxes.pop(run_id, None)

    async def _log(self, run_id: str, store: Store, attempts: Attempts) -> EventLog:
        earlier, adapters = [event for _, event in await store.events(run_id)], self._adapters
        return EventLog(
            run_id, store, adapters.emit, self.notifier.notify, earlier, adapters.supervisor, attempts.unstored
        )

    async def _execution(self, record: RunRecord, epoch: int, store: Store, log: EventLog) -> Execution:
        task = asyncio.current_task()
        assert task  # noqa: S101 - a coroutine is always executed by a task

        def report(message: str) -> None:
            log(run_event(record, "call_failed", error=message, success=False))

        entries = await store.steps(record.run_id)
        clock = RunClock(self._adapters.limits.run_timeout_seconds * MAX_WAITING_FACTOR)
        return Execution(
            record.run_id, epoch, store, entries, stop=task.cancel, report=report, clock=clock,
            observe=lambda step: log.show(call_event(record, step)),
        )  # fmt: skip

    async def stop_lost(self, *, waiting: bool = False) -> None:
        """Stop each execution whose run was cancelled, deleted or taken over by another process.

        If `waiting` is true, check only executions that wait for answers; otherwise, check only executions that do not
        wait. Executions that wait can be checked less often, because they spend nothing.
        """
        executions = {each.run_id: each for each in self._executions if self._waits(each) == waiting}
        if executions:
            for run_id in await self._store.lost({run_id: each.epoch for run_id, each in executions.items()}):
                # Skip executions that ended during the query.
                if (execution := executions[run_id]) in self._executions:
                    self._executions.discard(execution)
                    execution.lose()

    def _waits(self, execution: Execution) -> bool:
        inbox, now = self.inboxes.get(execution.run_id), asyncio.get_running_loop().time()
        return bool(inbox and inbox.open_questions) and now - execution.stepped_at > IDLE_AFTER_SECONDS

    async def _outcome(self, record: RunRecord, execution: Execution, log: EventLog, attempts: Attempts) -> RunRecord:
        """Execute the run and return its final record, which contains the error if the run fails."""
        run: Run | None = None
        self._executions.add(execution)
        try:
            companies = await computed(self._admission.check, record)
            record, run = await self._begun(record, execution, log, attempts)
            from octave_mcp.runs.finishing import finished  # noqa: PLC0415 - imported by now

            made = await finished(record, run, companies, execution, self._adapters.files)
        except OctaveError as failed:
            if is_outage(failed):  # after an outage, the next attempt continues the run
                raise
            return ended(record, "failed", RunError(code=failed.code, message=str(failed)))
        except Exception as failed:  # noqa: BLE001 - a run must end as failed, whatever the cause
            # Do not show the text of an unexpected exception, because it can contain confidential data.
            log(run_event(record, "call_failed", error=type(failed).__name__, success=False))
            message = "something went wrong inside octave-mcp; see the log of this run"
            return ended(record, "failed", RunError(code=OctaveError.code, message=message))
        else:
            execution.report_unused()
            return made
        finally:
            self._executions.discard(execution)
            if run:
                await _close(run)

    async def _begun(
        self, record: RunRecord, execution: Execution, log: EventLog, attempts: Attempts
    ) -> tuple[RunRecord, Run]:
        """Set the status to 'running', and return the stored record and the `Run` object.

        Raises:
            Crashed: If the run has been resumed too often without progress.
        """
        # Use the lower of the two counts, because each count misses some progress: the events do not show small steps,
        # and the journal does not show answers and waits.
        fruitless_resumes = min(log.fruitless_resumes, execution.fruitless_resumes)
        if fruitless_resumes >= MAX_FRUITLESS_RESUMES:
            raise Crashed(
                f"the server ended {fruitless_resumes} times while it executed this run, so the run is not resumed "
                "again; the log shows the last steps; start a new run, with a lower max_pages if memory was short"
            )
        # A resumed run keeps the `specialists_per_ask` of its first execution. With another value, the resumed
        # run would make different asks, which are not in the journal.
        begun = {
            "status": "running",
            "started_at": record.started_at or datetime.now(UTC),
            "specialists_per_ask": record.specialists_per_ask or self._adapters.limits.specialists_per_ask,
        }
        name, message = attempts.first_event(record)
        record = record.model_copy(update=begun)
        log(run_event(record, name, message=message))
        await execution.store.update_run(record)
        asker, verifier = self._askers(record, execution, log)
        for module in PIPELINE:
            await asyncio.to_thread(import_module, module)
        from octave_mcp.runs.beginning import run_of  # noqa: PLC0415 - imported by now

        run = await run_of(record, execution, self._adapters, asker, verifier, self._deadline(asker), log)
        return record, run

    def _askers(self, record: RunRecord, execution: Execution, log: EventLog) -> tuple[Asker, Asker | None]:
        """Return the asker for the run's model, and the asker for the verifier (None if the run has no verifier).

        The two askers share a budget and a ledger.
        """
        store, clock = execution.store, execution.clock
        on_open_count = self._on_open_count(record, store, log)
        inbox = self.inboxes[record.run_id] = StoredInbox(record.run_id, store, self.notifier.notify, on_open_count)
        limits, request = self._adapters.limits, record.request
        budget = BudgetTracker(limits.budget(request.max_cost_usd))
        slow = dict[str, str]()

        def report_slow(name: str, how: str) -> None:
            if name not in slow:
                log(run_event(record, "progress", message=f"{name} answers slowly: {how}"))
            slow[name] = how

        context = RunContext(
            record.run_id, inbox, store, request.refresh, budget.check, budget.spend, clock, report_slow
        )
        model = self._adapters.model(record.model, context, request.companies)
        fallback = tuple(self._adapters.model(name, context) for name in limits.fallback if name != record.model)
        asker, judge = Asker(model, fallback, budget, clock, slow), verifier_of(self._adapters, model, context)
        if judge is None:
            return asker, None
        # If the verifier is not the run's own model, it has no fallback, because the user did not choose the fallback
        # models as verifiers.
        fallback_judges = tuple(each for each in fallback if each.capacity.verifies) if judge is model else ()
        return asker, Asker(judge, fallback_judges, budget, clock, slow, asker.ledger)

    def _deadline(self, asker: Asker) -> Deadline:
        if asker.model.capacity.is_answered_by_client:
            return Deadline()
        limits, clock = self._adapters.limits, asker.clock
        return Deadline(clock.now() + limits.run_timeout_seconds, limits.step_timeout_seconds, clock)

    def _on_open_count(self, record: RunRecord, store: Store, log: EventLog) -> Callable[[int], Awaitable[None]]:
        async def store_status(count: int) -> None:
            status: RunStatus = "waiting" if count else "running"
            await store.update_run(record.model_copy(update={"status": status}))
            if count:
                text = "1 question is open" if count == 1 else f"{count} questions are open"
                log(run_event(record, "waiting", message=text, total=count))

        return store_status

    async def end(self, record: RunRecord, log: EventLog | None = None, store: Store | None = None) -> None:
        """Store the final record together with the last event, unless the run is already final."""
        store = store or self._store
        if own := log or self.logs.get(record.run_id):
            await own.close()  # otherwise, an earlier event could be lost, or stored after the last event
        done = max((event.done for _, event in await store.last_events(record.run_id, 1)), default=0)
        # Without a log, another task than the run's own ends the run, and does not know its calls.
        event = last_event(record, done, timings(record) if log else None)
        if await store.update_run(record, events=(event,)):
            self._adapters.emit(event)
            self.notifier.notify(record.run_id)
        elif record.files and await self._needs_no_files(record.run_id):
            await self._adapters.files.remove(record.run_id, record.files)
        if own := self.logs.get(record.run_id):
            own.end()
            await own.close()

    async def _needs_no_files(self, run_id: str) -> bool:
        """Whether the run was cancelled or deleted, so that its files can be removed.

        Return False if another server executes the run now, because that server needs the files.
        """
        current = await self._store.get_run(run_id)
        return current is None or (current.is_final and not current.files)


async def _close(run: Run) -> None:
    models = {
        id(model): model for asker in (run.asker, run.verifier) if asker for model in (asker.model, *asker.fallback)
    }
    adapters: tuple[Source | Model, ...] = (run.source, *models.values())
    for adapter in adapters:
        try:
            await adapter.close()
        except Exception as failed:  # noqa: BLE001 - an adapter that cannot be closed must not keep its run from ending
            run.progress.report("call_failed", error=type(failed).__name__, success=False)
