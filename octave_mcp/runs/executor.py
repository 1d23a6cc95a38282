"""What the engine calls: one run from its start, or from where it was interrupted, to a final status."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from octave_mcp.asks.asker import Asker
from octave_mcp.asks.budget import Budget, Purse
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.addresses import parse_company
from octave_mcp.domain.asks import Estimate
from octave_mcp.domain.company import Company, same_site
from octave_mcp.domain.costs import Timings
from octave_mcp.domain.events import Event, EventName
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import PlaybookRequest, RunError, RunRecord, RunStatus
from octave_mcp.errors import (
    Crashed,
    InputError,
    NoAccess,
    NotWritten,
    OctaveError,
    SameCompany,
    SetupError,
    UnsupportedLanguage,
    UpstreamError,
    tree,
)
from octave_mcp.pipeline.deadline import Deadline
from octave_mcp.pipeline.generate import generate
from octave_mcp.pipeline.progress import Progress
from octave_mcp.pipeline.run import ALL_SPECIALISTS, Run
from octave_mcp.ports import Beside, Claim, Engine, Journal, Model, Source, Store
from octave_mcp.runs.events import EventLog
from octave_mcp.runs.questions import KeptInbox

MOST_RESUMED = 20
"""A run that so many servers have carried on and not survived is one that ends them."""

MOST_PATIENT = 500
"""Runs that may wait for answers at once, beside those that work."""

_FAILED_GAPS = frozenset(kind.code for kind in tree(UpstreamError))
_NO_ACCESS = frozenset(kind.code for kind in tree(NoAccess))
_PARTIAL_GAPS = _FAILED_GAPS | {"dropped_by_check"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings allow a run, and who stands in for its model."""

    site_timeout_seconds: float
    step_timeout_seconds: float
    run_timeout_seconds: float
    most: Budget
    fallback: tuple[str, ...]
    specialists_per_ask: int

    def budget(self, usd: float | None) -> Budget:
        """With the dollars that the caller allows."""
        return self.most if usd is None else replace(self.most, usd=usd)


class Adapters(Protocol):
    """What the composition root hands over: adapters by name, and what it does with the files of a playbook."""

    allow_hosts: frozenset[str]
    max_runs: int
    keep_days: int
    limits: Limits
    store: Store
    engine: Engine

    def model_name(self, name: str) -> str: ...

    def source_name(self, name: str) -> str: ...

    def model(self, name: str, beside: Beside | None = None) -> Model:
        """For the run of which it may use what is given; without one, to see that it can be made."""
        ...

    def source(self, name: str, *, refresh: bool = False) -> Source: ...

    def emit(self, event: Event) -> None: ...

    async def publish(self, run_id: str, playbook: Playbook) -> tuple[str, ...]: ...

    async def unpublish(self, run_id: str, files: Sequence[str]) -> None: ...


class Executor:
    """`logs` and `inboxes` are the events and the questions of the runs that are under way in this process."""

    def __init__(self, adapters: Adapters) -> None:
        self.logs: dict[str, EventLog] = {}
        self.inboxes: dict[str, KeptInbox] = {}
        self._adapters = adapters
        self._store = adapters.store
        self._places = asyncio.Semaphore(adapters.max_runs)
        self._patient = asyncio.Semaphore(MOST_PATIENT)

    @property
    def only_waits(self) -> bool:
        """Whether runs are under way, and all of them wait for answers."""
        return bool(self.inboxes) and all(inbox.is_waiting for inbox in self.inboxes.values())

    def admit(self, request: PlaybookRequest, model_name: str, source_name: str) -> Estimate:
        """What a run of the request, which can be carried out here, will about use up.

        Raises:
            InputError, SetupError: it cannot be, or dollars are limited and a price is not known.
        """
        self.check(request, model_name, source_name)
        models = [self._adapters.model(name) for name in (model_name, *self._adapters.limits.fallback)]
        pages = request.max_pages or models[0].capacity.max_pages
        estimates = [model.estimate(pages) for model in models]
        is_unpriced = any(
            model.capacity.is_paid and estimate.usd is None for model, estimate in zip(models, estimates, strict=True)
        )
        if is_unpriced and self._adapters.limits.budget(request.max_cost_usd).usd is not None:
            raise InputError(
                f"max_cost_usd cannot be kept: what {model_name} costs, or a model that may stand in, is not known; "
                "leave it out, and OCTAVE_MAX_COST_USD, and set OCTAVE_MAX_RUN_TOKENS instead"
            )
        return estimates[0]

    async def claims(self, run_id: str) -> Claim:
        record = await self._store.get_run(run_id)
        if record is None or record.is_final:
            return "over"
        try:
            await computed(self.check, record.request, record.model, record.source)
        except OctaveError:
            return "others"
        return "ours"

    async def execute(self, run_id: str, journal: Journal) -> None:
        """The run to its end, from wherever its journal stands; interrupted, it is neither ended nor lost."""
        record = await self._store.get_run(run_id)
        if record is None or record.is_final:
            return
        is_patient = (await computed(self._adapters.model, record.model)).capacity.is_patient
        async with self._patient if is_patient else self._places:  # in the order in which they were started
            record = await self._store.get_run(run_id)
            if record is None or record.is_final:
                return
            told = [event for _, event in await self._store.events(run_id)]
            log = self.logs[run_id] = EventLog(run_id, self._store, self._adapters.emit, told)
            try:
                await self.end(await self._outcome(record, journal, log), log)
            finally:
                await log.close()
                del self.logs[run_id]
                self.inboxes.pop(run_id, None)

    async def _outcome(self, record: RunRecord, journal: Journal, log: EventLog) -> RunRecord:
        """The record of the run as it ended, whatever happened."""
        run: Run | None = None
        try:
            companies = await computed(self.check, record.request, record.model, record.source)
            record, run = await self._begun(record, journal, log)
            return await self._finish(record, run, companies)
        except OctaveError as failed:
            return ended(record, "failed", RunError(code=failed.code, message=str(failed)))
        except Exception as failed:  # noqa: BLE001 - a run ends as failed, whatever it was; the log has the rest
            log(_event(record, "call_failed", error=type(failed).__name__, success=False))  # the log has its traceback
            message = "something went wrong inside octave-mcp; the log of this run says what"
            return ended(record, "failed", RunError(code=OctaveError.code, message=message))
        finally:
            if run:
                await self._close(run, run.source)
                for model in (run.asker.model, *run.asker.fallback):
                    await self._close(run, model)

    async def _begun(self, record: RunRecord, journal: Journal, log: EventLog) -> tuple[RunRecord, Run]:
        """The run, and its record that says it is running: from now on, or again.

        Raises:
            Crashed: it has been carried on too often.
        """
        if log.resumed >= MOST_RESUMED:
            raise Crashed(
                f"the server ended {log.resumed} times while it carried this run on, and it is not tried again; "
                "the log says what it was doing; ask for the playbook anew, with fewer max_pages if memory was short"
            )
        again = record.started_at is not None
        begun = {
            "status": "running",
            "started_at": record.started_at or datetime.now(UTC),
            "specialists_per_ask": record.specialists_per_ask or self._adapters.limits.specialists_per_ask,
        }
        record = record.model_copy(update=begun)
        name, said = ("run_resumed", "carried on") if again else ("run_started", "started")
        log(_event(record, name, message=said))
        await self._store.update_run(record)
        return record, await self._run_of(record, journal, log)

    async def _run_of(self, record: RunRecord, journal: Journal, log: EventLog) -> Run:
        inbox = self.inboxes[record.run_id] = KeptInbox(record.run_id, self._store, self._standing(record, log))
        limits, asked = self._adapters.limits, record.request
        purse = Purse(limits.budget(asked.max_cost_usd))
        beside = Beside(record.run_id, inbox, self._store, asked.refresh, purse.check, purse.spend)
        model = self._adapters.model(record.model, beside)
        model.prepare()
        fallback = tuple(self._adapters.model(name, beside) for name in limits.fallback if name != record.model)
        run = Run(
            request=asked,
            specialists_per_ask=(record.specialists_per_ask if model.capacity.is_paid else None) or ALL_SPECIALISTS,
            identity=f"{model.identity} {record.source}",
            asker=Asker(model, fallback, purse),
            source=await computed(lambda: self._adapters.source(record.source, refresh=asked.refresh)),
            journal=journal,
            store=self._store,
            progress=Progress(record.run_id, record.session_id, log),
            deadline=self._deadline(model),
            site_timeout_seconds=limits.site_timeout_seconds,
        )
        run.source.listen(run.progress)
        return run

    def _deadline(self, model: Model) -> Deadline:
        if model.capacity.is_patient:
            return Deadline()
        limits = self._adapters.limits
        return Deadline(asyncio.get_running_loop().time() + limits.run_timeout_seconds, limits.step_timeout_seconds)

    def _standing(self, record: RunRecord, log: EventLog) -> Callable[[int], Awaitable[None]]:
        """Makes it known whether the run waits for answers."""

        async def changed(count: int) -> None:
            status: RunStatus = "waiting" if count else "running"
            await self._store.update_run(record.model_copy(update={"status": status}))
            if count:
                told = "1 question is open" if count == 1 else f"{count} questions are open"
                log(_event(record, "waiting", message=f"{told}: call next_question", total=count))

        return changed

    async def _finish(self, record: RunRecord, run: Run, companies: Sequence[Company]) -> RunRecord:
        playbook = await generate(run, companies)
        if not _mandatory(playbook):
            return ended(record, "failed", _why_not(playbook))
        timings = Timings(total_seconds=_seconds(record), steps=run.progress.timings)
        playbook = playbook.model_copy(update={"timings": timings})
        await self._store.put_playbook(record.run_id, playbook)
        status: RunStatus = "partial" if _is_partial(playbook) else "completed"
        try:
            files = await run.publish(lambda: self._adapters.publish(record.run_id, playbook))
        except NotWritten as failed:
            return ended(record, "partial", RunError(code=failed.code, message=str(failed)))
        return ended(record, status).model_copy(update={"files": files})

    async def _close(self, run: Run, adapter: Source | Model) -> None:
        try:
            await adapter.close()
        except Exception as failed:  # noqa: BLE001 - what an adapter leaves open does not keep its run from ending
            run.progress.report("call_failed", error=type(failed).__name__, success=False)

    async def end(self, record: RunRecord, log: EventLog | None = None) -> None:
        """Keeps the final record with the event that says so, unless the run is final already."""
        if log:
            await log.close()
        done = max((event.done for _, event in await self._store.last_events(record.run_id, 1)), default=0)
        error = f"{record.error.code}: {record.error.message}" if record.error else None
        event = _event(
            record,
            "run_finished",
            message=record.status,
            success=record.status in {"completed", "partial"},
            error=error,
            duration_ms=_seconds(record) * 1000,
            done=done,
            total=done,
        )
        if await self._store.update_run(record, events=(event,)):
            self._adapters.emit(event)
        elif record.files:  # it was cancelled or deleted meanwhile: nobody would find them
            await self._adapters.unpublish(record.run_id, record.files)
        if own := self.logs.get(record.run_id):
            own.end()
            await own.close()

    def check(self, request: PlaybookRequest, model_name: str, source_name: str) -> tuple[Company, ...]:
        """The companies of a request that can be carried out here.

        Raises:
            InputError, SetupError: it cannot be.
        """
        allow = self._adapters.allow_hosts
        companies = tuple(parse_company(given, role, allow) for role, given in request.companies.items())
        if same := same_site(companies):
            named = " and ".join(repr(request.companies[company.role]) for company in same)
            raise SameCompany(f"{named} are one company, {same[0].domain}; name two")
        self._adapters.source_name(source_name)
        for name in self._adapters.limits.fallback:
            if self._adapters.model(name).capacity.is_patient:
                raise SetupError(f"OCTAVE_FALLBACK: {name} cannot stand in, since it may take days; leave it out")
        model = self._adapters.model(model_name)
        if model.languages is not None and request.language not in model.languages:
            raise UnsupportedLanguage(
                f"the {model.name} model writes {', '.join(sorted(model.languages))}, not {request.language!r}; "
                "leave language out, or choose a model that writes it"
            )
        return companies


def _event(record: RunRecord, event: EventName, **more: Any) -> Event:  # noqa: ANN401 - Event's own
    return Event(event=event, run_id=record.run_id, session_id=record.session_id, **more)


def ended(record: RunRecord, status: RunStatus, error: RunError | None = None) -> RunRecord:
    return record.model_copy(update={"status": status, "finished_at": datetime.now(UTC), "error": error})


def _seconds(record: RunRecord) -> float:
    """How long the run took or has taken, interruptions included; 0 while it waits for a place."""
    if record.started_at is None:
        return 0.0
    return round(((record.finished_at or datetime.now(UTC)) - record.started_at).total_seconds(), 3)


def _mandatory(playbook: Playbook) -> bool:
    """Whether what makes a playbook is there: a summary, a persona with copy to use, battle cards, evidence."""
    summary = playbook.executive_summary
    served = {s.persona_id for s in playbook.email_sequences if s.touches} & {
        t.persona_id for t in playbook.talk_tracks
    }
    return bool(summary.whom_to_approach and served and playbook.battle_cards and playbook.evidence)


def _why_not(playbook: Playbook) -> RunError:
    """The error of a run without the mandatory sections: of what failed, or that the sites gave too little."""
    failures = [gap for gap in playbook.gaps if gap.code in _FAILED_GAPS]
    failed = next((gap for gap in failures if gap.code in _NO_ACCESS), next(iter(failures), None))
    if failed:
        return RunError(code=failed.code, message=f"{failed.section} could not be written: {failed.reason}")
    message = "the sites gave too little for a playbook: no persona, sequence or battle card could be written"
    return RunError(code="too_little", message=message)


def _is_partial(playbook: Playbook) -> bool:
    """Whether something failed or was dropped; what the sites do not say is no failure, nor is a page that is gone."""
    failed = any(failure.is_transient for failure in playbook.failed_pages)
    return failed or any(gap.code in _PARTIAL_GAPS for gap in playbook.gaps)
