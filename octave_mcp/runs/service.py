"""Start, follow, cancel and list runs. A run belongs to the server, never to the call that asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from octave_mcp.concurrency.computing import computed
from octave_mcp.copywriting.own_copy import checked_copy
from octave_mcp.domain.choices import BY_RULES, taken_by_default
from octave_mcp.domain.copy_check import CheckedCopy
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.domain.run import PlaybookRequest, RevisionRequest, RunRecord, SessionRecord
from octave_mcp.domain.sender import Sender
from octave_mcp.errors import InputError, NotFound, UnsupportedLanguage
from octave_mcp.ports import Claim
from octave_mcp.recordings.recording import RecordedRun
from octave_mcp.runs.adapters import Adapters
from octave_mcp.runs.admission import Admission, queued, same
from octave_mcp.runs.events import run_event
from octave_mcp.runs.executor import Executor
from octave_mcp.runs.following import Following, OnEvent
from octave_mcp.runs.maintenance import Maintenance, remove
from octave_mcp.runs.outcome import ended
from octave_mcp.runs.questions import Questions
from octave_mcp.runs.recorder import Recorder
from octave_mcp.runs.reruns import AS_IT_WAS, Named, Refreshes
from octave_mcp.runs.revising import Revisions
from octave_mcp.runs.store_check import STORE, StoreCheck
from octave_mcp.runs.versions import Versions, no_run
from octave_mcp.runs.websites import Websites

LISTED = "list_sessions shows what is stored"


class Runs:
    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters
        self.websites = Websites(adapters)
        self.versions = Versions(adapters.store, adapters.files)
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
        """Opens the store; if `executing` and `adopting`, also resumes the runs that an earlier server has left.

        A process that does not execute runs can read, cancel and delete them. One that does not adopt executes only
        its own.

        Raises:
            StoreFailed, SetupError: the database cannot be used.
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
        """Waits `grace_seconds` for the runs under way; the next server resumes the rest."""
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        await self._engine.close(0 if self._executor.only_waits else grace_seconds)
        for log in tuple(self._executor.logs.values()):
            await log.close()
        await self._adapters.supervisor.close()
        await self._store.close()

    async def start(self, request: PlaybookRequest, keyless_model: str = BY_RULES) -> RunRecord:
        """A new run, running or queued; or the one that was started with the same request_id, as it was set up then.

        `keyless_model` does it if the request names none and no provider is configured; the record says so. A request
        to refresh a deal of its session is one for the next version of that playbook, as `refresh`.

        Raises:
            InputError: a name is no domain, an address not public, the two are one company, the language not written.
            ReusedRequest: its request_id was used for another request.
            NotFound: its session does not exist.
            SetupError: no such model or source is set up.
        """
        if earlier := await self._refreshes.meant_by(request):
            return await self.refresh(earlier, Named.in_request(request))
        if known := await self._known(request):
            return known
        record = await computed(self._admitted, request, keyless_model)
        return same(await self._begun(record, new_session=request.session_id is None), request)

    async def revise(
        self, wanted: RevisionRequest, keyless_model: str = BY_RULES, *, has_client: bool = True
    ) -> RunRecord:
        """A new run, which makes a version of a playbook with a part written again; or the one with its request_id.

        Raises:
            ReusedRequest: its request_id was used for another request.
            OctaveError: what `admitted` raises.
        """
        if known := await self._known(wanted):
            return known
        revisions = Revisions(self._adapters, self._admission)
        record = await revisions.admitted(wanted, keyless_model, has_client=has_client)
        return same(await self._begun(record, new_session=False), wanted)

    async def refresh(self, run_id: str, named: Named = AS_IT_WAS) -> RunRecord:
        """A new run, which writes a playbook's next version from the pages as they are; raises what `admitted` does."""
        record = await self._refreshes.admitted(run_id, named)
        return same(await self._begun(record, new_session=False), record.request)

    async def _begun(self, record: RunRecord, *, new_session: bool) -> RunRecord:
        """The run, now stored and started; or the one that has its request_id already."""
        stored = await self._store.add_run(record, new_session=new_session)
        if stored is record:
            await self._store.append(record.run_id, [run_event(record, "progress", message="queued", total=1)])
            await self._engine.start(record.run_id)
        return stored

    async def _known(self, request: PlaybookRequest | RevisionRequest) -> RunRecord | None:
        known = await self._store.run_of_request(request.request_id) if request.request_id else None
        return same(known, request) if known else None

    def _admitted(self, request: PlaybookRequest, keyless_model: str) -> RunRecord:
        named, source = self._adapters.model_name(request.model), self._adapters.source_name(request.source)
        model = named or keyless_model
        try:
            estimate = self._admission.estimate(request, model, source)
        except UnsupportedLanguage as refused:
            raise refused if named else UnsupportedLanguage(f"{refused}; {taken_by_default(model)}") from None
        sender = (request.sender or Sender()).filled(self._adapters.sender)
        signed = sender if sender != Sender() else None
        return queued(request, model, source, estimate=estimate, sender=signed, by_default=named is None)

    async def get(self, run_id: str) -> RunRecord:
        """The run's record.

        Raises:
            NotFound: there is no such run.
        """
        record = await self._store.get_run(run_id)
        if record is None:
            raise no_run(run_id)
        return record

    async def playbook(self, run_id: str) -> Playbook | None:
        """The newest version; that of a run which is about to end, too."""
        return await self._store.get_playbook(run_id)

    async def finished(self, run_id: str, version: int | None = None) -> Playbook:
        """The playbook of a run that has ended, in that version or the newest.

        Raises:
            NotFound: there is no such run.
            NotFinished: it made no playbook, or has not yet.
            UnknownName: there is no such version.
        """
        return await self.versions.playbook(run_id, version)

    async def recorded(self, run_id: str, model: str) -> RecordedRun:
        """A recording of what the model of this name answered in the run, as a connected client.

        Raises:
            NotFound: there is no such run.
            NotFinished: it made no playbook, or has not yet.
            InputError: it cannot be recorded.
        """
        return await Recorder(self._adapters, self._admission).recorded(await self.get(run_id), model)

    @property
    def under_way(self) -> int:
        """How many runs this process is executing."""
        return len(self._executor.logs)

    async def failing(self) -> dict[str, str]:
        """What this process cannot do now, with the reasons: background tasks, and reading and writing the store."""
        store = await self._store_check()
        return {**self._adapters.supervisor.failing, **({STORE: store} if store else {})}

    async def quoted_pages(self, playbook: Playbook) -> Mapping[str, str]:
        """The texts of the pages that the playbook quotes, by digest, as far as they are still stored."""
        cited = sorted({evidence.page_sha256 for evidence in playbook.evidence.values()})
        texts = {sha256: await self._store.page_text(sha256) for sha256 in cited}
        return {sha256: text for sha256, text in texts.items() if text is not None}

    async def check_copy(self, run_id: str, text: str) -> CheckedCopy:
        """Someone's own e-mail or script against what the run has read; no model is asked.

        Raises:
            NotFound: there is no such run.
            NotFinished: it made no playbook, or has not yet.
            InputError: there is nothing to check in the text, or too much.
        """
        record, playbook = await self.get(run_id), await self.finished(run_id)
        pages = await self._store.pages_with_texts({page.sha256 for page in playbook.pages})
        return await computed(checked_copy, text, playbook, pages, record.sender)

    async def progress(self, run_id: str) -> Event | None:
        """What the run is doing: its last event, with the last message."""
        return await self._following.latest(run_id)

    async def follow(self, run_id: str, wait_seconds: float, on_event: OnEvent) -> RunRecord:
        """The run once it is final, or waits for answers, or as it is after `wait_seconds`.

        `on_event` gets each event, and the last again every 4 s.

        Raises:
            NotFound: there is no such run.
        """
        record = await self.get(run_id)
        if not record.is_at_rest and wait_seconds > 0:
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._following.until_at_rest(run_id, on_event)
            except TimeoutError:
                pass
        return await self.get(run_id)

    async def events(self, run_id: str, after: int = 0) -> AsyncGenerator[tuple[int, Event]]:
        """The run's events with their numbers, from the one after `after`, as they come. Ends with the run.

        Raises:
            NotFound: there is no such run.
        """
        await self.get(run_id)
        async with aclosing(self._following.batches(run_id, after)) as batches:
            async for batch in batches:
                for number, event in batch:
                    yield number, event

    async def next_question(
        self, run_id: str, wait_seconds: float, question_id: str = "", *, leased: bool = True
    ) -> tuple[RunRecord, QuestionRecord | None, int]:
        """The run, one of its open questions or the one of that id, and how many are open.

        If `leased`, the question is handed out: for a minute it is returned again, to any client, only if no other
        comes within `wait_seconds`. So each call returns another question while there are others.

        Raises:
            NotFound: there is no such run, or no such question.
        """
        if question_id:
            return await self._questions.again(run_id, question_id)
        return await self._questions.next(run_id, wait_seconds, leased=leased)

    async def answer(self, run_id: str, question_id: str, answer: str) -> tuple[RunRecord, QuestionRecord, int]:
        """The run, the question with the verdict on the answer, and how many are open.

        The run itself checks the answer: there is no verdict yet where no process executes it.

        Raises:
            NotFound: there is no such run, or no such question.
            InputError: it has another answer already, or the run has ended.
        """
        return await self._questions.answer(run_id, question_id, answer)

    async def cancel(self, run_id: str) -> RunRecord:
        """The run, now cancelled; as it is, where it is final already.

        Raises:
            NotFound: there is no such run.
        """
        record = await self.get(run_id)
        if not record.is_final:
            await self._executor.end(ended(record, "cancelled"))
            await self._engine.cancel(run_id)
        return await self.get(run_id)

    async def list_runs(self, session_id: str | None, limit: int, after: str | None) -> list[RunRecord]:
        """The newest first, of one session or of all; `after` is the id of the last one seen.

        Raises:
            InputError: `after` is the id of no run.
        """
        if after is not None and await self._store.get_run(after) is None:
            raise _no_cursor(after)
        return await self._store.runs(session_id=session_id, limit=limit, after=after)

    async def list_sessions(self, limit: int, after: str | None) -> list[SessionRecord]:
        """The newest first; `after` is the id of the last one seen.

        Raises:
            InputError: `after` is the id of no session.
        """
        if after is not None and await self._store.session(after) is None:
            raise _no_cursor(after)
        return await self._store.sessions(limit=limit, after=after)

    async def session(self, session_id: str) -> SessionRecord:
        """The session's record.

        Raises:
            NotFound: there is no such session.
        """
        session = await self._store.session(session_id)
        if session is None:
            raise NotFound(f"there is no session {session_id!r}, or it was deleted; {LISTED}")
        return session

    async def delete_session(self, session_id: str) -> int:
        """Cancels the session's runs that are under way, and deletes it with all its runs; returns how many it had.

        What is stored or cached for these runs alone goes with them. What the log says of them stays.

        Raises:
            NotFound: there is no such session.
        """
        await self.session(session_id)
        found = await self._store.runs(session_id=session_id, limit=1_000_000)
        records = [record if record.is_final else await self.cancel(record.run_id) for record in found]
        await remove(records, self._adapters)
        await self._store.delete_session(session_id)
        return len(records)


async def _no_claims(_: str) -> Claim:
    """Claims nothing: for a process that executes only its own runs."""
    return "others"


def _no_cursor(given: str) -> InputError:
    return InputError(f"{given!r} is no cursor, or no longer one; leave it out to begin with the newest")
