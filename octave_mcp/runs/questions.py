"""The questions of a run: the inbox in which the run waits for answers, and how callers get and answer them."""

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

# How long a question may stay open.
LONGEST = timedelta(days=7)
# How long a question that was handed out comes after all others: a call gets it once its time to wait is over.
LEASE = timedelta(seconds=60)
# How often a client that waits for a question looks whether such a lease has ended.
LEASE_LOOK_SECONDS = 5.0
VERDICT_SECONDS = 10.0


class StoredInbox:
    """`on_open_count` is called with the number of open questions whenever that changes."""

    def __init__(
        self, run_id: str, store: Store, tell: Callable[[str], None], on_open_count: Callable[[int], Awaitable[None]]
    ) -> None:
        self._run_id, self._store = run_id, store
        self._tell, self._on_open_count = tell, on_open_count
        self._open: dict[str, asyncio.Event] = {}
        self._counting, self._counted = asyncio.Lock(), 0

    @property
    def open_questions(self) -> Collection[str]:
        """The ids of those whose answers the run waits for."""
        return self._open.keys()

    def wake(self, question_id: str) -> None:
        """Has the run take the answer, which is in the store now."""
        if answered := self._open.get(question_id):
            answered.set()

    async def questions(self) -> Sequence[QuestionRecord]:
        return await self._store.questions(self._run_id)

    async def put(self, question: QuestionRecord) -> QuestionRecord:
        stored = await self._store.put_question(self._run_id, question)
        self._tell(self._run_id)
        return stored

    async def answer(self, question: QuestionRecord) -> str:
        if question.answer is not None:
            return question.answer
        answered = self._open.setdefault(question.question_id, asyncio.Event())
        await self._count()
        answer = await self._answer(question, answered)  # a server that stops meanwhile leaves the run waiting
        self._open.pop(question.question_id, None)
        await self._count()
        if answer is None:
            raise Unanswered(f"nobody answered the question {question.question_id!r} within {LONGEST.days} days")
        return answer

    async def record_verdict(self, question_id: str, *, wrong: str | None = None, dropped: str | None = None) -> None:
        await self._store.put_verdict(self._run_id, question_id, wrong=wrong, dropped=dropped)
        self._tell(self._run_id)

    async def _answer(self, question: Question, answered: asyncio.Event) -> str | None:
        """None if nobody gave one in time."""
        answer = await self._stored_answer(question)
        if answer is None:
            left = question.asked_at + LONGEST - datetime.now(UTC)
            with suppress(TimeoutError):
                async with asyncio.timeout(left.total_seconds()):
                    await answered.wait()
            answer = await self._stored_answer(question)
        return answer

    async def _stored_answer(self, question: Question) -> str | None:
        stored = await self._store.question(self._run_id, question.question_id)
        return stored.answer if stored else None

    async def _count(self) -> None:
        async with self._counting:
            if self._counted != len(self._open):
                self._counted = len(self._open)
                await self._on_open_count(self._counted)


class Questions:
    """`get` is the record of a run; `inboxes` are those of the runs that this process executes."""

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
        over = clock() + wait_seconds
        while True:
            watch.look()
            record = await self._get(run_id)
            left = over - clock()
            free = datetime.now(UTC) - (LEASE if left > 0 else timedelta())
            question = None
            if not record.is_final:
                question = await self._store.open_question(run_id, before=free, hand_out=leased)
            if question or record.is_final or left <= 0:
                return record, question, await self._open_count(run_id)
            await watch.wait(min(left, LEASE_LOOK_SECONDS))

    async def again(self, run_id: str, question_id: str) -> tuple[RunRecord, QuestionRecord, int]:
        """The question, open or answered: a correction refers to one that another client may have got."""
        record = await self._get(run_id)
        return record, await self._question(run_id, question_id), await self._open_count(run_id)

    async def answer(self, run_id: str, question_id: str, answer: str) -> tuple[RunRecord, QuestionRecord, int]:
        record = await self._get(run_id)
        if record.is_final:
            raise InputError(f"run {run_id!r} is {record.status}: it takes no answers any more; get_run has its result")
        await self._question(run_id, question_id)
        accepted = await self._store.put_answer(run_id, question_id, answer)
        if not accepted and (await self._question(run_id, question_id)).answer != answer:
            raise InputError(f"question {question_id!r} has an answer already; call next_question for another")
        if inbox := self._inboxes.get(run_id):
            inbox.wake(question_id)
        question = await self._judged(run_id, question_id)
        return await self._get(run_id), question, await self._open_count(run_id)

    async def _judged(self, run_id: str, question_id: str) -> QuestionRecord:
        """The question with the verdict on its answer, unless that takes too long."""
        clock, watch = asyncio.get_running_loop().time, self._notifier.watch(run_id)
        over = clock() + VERDICT_SECONDS
        while True:
            watch.look()
            question = await self._question(run_id, question_id)
            left = over - clock()
            if question.is_judged or left <= 0:
                return question
            await watch.wait(left)

    async def _question(self, run_id: str, question_id: str) -> QuestionRecord:
        question = await self._store.question(run_id, question_id)
        if question is None:
            raise NotFound(f"run {run_id!r} has no question {question_id!r}; next_question gives those it has")
        return question

    async def _open_count(self, run_id: str) -> int:
        return sum(question.answer is None for question in await self._store.questions(run_id))
