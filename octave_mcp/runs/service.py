"""Start, follow, cancel and list runs. A run belongs to the server, never to the call that asked for it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from octave_mcp.asks import reuse
from octave_mcp.concurrency.computing import collect, computed
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.questions import KeptQuestion
from octave_mcp.domain.run import PlaybookRequest, RunError, RunRecord, SessionRecord
from octave_mcp.errors import Abandoned, InputError, NotFinished, NotFound, ReusedRequest, StoreFailed
from octave_mcp.ports import Claim
from octave_mcp.runs.executor import Adapters, Executor, ended

HEARTBEAT_SECONDS = 4.0
"""How long a follower waits for news before the last is told again."""
GLANCE_SECONDS = 0.25
"""How often a follower looks for news of a run that another process executes."""
GLIMPSE_SECONDS = 0.05
"""How often to look for the checks' verdict on an answer, which takes a moment."""
VERDICT_SECONDS = 10.0
TENDING_SECONDS = 60.0
"""How often runs that nobody took up are started, and those kept long enough are removed."""
UNCLAIMED_SECONDS = 30.0
"""How long after it was recorded a run may still be on its way to the engine."""

LEASE = timedelta(seconds=60)
"""How long a question that was handed out is left to whoever got it."""
ABANDONED = timedelta(days=7)
NOBODY = RunError(
    code=Abandoned.code,
    message="for a week no server had what this run needs: its model, its source, or the hosts it was to read",
)

Told = Callable[[Event], Awaitable[None]]


class Runs:
    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters
        self._store = adapters.store
        self._engine = adapters.engine
        self._executor = Executor(adapters)
        self._tending: asyncio.Task[None] | None = None

    async def open(self, *, executing: bool = True, adopting: bool = True) -> None:
        """Opens what is kept; if `executing` and `adopting`, carries on the runs that an earlier server has left.

        A process that does not execute runs can read, cancel and delete them; one that does not adopt executes its own.

        Raises:
            StoreFailed, SetupError: the database cannot be used.
        """
        await self._store.open()
        if executing:
            await self._engine.launch(self._executor.execute, self._executor.claims if adopting else _nobodys)
        if executing and adopting:
            self._tending = asyncio.create_task(self._tend())

    async def close(self, grace_seconds: float = 0) -> None:
        """Lets what is under way end within `grace_seconds`; the rest is carried on by the next server."""
        if self._tending:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)
        await self._engine.close(0 if self._executor.only_waits else grace_seconds)
        for log in tuple(self._executor.logs.values()):
            await log.close()
        await self._store.close()

    # What callers ask for

    async def start(self, request: PlaybookRequest) -> RunRecord:
        """A new run, under way or waiting for a place; or the one that was started with the same request_id.

        Raises:
            InputError: a name is no domain, an address not public, the two are one company, the language not written.
            ReusedRequest: its request_id stands for another request.
            NotFound: it names a session that is not there.
            SetupError: no such model or source is set up.
        """
        model, source = self._adapters.model_name(request.model), self._adapters.source_name(request.source)
        estimate = await computed(self._executor.admit, request, model, source)
        record = RunRecord(
            run_id=f"run_{secrets.token_hex(16)}",
            session_id=request.session_id or f"sess_{secrets.token_hex(16)}",
            request=request,
            status="queued",
            model=model,
            source=source,
            created_at=datetime.now(UTC),
            estimate=estimate,
        )
        kept = await self._store.add_run(record, new_session=request.session_id is None)
        if kept.request != request:
            raise ReusedRequest(
                f"request_id {request.request_id!r} stands for another request already, that of run {kept.run_id}; "
                "give this one an id of its own"
            )
        if kept is record:
            waiting = Event(event="progress", run_id=kept.run_id, session_id=kept.session_id, message="queued", total=1)
            await self._store.append(kept.run_id, [waiting])
            await self._engine.start(kept.run_id)
        return kept

    async def get(self, run_id: str) -> RunRecord:
        """The run's record.

        Raises:
            NotFound: there is no such run.
        """
        record = await self._store.get_run(run_id)
        if record is None:
            raise NotFound(f"there is no run {run_id!r}, or it was deleted; list the sessions to see what is kept")
        return record

    async def playbook(self, run_id: str) -> Playbook | None:
        return await self._store.get_playbook(run_id)

    async def finished(self, run_id: str) -> Playbook:
        """The playbook of a run that has ended.

        Raises:
            NotFound: there is no such run.
            NotFinished: it made no playbook, or has not yet.
        """
        record = await self.get(run_id)
        playbook = await self.playbook(run_id) if record.is_final else None
        if playbook is None:
            then = "it made no playbook; ask for it anew" if record.is_final else "ask again when it has ended"
            raise NotFinished(f"run {run_id!r} is {record.status}; {then}")
        return playbook

    @property
    def under_way(self) -> int:
        """How many runs this process is executing."""
        return len(self._executor.logs)

    async def page_text(self, sha256: str) -> str | None:
        return await self._store.page_text(sha256)

    async def progress(self, run_id: str) -> Event | None:
        """What the run is doing: its last event, with the last message."""
        found = [event for _, event in await self._store.last_events(run_id, 12)]
        if not found:
            return None
        message = next((event.message for event in reversed(found) if event.message), "")
        return found[-1].model_copy(update={"message": message})

    async def follow(self, run_id: str, wait_seconds: float, told: Told) -> RunRecord:
        """The run once it is final, or waits for answers, or as it is after `wait_seconds`.

        `told` gets each event, the last again every 4 s.

        Raises:
            NotFound: there is no such run.
        """
        record = await self.get(run_id)
        if not record.is_at_rest and wait_seconds > 0:
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._follow(run_id, told)
            except TimeoutError:
                pass
        return await self.get(run_id)

    async def _follow(self, run_id: str, told: Told) -> None:
        seen = await self._store.last_events(run_id, 1)
        last = await self.progress(run_id)
        if last:
            await told(last)
        async with aclosing(self._batches(run_id, seen[-1][0] if seen else 0)) as batches:
            async for batch in batches:
                for _, event in batch:
                    if event.event == "waiting":
                        return
                    if event.event != "answered":
                        last = event
                        await told(event)
                if last and not batch:
                    await told(last)
                    if (await self.get(run_id)).is_at_rest:
                        return

    async def events(self, run_id: str, after: int = 0) -> AsyncGenerator[tuple[int, Event]]:
        """The run's events with their numbers, those that were and those to come, behind the one of number `after`.

        Ends with the run.

        Raises:
            NotFound: there is no such run.
        """
        await self.get(run_id)
        async with aclosing(self._batches(run_id, after)) as batches:
            async for batch in batches:
                for number, event in batch:
                    yield number, event

    async def _batches(self, run_id: str, after: int) -> AsyncGenerator[list[tuple[int, Event]]]:
        """Events as they come; an empty batch where none came for 4 s. Ends behind the last of the run."""
        waited = 0.0
        while True:
            log = self._executor.logs.get(run_id)
            news = log.news if log else None  # taken before looking, so that nothing is missed in between
            record = await self._store.get_run(run_id)
            batch = await self._store.events(run_id, after=after)
            if batch:
                last = next((at for at, (_, event) in enumerate(batch, 1) if event.event == "run_finished"), None)
                yield batch[:last]
                after, waited = batch[-1][0], 0.0
                if last is not None:
                    return
            elif record is None or record.is_final:
                return
            elif waited >= HEARTBEAT_SECONDS:
                yield []
                waited = 0.0
            waited += await _wait(news, HEARTBEAT_SECONDS if news else GLANCE_SECONDS)

    async def next_question(self, run_id: str, wait_seconds: float) -> tuple[RunRecord, KeptQuestion | None, int]:
        """The run, a question of it that is open, and how many are.

        Asked again, another one, as long as there are others: one that was handed out a minute ago is somebody's, and
        is given again when none else is put within `wait_seconds`.

        Raises:
            NotFound: there is no such run.
        """
        over = asyncio.get_running_loop().time() + wait_seconds
        while True:
            record = await self.get(run_id)
            left = over - asyncio.get_running_loop().time()
            free = datetime.now(UTC) - (LEASE if left > 0 else timedelta())
            question = None if record.is_final else await self._store.hand_out(run_id, before=free)
            if question or record.is_final or left <= 0:
                return record, question, await self._open_questions(run_id)
            await _wait(None, min(left, GLANCE_SECONDS))

    async def answer(self, run_id: str, question_id: str, answer: str) -> tuple[RunRecord, KeptQuestion, int]:
        """The run, the question with what the checks say of the answer, and how many are open.

        The checks are the run's own: where it is not being executed, they say nothing yet.

        Raises:
            NotFound: there is no such run, or no such question.
            InputError: it was answered otherwise already, or the run has ended.
        """
        record = await self.get(run_id)
        if record.is_final:
            raise InputError(f"run {run_id!r} is {record.status}: it takes no answers any more; get_run has its result")
        await self._question(run_id, question_id)
        taken = await self._store.put_answer(run_id, question_id, answer)
        if inbox := self._executor.inboxes.get(run_id):
            inbox.wake()
        question = await self._question(run_id, question_id)
        if not taken and question.answer != answer:
            raise InputError(f"question {question_id!r} has an answer already; call next_question for another")
        question = await self._judged(question, run_id)
        return await self.get(run_id), question, await self._open_questions(run_id)

    async def _judged(self, question: KeptQuestion, run_id: str) -> KeptQuestion:
        """The question with its verdict, unless that takes too long."""
        over = asyncio.get_running_loop().time() + VERDICT_SECONDS
        while question.wrong is None and asyncio.get_running_loop().time() < over:
            await asyncio.sleep(GLIMPSE_SECONDS)
            question = await self._question(run_id, question.question_id)
        return question

    async def _question(self, run_id: str, question_id: str) -> KeptQuestion:
        question = await self._store.question(run_id, question_id)
        if question is None:
            raise NotFound(f"run {run_id!r} has no question {question_id!r}; next_question gives those it has")
        return question

    async def _open_questions(self, run_id: str) -> int:
        return sum(question.answer is None for question in await self._store.questions(run_id))

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
            raise NotFound(
                f"there is no session {session_id!r}, or it was deleted; list the sessions to see what is kept"
            )
        return session

    async def delete_session(self, session_id: str) -> int:
        """Cancels what is under way in the session, and removes all that is kept of it; returns how many runs it had.

        Raises:
            NotFound: there is no such session.
        """
        await self.session(session_id)
        found = await self._store.runs(session_id=session_id, limit=1_000_000)
        records = [record if record.is_final else await self.cancel(record.run_id) for record in found]
        await self._remove(records)
        await self._store.delete_session(session_id)
        return len(records)

    async def _remove(self, records: Sequence[RunRecord]) -> None:
        ids = [record.run_id for record in records]
        await self._engine.forget(ids)
        for record in records:
            await self._adapters.unpublish(record.run_id, record.files)
        await self._store.delete_runs(ids)

    async def _tend(self) -> None:
        """What is to be done from time to time, for as long as the server lives."""
        while True:
            try:
                await self._start_unclaimed()
                await self._remove_old()
            except StoreFailed as failed:
                self._adapters.emit(
                    Event(event="call_failed", run_id="", session_id="", error=str(failed), success=False)
                )
            await asyncio.sleep(TENDING_SECONDS)
            if not self._executor.logs:
                collect()

    async def _start_unclaimed(self) -> None:
        """Starts the runs that were recorded by a server which ended before its engine had them.

        A run that nobody could carry on for a week is given up.
        """
        now = datetime.now(UTC)
        for record in await self._store.unfinished():
            given_up = now - record.created_at > ABANDONED and record.status != "waiting"
            if given_up and record.run_id not in self._executor.logs:
                await self._executor.end(ended(record, "failed", NOBODY))
                await self._engine.cancel(record.run_id)
                continue
            waited = (now - record.created_at).total_seconds()
            if (
                waited > UNCLAIMED_SECONDS
                and not await self._engine.is_known(record.run_id)
                and await self._executor.claims(record.run_id) == "ours"
            ):
                await self._engine.start(record.run_id)

    async def _remove_old(self) -> None:
        since = datetime.now(UTC) - timedelta(days=self._adapters.keep_days)
        if old := await self._store.ended_before(since):
            await self._remove(old)
        await self._store.delete_notes(since)
        await reuse.delete_expired(self._store)


async def _nobodys(_: str) -> Claim:
    """What a process answers that takes over no runs."""
    return "others"


def _no_cursor(given: str) -> InputError:
    return InputError(f"{given!r} is no cursor, or no longer one; leave it out to begin with the newest")


async def _wait(news: asyncio.Event | None, seconds: float) -> float:
    """Returns at the news, or when the time is up; how many seconds it was."""
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(seconds):
            await (news.wait() if news else asyncio.sleep(seconds))
    except TimeoutError:
        pass
    return asyncio.get_running_loop().time() - began
