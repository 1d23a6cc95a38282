"""Starts, follows, cancels and lists runs. A run continues on the server after the call that started it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from importlib import import_module
from typing import TYPE_CHECKING

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.choices import BY_RULES
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.domain.run import (
    EVERY_RUN,
    NO_OPTIONS,
    Named,
    PlaybookRequest,
    RevisionRequest,
    RunFilter,
    RunRecord,
    SessionRecord,
)
from octave_mcp.errors import InputError, NotFound
from octave_mcp.ports import Claim
from octave_mcp.runs.adapters import Adapters
from octave_mcp.runs.admission import Admission, same, traced
from octave_mcp.runs.events import run_event
from octave_mcp.runs.executor import Executor
from octave_mcp.runs.following import Following, OnEvent
from octave_mcp.runs.maintenance import Maintenance, remove
from octave_mcp.runs.outcome import ended
from octave_mcp.runs.questions import Questions
from octave_mcp.runs.reruns import Refreshes
from octave_mcp.runs.shares import Shares
from octave_mcp.runs.sign_ins import SignIns
from octave_mcp.runs.store_check import STORE, StoreCheck
from octave_mcp.runs.versions import Versions, no_run
from octave_mcp.runs.websites import Websites

if TYPE_CHECKING:
    from octave_mcp.recordings.recording import RecordedRun

LISTED = "list_sessions shows what is stored"


class Runs:
    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters
        self.websites = Websites(adapters)
        self.versions = Versions(adapters.store, adapters.files)
        self.shares, self.sign_ins = Shares(adapters.store, self.versions), SignIns(adapters.store)
        self._store = adapters.store
        self._engine = adapters.engine
        self._admission = Admission(adapters)
        self._refreshes = Refreshes(adapters, self._admission)
        self._executor = Executor(adapters, self._admission)
        self._following = Following(adapters.store, self._executor.notifier)
        self._questions = Questions(adapters.store, self._executor.inboxes, self._executor.notifier, self.get)
        self._maintenance = Maintenance(adapters, self._executor)
        self._starting: tuple[asyncio.Task[None], ...] = ()
        self._store_check = StoreCheck(adapters)

    async def open(self, *, executing: bool = True, adopting: bool = True) -> None:
        """Open the store and, if `executing` is true, start the engine.

        If `executing` and `adopting` are true, resume runs whose server has ended. If `executing` is false, the service
        can still read, cancel and delete runs. If `adopting` is false, it executes only the runs that it starts.

        Raises:
            StoreFailed, SetupError: If the database cannot be used.
        """
        try:
            await self._store.open()
            if executing:
                await self._engine.launch(self._executor.execute, self._executor.claims if adopting else _no_claims)
        except BaseException:
            await self.close()
            raise
        if executing:
            self._starting = self._maintenance.begin(for_all=adopting)

    async def close(self, grace_seconds: float = 0) -> None:
        """Wait up to `grace_seconds` for active runs to end, then close. The next server resumes all other runs."""
        # Close in this order: first the tasks that start runs, then the engine, then the logs that the engine writes
        # to, and last the store, which all others use.
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        # If all runs have open questions, do not wait, because such runs will not end within the grace period.
        await self._engine.close(0 if self._executor.only_waits else grace_seconds)
        for log in tuple(self._executor.logs.values()):
            await log.close()
        await self._adapters.supervisor.close()
        await self._store.close()

    async def start(self, request: PlaybookRequest, keyless_model: str = BY_RULES) -> RunRecord:
        """Start a run and return its record. If the request_id was used before, return the record of that run.

        `keyless_model` is used if the request names no model and no provider is configured. If the request sets
        `refresh` and its session has a playbook of the same deal, that playbook is refreshed.

        Raises:
            InputError: If a domain is invalid or not public, if both domains belong to one company, or if the
                language is not supported.
            ReusedRequest: If the request_id was used for another request.
            NotFound: If the session does not exist.
            SetupError: If the model or source is not set up.
        """
        if earlier := await self._refreshes.refreshed_run_id(request):
            return await self.refresh(earlier, Named.in_request(request))
        if known := await self._known(request):
            return known
        record = await self.admitted(request, keyless_model)
        return same(await self._begun(record, new_session=request.session_id is None), request)

    async def admitted(self, request: PlaybookRequest, keyless_model: str = BY_RULES) -> RunRecord:
        """Return the record that `start` would store for a new run, with its estimate. Raise the errors of `start`."""
        return await computed(self._admission.admitted, request, keyless_model)

    async def revise(
        self, wanted: RevisionRequest, keyless_model: str = BY_RULES, *, has_client: bool = True
    ) -> RunRecord:
        """Start a run that rewrites a part of a playbook, or return the run with the same request_id.

        Raises:
            ReusedRequest: If the request_id was used for another request.
            OctaveError: See `Revisions.admitted`.
        """
        if known := await self._known(wanted):
            return known
        await asyncio.to_thread(import_module, "octave_mcp.runs.revising")
        # A server that has no runs does not import the pipeline.
        from octave_mcp.runs.revising import Revisions  # noqa: PLC0415 - imported by now

        revisions = Revisions(self._adapters, self._admission)
        record = await revisions.admitted(wanted, keyless_model, has_client=has_client)
        return same(await self._begun(record, new_session=False), wanted)

    async def refresh(self, run_id: str, named: Named = NO_OPTIONS) -> RunRecord:
        """Start a run that writes a playbook's next version from the current pages.

        Raises:
            OctaveError: See `Refreshes.admitted`.
        """
        record = await self._refreshes.admitted(run_id, named)
        return same(await self._begun(record, new_session=False), record.request)

    async def _begun(self, record: RunRecord, *, new_session: bool) -> RunRecord:
        # Store the run before starting it: if this process ends in between, `Maintenance` starts the run. Two calls
        # with the same request_id can both get here, so the store decides which call creates the run.
        stored = await self._store.add_run(record := traced(record), new_session=new_session)
        if stored is record:
            await self._store.append(record.run_id, [run_event(record, "progress", message="queued", total=1)])
            await self._engine.start(record.run_id)
        return stored

    async def _known(self, request: PlaybookRequest | RevisionRequest) -> RunRecord | None:
        known = await self._store.run_of_request(request.request_id) if request.request_id else None
        return same(known, request) if known else None

    async def get(self, run_id: str) -> RunRecord:
        """Return the run's record.

        Raises:
            NotFound: If there is no such run.
        """
        record = await self._store.get_run(run_id)
        if record is None:
            raise no_run(run_id)
        return record

    async def playbook(self, run_id: str) -> Playbook | None:
        """Return the newest playbook version, or None if none is stored. The run does not need to have ended."""
        return await self._store.get_playbook(run_id)

    async def finished(self, run_id: str, version: int | None = None) -> Playbook:
        """Return a version of the playbook. `Versions.one` describes the default.

        Raises:
            NotFound: If there is no such run.
            NotFinished: If the run has no playbook, or has not ended.
            UnknownName: If there is no such version.
        """
        return await self.versions.playbook(run_id, version)

    async def recorded(self, run_id: str, model: str) -> RecordedRun:
        """Return a recording of the answers that a connected client gave in the run. `model` names the client's model.

        Raises:
            NotFound: If there is no such run.
            NotFinished: If the run has no playbook, or has not ended.
            InputError: If the run cannot be recorded.
        """
        from octave_mcp.runs.recorder import Recorder  # noqa: PLC0415 - only one command needs it

        return await Recorder(self._adapters, self._admission).recorded(await self.get(run_id), model)

    @property
    def under_way(self) -> int:
        """The number of runs that this process is executing."""
        return len(self._executor.logs)

    async def failing(self) -> dict[str, str]:
        """Return the error texts of failing background tasks, keyed by task. A failing store is included, too."""
        store = await self._store_check()
        return {**self._adapters.supervisor.failing, **({STORE: store} if store else {})}

    async def quoted_pages(self, playbook: Playbook) -> Mapping[str, str]:
        """Return the texts of the quoted pages, keyed by digest. Pages that are no longer stored are left out."""
        cited = sorted({evidence.page_sha256 for evidence in playbook.evidence.values()})
        texts = {sha256: await self._store.page_text(sha256) for sha256 in cited}
        return {sha256: text for sha256, text in texts.items() if text is not None}

    async def progress(self, run_id: str) -> Event | None:
        """Return the run's latest event, or None. An event without a message gets the message of an earlier event."""
        return await self._following.latest(run_id)

    async def follow(self, run_id: str, wait_seconds: float, on_event: OnEvent) -> RunRecord:
        """Wait up to `wait_seconds` until the run is final or waits for answers, and return the run.

        `on_event` is called with each event. If there is no new event for 4 s, `on_event` gets the last event again.

        Raises:
            NotFound: If there is no such run.
        """
        record = await self.get(run_id)
        if record.is_settled or wait_seconds <= 0:
            return record
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_seconds):
                await self._following.until_settled(run_id, on_event)
        return await self.get(run_id)

    async def events(self, run_id: str, after: int = 0) -> AsyncGenerator[tuple[int, Event]]:
        """Yield the run's numbered events until the run has ended. Skip events up to the number `after`.

        Raises:
            NotFound: If there is no such run.
        """
        await self.get(run_id)
        async with aclosing(self._following.batches(run_id, after)) as batches:
            async for batch in batches:
                for number, event in batch:
                    yield number, event

    async def next_question(
        self, run_id: str, wait_seconds: float, question_id: str = "", *, leased: bool = True
    ) -> tuple[RunRecord, QuestionRecord | None, int]:
        """Return the run, one of its open questions (or the one with `question_id`), and the number of open questions.

        If `leased` is true, the question is reserved for a minute, so that concurrent calls get different questions.
        If all open questions are reserved, another call waits up to its `wait_seconds`, and then returns one of them.

        Raises:
            NotFound: If there is no such run, or no such question.
        """
        if question_id:
            return await self._questions.again(run_id, question_id)
        return await self._questions.next(run_id, wait_seconds, leased=leased)

    async def answer(self, run_id: str, question_id: str, answer: str) -> tuple[RunRecord, QuestionRecord, int]:
        """Store an answer. Return the run, the question with the verdict, and the number of open questions.

        The process that executes the run checks the answer. Without such a process, the question has no verdict yet.

        Raises:
            NotFound: If there is no such run, or no such question.
            InputError: If the question already has another answer, or the run has ended.
        """
        return await self._questions.answer(run_id, question_id, answer)

    async def cancel(self, run_id: str) -> RunRecord:
        """Cancel the run, unless it is final, and return its record.

        Raises:
            NotFound: If there is no such run.
        """
        record = await self.get(run_id)
        if not record.is_final:
            # Mark the run as cancelled first. The store then ignores everything that the execution still writes to the
            # run until the engine stops it.
            await self._executor.end(ended(record, "cancelled"))
            await self._engine.cancel(run_id)
        return await self.get(run_id)

    async def list_runs(
        self, session_id: str | None, limit: int, after: str | None, only: RunFilter = EVERY_RUN
    ) -> list[RunRecord]:
        """Return the runs of one session or of all sessions that `only` selects, newest first.

        If `after` is a run id, return only the runs that follow this run in the list.

        Raises:
            InputError: If `after` is not the id of a stored run.
        """
        if after is not None and await self._store.get_run(after) is None:
            raise _no_cursor(after)
        return await self._store.runs(session_id=session_id, limit=limit, after=after, only=only)

    async def list_sessions(self, limit: int, after: str | None) -> list[SessionRecord]:
        """Return the sessions, newest first.

        If `after` is a session id, return only the sessions that follow this session in the list.

        Raises:
            InputError: If `after` is not the id of a stored session.
        """
        if after is not None and await self._store.session(after) is None:
            raise _no_cursor(after)
        return await self._store.sessions(limit=limit, after=after)

    async def session(self, session_id: str) -> SessionRecord:
        """Return the session's record.

        Raises:
            NotFound: If there is no such session.
        """
        session = await self._store.session(session_id)
        if session is None:
            raise NotFound(f"there is no session {session_id!r}, or it was deleted; {LISTED}")
        return session

    async def delete_session(self, session_id: str) -> int:
        """Cancel the session's active runs, delete the session and its runs, and return the number of deleted runs.

        Data that is stored or cached only for these runs is deleted as well, except for log records.

        Raises:
            NotFound: If there is no such session.
        """
        await self.session(session_id)
        runs = await self._store.runs(session_id=session_id, limit=1_000_000)
        records = [record if record.is_final else await self.cancel(record.run_id) for record in runs]
        await remove(records, self._adapters)
        await self._store.delete_session(session_id)
        return len(records)


async def _no_claims(_: str) -> Claim:
    return "others"


def _no_cursor(given: str) -> InputError:
    return InputError(
        f"{given!r} is not a valid cursor, or its entry was deleted; leave out the cursor to get the newest entries"
    )
