"""Questions of a run: the inbox in which the run waits for answers, and methods to get and answer questions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from octave_mcp.domain.questions import Question, QuestionRecord
from octave_mcp.domain.run import RunRecord
from octave_mcp.errors import InputError, NotFound, Unanswered
from octave_mcp.ports import Store
from octave_mcp.runs.notifications import Notifier

ANSWER_TIMEOUT = timedelta(days=7)
# How long a question is reserved for the client that received it. During this time, calls return other questions first.
# If there are none before a call's timeout, the call returns the reserved question.
LEASE = timedelta(seconds=60)
# How often a waiting call checks for questions whose reservation has expired. Polling is necessary, because nothing
# notifies the call when a reservation expires.
LEASE_POLL_SECONDS = 5.0
# `Questions.answer` waits at most this long for the run to check the answer.
VERDICT_SECONDS = 10.0


class StoredInbox:
    """The inbox of a run: its questions and their answers, which are kept in the store.

    `on_open_count` is called with the number of open questions whenever this number changes.
    """

    def __init__(
        self, run_id: str, store: Store, notify: Callable[[str], None], on_open_count: Callable[[int], Awaitable[None]]
    ) -> None:
        self._run_id, self._store = run_id, store
        self._notify, self._on_open_count = notify, on_open_count
        self._open: dict[str, asyncio.Event] = {}
        self._reporting, self._reported_count = asyncio.Lock(), 0

    @property
    def open_questions(self) -> Collection[str]:
        """The ids of the run's unanswered questions."""
        return self._open.keys()

    def wake(self, question_id: str) -> None:
        """Wake the run, so that it reads the answer to this question from the store."""
        if answered := self._open.get(question_id):
            answered.set()

    async def questions(self) -> Sequence[QuestionRecord]:
        return await self._store.questions(self._run_id)

    async def put(self, question: QuestionRecord) -> QuestionRecord:
        stored = await self._store.put_question(self._run_id, question)
        self._notify(self._run_id)
        return stored

    async def answer(self, question: QuestionRecord) -> str:
        if question.answer is not None:
            return question.answer
        answered = self._open.setdefault(question.question_id, asyncio.Event())
        await self._report_count()
        # Do not put the lines after the wait into a `finally` block: if the server stops during the wait, the run's
        # status must stay "waiting".
        answer = await self._answer(question, answered)
        self._open.pop(question.question_id, None)
        await self._report_count()
        if answer is None:
            raise Unanswered(f"nobody answered the question {question.question_id!r} within {ANSWER_TIMEOUT.days} days")
        return answer

    async def record_verdict(self, question_id: str, *, wrong: str | None = None, dropped: str | None = None) -> None:
        await self._store.put_verdict(self._run_id, question_id, wrong=wrong, dropped=dropped)
        self._notify(self._run_id)

    async def _answer(self, question: Question, answered: asyncio.Event) -> str | None:
        """Return the answer, or None if no client answered in time."""
        # Read the store before waiting, because the answer can already be in the store.
        answer = await self._stored_answer(question)
        if answer is None:
            left = question.asked_at + ANSWER_TIMEOUT - datetime.now(UTC)
            with suppress(TimeoutError):
                async with asyncio.timeout(left.total_seconds()):
                    await answered.wait()
            answer = await self._stored_answer(question)
        return answer

    async def _stored_answer(self, question: Question) -> str | None:
        stored = await self._store.question(self._run_id, question.question_id)
        return stored.answer if stored else None

    async def _report_count(self) -> None:
        # Without the lock, concurrent questions could store their counts in the wrong order, and the last count would
        # be wrong.
        async with self._reporting:
            if self._reported_count != len(self._open):
                self._reported_count = len(self._open)
                await self._on_open_count(self._reported_count)


class Questions:
    """Hands out questions and accepts answers, no matter which process executes the run.

    - `inboxes`: the inboxes of the runs that this process executes.
    - `get`: returns the record of a run.
    """

    def __init__(
        self,
        store: Store,
        inboxes: Mapping[str, StoredInbox],
        notifier: Notifier,
        get: Callable[[str], Awaitable[RunRecord]],
    ) -> None:
        self._store, self._inboxes, self._notifier, self._get = store, inboxes, notifier, get

    async def next(
        self, run_id: str, wait_seconds: float, *, leased: bool
    ) -> tuple[RunRecord, QuestionRecord | None, int]:
        clock, watch = asyncio.get_running_loop().time, self._notifier.watch(run_id)
        until = clock() + wait_seconds
        while True:
            watch.arm()
            record = await self._get(run_id)
            left = until - clock()
            free = datetime.now(UTC) - (LEASE if left > 0 else timedelta())
            question = None
            if not record.is_final:
                question = await self._store.open_question(run_id, before=free, hand_out=leased)
            if question or record.is_final or left <= 0:
                return record, question, await self._open_count(run_id)
            await watch.wait(min(left, LEASE_POLL_SECONDS))

    async def again(self, run_id: str, question_id: str) -> tuple[RunRecord, QuestionRecord, int]:
        """Return an open or answered question.

        A client needs this method if a correction refers to a question that another client received.
        """
        record = await self._get(run_id)
        return record, await self._question(run_id, question_id), await self._open_count(run_id)

    async def answer(self, run_id: str, question_id: str, answer: str) -> tuple[RunRecord, QuestionRecord, int]:
        record = await self._get(run_id)
        if record.is_final:
            raise InputError(f"run {run_id!r} is {record.status} and accepts no more answers; call get_run")
        await self._question(run_id, question_id)
        accepted = await self._store.put_answer(run_id, question_id, answer)
        # Accept the same answer twice, because a client repeats a call if the response was lost.
        if not accepted and (await self._question(run_id, question_id)).answer != answer:
            raise InputError(f"question {question_id!r} already has an answer; call next_question for another question")
        if inbox := self._inboxes.get(run_id):
            inbox.wake(question_id)
        question = await self._judged(run_id, question_id)
        return await self._get(run_id), question, await self._open_count(run_id)

    async def _judged(self, run_id: str, question_id: str) -> QuestionRecord:
        """Return the question with the verdict on its answer, or without a verdict if the checks take too long."""
        clock, watch = asyncio.get_running_loop().time, self._notifier.watch(run_id)
        until = clock() + VERDICT_SECONDS
        while True:
            watch.arm()
            question = await self._question(run_id, question_id)
            left = until - clock()
            if question.is_judged or left <= 0:
                return question
            await watch.wait(left)

    async def _question(self, run_id: str, question_id: str) -> QuestionRecord:
        question = await self._store.question(run_id, question_id)
        if question is None:
            raise NotFound(f"run {run_id!r} has no question {question_id!r}; call next_question for an open question")
        return question

    async def _open_count(self, run_id: str) -> int:
        return sum(question.answer is None for question in await self._store.questions(run_id))
