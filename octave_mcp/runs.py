"""Start, follow and read runs. A run belongs to the server, never to the call that asked for it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from octave_mcp.domain.addresses import parse_company
from octave_mcp.domain.company import Company
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook, Timings
from octave_mcp.domain.run import FINAL, PlaybookRequest, RunError, RunRecord
from octave_mcp.errors import NotFound, OctaveError, SameCompany, UnsupportedLanguage
from octave_mcp.pipeline import generate
from octave_mcp.ports import Engine, Model, Source, Store
from octave_mcp.run import Run

HEARTBEAT_SECONDS = 4.0
"""How long a follower waits for news before the last is told again."""

FAILED_PAGE_CODES = ("timeout", "connection_failed", "http_429", "http_5")
_FAILED_GAPS = frozenset({"upstream_unavailable", "bad_answer", "rate_limited"})
_PARTIAL_GAPS = _FAILED_GAPS | {"dropped_by_check"}

Told = Callable[[Event], Awaitable[None]]


class Adapters(Protocol):
    """What the composition root hands over: adapters by name, and what it does with a finished playbook."""

    allow_hosts: frozenset[str]
    max_runs: int
    site_timeout_seconds: float
    store: Store
    engine: Engine

    def model(self, name: str) -> Model: ...

    def source(self, name: str) -> Source: ...

    def emit(self, event: Event) -> None: ...

    async def publish(self, playbook: Playbook) -> tuple[str, ...]: ...


@dataclass(slots=True)
class _Live:
    """A run of this process: its task, the last event, and a signal for each new one."""

    last: Event
    task: asyncio.Task[None] | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Runs:
    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters
        self._store = adapters.store
        self._live: dict[str, _Live] = {}
        self._places = asyncio.Semaphore(adapters.max_runs)

    async def start(self, request: PlaybookRequest) -> RunRecord:
        """A new run in a new session, under way or waiting for a place.

        Raises:
            InputError: a name is no domain, an address not public, the two are one company, the language not written.
            SetupError: no such model or source is set up.
        """
        vendor, prospect = self._companies(request)
        model = self._adapters.model(request.model)
        if model.languages is not None and request.language not in model.languages:
            raise UnsupportedLanguage(
                f"the {model.name} model writes {', '.join(sorted(model.languages))}, not {request.language!r}; "
                "leave language out, or choose a model that writes it"
            )
        source = self._adapters.source(request.source)
        record = RunRecord(
            run_id=f"run_{secrets.token_hex(16)}",
            session_id=f"sess_{secrets.token_hex(16)}",
            request=request,
            status="queued",
            created_at=datetime.now(UTC),
        )
        await self._store.put_run(record)
        run = self._run(record, model, source)
        live = self._live[record.run_id]
        live.task = asyncio.create_task(self._execute(record, run, vendor, prospect), name=record.run_id)
        return record

    def _companies(self, request: PlaybookRequest) -> tuple[Company, Company]:
        vendor = parse_company(request.vendor, "vendor", self._adapters.allow_hosts)
        prospect = parse_company(request.prospect, "prospect", self._adapters.allow_hosts)
        if vendor.domain == prospect.domain:
            raise SameCompany(f"{request.vendor!r} and {request.prospect!r} are one company, {vendor.domain}; name two")
        return vendor, prospect

    def _run(self, record: RunRecord, model: Model, source: Source) -> Run:
        live = _Live(
            Event(event="progress", run_id=record.run_id, session_id=record.session_id, message="queued", total=1)
        )
        self._live[record.run_id] = live

        def emit(event: Event) -> None:
            self._adapters.emit(event)
            live.last = (
                event if event.message else live.last.model_copy(update={"done": event.done, "total": event.total})
            )
            live.news.set()
            live.news = asyncio.Event()

        return Run(
            run_id=record.run_id,
            session_id=record.session_id,
            request=record.request,
            model=model,
            source=source,
            engine=self._adapters.engine,
            store=self._store,
            emit=emit,
            site_timeout_seconds=self._adapters.site_timeout_seconds,
        )

    async def _execute(self, record: RunRecord, run: Run, vendor: Company, prospect: Company) -> None:
        """The run from start to end: whatever happens, it ends in a final status, and its source is closed."""
        began = time.perf_counter()
        try:
            async with self._places:
                began = time.perf_counter()
                record = record.model_copy(update={"status": "running"})
                await self._store.put_run(record)
                run.tell("run_started", message="started")
                record = await self._finish(record, run, vendor, prospect, began)
        except asyncio.CancelledError:
            record = _ended(record, "cancelled")
            raise
        except OctaveError as failed:
            record = _ended(record, "failed", RunError(code=failed.code, message=str(failed)))
        except Exception as failed:  # noqa: BLE001 - a run ends as failed, whatever it was; the log has the rest
            run.tell("call_failed", error=repr(failed), success=False)  # in here: the log gets its traceback
            message = "something went wrong inside octave-mcp; the log of this run says what"
            record = _ended(record, "failed", RunError(code=OctaveError.code, message=message))
        finally:
            await asyncio.shield(self._close(record, run, began))

    async def _close(self, record: RunRecord, run: Run, began: float) -> None:
        try:
            await run.source.close()
        except Exception as failed:  # noqa: BLE001 - what a source leaves open does not keep its run from ending
            run.tell("call_failed", error=repr(failed), success=False)
        await self._store.put_run(record)
        error = f"{record.error.code}: {record.error.message}" if record.error else None
        success = record.status in {"completed", "partial"}
        run.tell("run_finished", began=began, success=success, message=record.status, error=error)

    async def _finish(self, record: RunRecord, run: Run, vendor: Company, prospect: Company, began: float) -> RunRecord:
        playbook = await generate(run, vendor, prospect)
        if not _mandatory(playbook):
            return _ended(record, "failed", _why_not(playbook))
        timings = Timings(total_seconds=round(time.perf_counter() - began, 3), steps=run.timings)
        playbook = playbook.model_copy(update={"timings": timings})
        await self._store.put_playbook(record.run_id, playbook)
        status = "partial" if _is_partial(playbook) else "completed"
        try:
            files = await self._adapters.publish(playbook)
        except OSError as failed:
            message = f"the playbook could not be written to disk ({failed.strerror}); get_run has it all the same"
            return _ended(record, "partial", RunError(code="not_written", message=message))
        return _ended(record, status).model_copy(update={"files": files})

    async def follow(self, run_id: str, wait_seconds: float, told: Told) -> RunRecord:
        """The run once it is final, or as it is after `wait_seconds`; `told` gets each event, the last again every 4 s.

        Raises:
            NotFound: there is no such run.
        """
        record = await self.get(run_id)
        live = self._live.get(run_id)
        try:
            async with asyncio.timeout(wait_seconds):
                while live and record.status not in FINAL:
                    news = live.news
                    await told(live.last)
                    await _either(news, HEARTBEAT_SECONDS)
                    record = await self.get(run_id)
        except TimeoutError:
            pass
        return await self.get(run_id)

    async def get(self, run_id: str) -> RunRecord:
        record = await self._store.get_run(run_id)
        if record is None:
            raise NotFound(f"there is no run {run_id!r}; generate_playbook starts one")
        return record

    def progress(self, run_id: str) -> Event | None:
        """What a run of this process is doing now."""
        live = self._live.get(run_id)
        return live.last if live else None

    async def playbook(self, run_id: str) -> Playbook | None:
        return await self._store.get_playbook(run_id)

    async def close(self, grace_seconds: float = 0) -> None:
        """Ends what is still under way after `grace_seconds`; each such run is recorded as cancelled."""
        tasks = [live.task for live in self._live.values() if live.task and not live.task.done()]
        await asyncio.sleep(0)  # a task that is cancelled before it begins would not even record that
        if tasks and grace_seconds:
            await asyncio.wait(tasks, timeout=grace_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _either(news: asyncio.Event, seconds: float) -> None:
    """Returns at the news, or when the time is up."""
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return


def _ended(record: RunRecord, status: str, error: RunError | None = None) -> RunRecord:
    return record.model_copy(update={"status": status, "finished_at": datetime.now(UTC), "error": error})


def _mandatory(playbook: Playbook) -> bool:
    """Whether what makes a playbook is there: a summary, a persona with copy to use, battle cards, evidence."""
    summary = playbook.executive_summary
    served = {s.persona_id for s in playbook.email_sequences if s.touches} & {
        t.persona_id for t in playbook.talk_tracks
    }
    return bool(summary.whom_to_approach and served and playbook.battle_cards and playbook.evidence)


def _why_not(playbook: Playbook) -> RunError:
    """The error of a run without the mandatory sections: of what failed, or that the sites gave too little."""
    failed = next((gap for gap in playbook.gaps if gap.code in _FAILED_GAPS), None)
    if failed:
        return RunError(code=failed.code, message=f"{failed.section} could not be written: {failed.reason}")
    message = "the sites gave too little for a playbook: no persona, sequence or battle card could be written"
    return RunError(code="too_little", message=message)


def _is_partial(playbook: Playbook) -> bool:
    """Whether something failed or was dropped; what the sites do not say is no failure, nor is a page that is gone."""
    failed = any(failure.code.startswith(FAILED_PAGE_CODES) for failure in playbook.failed_pages)
    return failed or any(gap.code in _PARTIAL_GAPS for gap in playbook.gaps)
