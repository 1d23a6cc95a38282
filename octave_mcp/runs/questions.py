"""The questions of a run: the inbox in which the run waits for answers, and how callers get and answer them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from octave_mcp.domain.questions import Question, QuestionRecord
from octave_mcp.domain.run import RunRecord
from octave_mcp.errors import InputError, NotFound, Unanswered
from octave_mcp.ports import Store

LONGEST = timedelta(days=7)
"""How long a question may stay open."""
POLL_SECONDS = 0.5
"""How often to look for an answer that another process accepted."""
LEASE = timedelta(seconds=60)
"""How long a question that was handed out is not handed to another client."""
QUESTION_POLL_SECONDS = 0.25
"""How often to look for a question that can be handed out."""
VERDICT_POLL_SECONDS = 0.05
"""How often to look for the verdict on an answer, which takes a moment."""
VERDICT_SECONDS = 10.0


class StoredInbox:
    """`on_open_count` is called with the number of open questions whenever that changes."""

    def __init__(self, run_id: str, store: Store, on_open_count: Callable[[int], Awaitable[None]]) -> None:
        self._run_id, self._store, self._on_open_count = run_id, store, on_open_count
        self._open: set[str] = set()
        self._counting = asyncio.Lock()
        self.answered = asyncio.Event()
        """Set, and replaced, whenever an answer came in."""

    @property
    def is_waiting(self) -> bool:
        return bool(self._open)

    def wake(self) -> None:
        self.answered.set()
        self.answered = asyncio.Event()

    async def questions(self) -> Sequence[QuestionRecord]:
        return await self._store.questions(self._run_id)

    async def put(self, question: QuestionRecord) -> QuestionRecord:
        return await self._store.put_question(self._run_id, question)

    async def answer(self, question: QuestionRecord) -> str:
        if question.answer is not None:
            return question.answer
        await self._count(opened=question.question_id)
        answer = await self._answer(question)  # a server that stops meanwhile leaves the run waiting
        await self._count(closed=question.question_id)
        return answer

    async def record_verdict(self, question_id: str, *, wrong: str | None = None, dropped: str | None = None) -> None:
        await self._store.put_verdict(self._run_id, question_id, wrong=wrong, dropped=dropped)

    async def _answer(self, question: Question) -> str:
        while datetime.now(UTC) - question.asked_at < LONGEST:
            news = self.answered  # taken before looking, so that nothing is missed in between
            stored = await self._store.question(self._run_id, question.question_id)
            if stored and stored.answer is not None:
                return stored.answer
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await news.wait()
        await self._count(closed=question.question_id)
        raise Unanswered(f"nobody answered the question {question.question_id!r} within {LONGEST.days} days")

    async def _count(self, *, opened: str = "", closed: str = "") -> None:
        async with self._counting:
            before = len(self._open)
            self._open = (self._open | {opened}) - {closed, ""}
            if len(self._open) != before:
                await self._on_open_count(len(self._open))


class Questions:
    """`get` is the record of a run; `inboxes` are those of the runs that this process executes."""

    def __init__(
        self, store: Store, inboxes: Mapping[str, StoredInbox], get: Callable[[str], Awaitable[RunRecord]]
    ) -> None:
        self._store, self._inboxes, self._get = store, inboxes, get

    async def next(
        self, run_id: str, wait_seconds: float, *, leased: bool
    ) -> tuple[RunRecord, QuestionRecord | None, int]:
        over = asyncio.get_running_loop().time() + wait_seconds
        while True:
            record = await self._get(run_id)
            left = over - asyncio.get_running_loop().time()
            free = datetime.now(UTC) - (LEASE if left > 0 else timedelta())
            question = None
            if not record.is_final:
                question = await self._store.open_question(run_id, before=free, hand_out=leased)
            if question or record.is_final or left <= 0:
                return record, question, await self._open_count(run_id)
            await asyncio.sleep(min(left, QUESTION_POLL_SECONDS))

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
        if inbox := self._inboxes.get(run_id):
            inbox.wake()
        question = await self._question(run_id, question_id)
        if not accepted and question.answer != answer:
            raise InputError(f"question {question_id!r} has an answer already; call next_question for another")
        question = await self._with_verdict(question, run_id)
        return await self._get(run_id), question, await self._open_count(run_id)

    async def _with_verdict(self, question: QuestionRecord, run_id: str) -> QuestionRecord:
        """The question with the verdict on its answer, unless that takes too long."""
        over = asyncio.get_running_loop().time() + VERDICT_SECONDS
        while not question.is_judged and asyncio.get_running_loop().time() < over:
            await asyncio.sleep(VERDICT_POLL_SECONDS)
            question = await self._question(run_id, question.question_id)
        return question

    async def _question(self, run_id: str, question_id: str) -> QuestionRecord:
        question = await self._store.question(run_id, question_id)
        if question is None:
            raise NotFound(f"run {run_id!r} has no question {question_id!r}; next_question gives those it has")
        return question

    async def _open_count(self, run_id: str) -> int:
        return sum(question.answer is None for question in await self._store.questions(run_id))
