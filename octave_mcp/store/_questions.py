"""What runs ask somebody who is not here yet, and what was answered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, func, insert, select, update

from octave_mcp.domain.questions import KeptQuestion, Question
from octave_mcp.store._tables import questions, time_text

T = TypeVar("T")

NEVER = ""
"""When a question was handed out that never was: before every time."""


class Questions(ABC):
    """The part of the store that keeps them; transactions are the store's."""

    @abstractmethod
    async def _do(self, work: Callable[[Connection], T]) -> T: ...

    @abstractmethod
    async def _look(self, work: Callable[[Connection], T]) -> T: ...

    async def put_question(self, run_id: str, question: Question) -> KeptQuestion:
        def work(db: Connection) -> KeptQuestion:
            if kept := _find(db, run_id, question.question_id):
                return kept
            count = select(func.count()).select_from(questions).where(questions.c.run_id == run_id)
            values = {"number": db.execute(count).scalar_one() + 1, "handed_at": NEVER}
            body = question.model_dump_json()
            db.execute(
                insert(questions).values(run_id=run_id, question_id=question.question_id, question=body, **values)
            )
            return KeptQuestion(**dict(question))

        return await self._do(work)

    async def question(self, run_id: str, question_id: str) -> KeptQuestion | None:
        return await self._look(lambda db: _find(db, run_id, question_id))

    async def questions(self, run_id: str) -> list[KeptQuestion]:
        found = select(questions).where(questions.c.run_id == run_id).order_by(questions.c.number)
        return await self._look(lambda db: [_read(row) for row in db.execute(found)])

    async def hand_out(self, run_id: str, *, before: datetime) -> KeptQuestion | None:
        still_open = select(questions).where(
            questions.c.run_id == run_id, questions.c.answer.is_(None), questions.c.handed_at < time_text(before)
        )
        longest_ago = still_open.order_by(questions.c.handed_at, questions.c.number).limit(1)

        def work(db: Connection) -> KeptQuestion | None:
            row = db.execute(longest_ago.with_for_update()).first()
            if row is None:
                return None
            db.execute(_the(run_id, row.question_id).values(handed_at=time_text(datetime.now(UTC))))
            return _read(row)

        return await self._do(work)

    async def put_answer(self, run_id: str, question_id: str, answer: str) -> bool:
        first = _the(run_id, question_id).where(questions.c.answer.is_(None)).values(answer=answer)
        return await self._do(lambda db: bool(db.execute(first).rowcount))

    async def put_verdict(self, run_id: str, question_id: str, wrong: str) -> None:
        await self._do(lambda db: db.execute(_the(run_id, question_id).values(wrong=wrong)))


def _the(run_id: str, question_id: str) -> Any:  # noqa: ANN401 - an update, which SQLAlchemy types by its dialect
    return update(questions).where(questions.c.run_id == run_id, questions.c.question_id == question_id)


def _find(db: Connection, run_id: str, question_id: str) -> KeptQuestion | None:
    found = select(questions).where(questions.c.run_id == run_id, questions.c.question_id == question_id)
    row = db.execute(found).first()
    return None if row is None else _read(row)


def _read(row: Row[Any]) -> KeptQuestion:
    question = Question.model_validate_json(row.question)
    return KeptQuestion(**dict(question), answer=row.answer, wrong=row.wrong)
