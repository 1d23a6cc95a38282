"""The questions of a run that is executed here: kept, so that they outlive the process, and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from octave_mcp.domain.questions import KeptQuestion, Question
from octave_mcp.errors import Unanswered
from octave_mcp.ports import Store

LONGEST = timedelta(days=7)
"""How long a question may stand open."""
GLANCE_SECONDS = 0.5
"""How often to look for an answer that another process took."""


class KeptInbox:
    """`changed` is told how many questions stand open whenever that changes."""

    def __init__(self, run_id: str, store: Store, changed: Callable[[int], Awaitable[None]]) -> None:
        self._run_id, self._store, self._changed = run_id, store, changed
        self._open: set[str] = set()
        self._telling = asyncio.Lock()
        self.answered = asyncio.Event()
        """Set, and replaced, whenever an answer came in."""

    @property
    def is_waiting(self) -> bool:
        return bool(self._open)

    def wake(self) -> None:
        self.answered.set()
        self.answered = asyncio.Event()

    async def questions(self) -> Sequence[KeptQuestion]:
        return await self._store.questions(self._run_id)

    async def put(self, question: Question) -> KeptQuestion:
        return await self._store.put_question(self._run_id, question)

    async def answer(self, question: KeptQuestion) -> str:
        if question.answer is not None:
            return question.answer
        await self._tell(opened=question.question_id)
        answer = await self._answer(question)  # a server that stops meanwhile leaves the run waiting
        await self._tell(closed=question.question_id)
        return answer

    async def judged(self, question_id: str, wrong: str) -> None:
        await self._store.put_verdict(self._run_id, question_id, wrong)

    async def _answer(self, question: Question) -> str:
        while datetime.now(UTC) - question.asked_at < LONGEST:
            news = self.answered  # taken before looking, so that nothing is missed in between
            kept = await self._store.question(self._run_id, question.question_id)
            if kept and kept.answer is not None:
                return kept.answer
            with suppress(TimeoutError):
                async with asyncio.timeout(GLANCE_SECONDS):
                    await news.wait()
        await self._tell(closed=question.question_id)
        raise Unanswered(f"nobody answered the question {question.question_id!r} within {LONGEST.days} days")

    async def _tell(self, *, opened: str = "", closed: str = "") -> None:
        async with self._telling:
            before = len(self._open)
            self._open = (self._open | {opened}) - {closed, ""}
            if len(self._open) != before:
                await self._changed(len(self._open))
