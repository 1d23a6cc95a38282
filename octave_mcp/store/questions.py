"""Stores the questions that runs ask the connected client, and the client's answers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.store.database import Database
from octave_mcp.store.statements import given_texts, is_writable, texts_parameter, upsert
from octave_mcp.store.tables import losses, questions, time_text

# Width of the columns for ids. Run ids are padded to this width, so that a run id and a question id can be joined into
# one text and separated again.
ID_CHARACTERS = 64
# Value of `handed_at` for questions that no client has received. An empty text sorts before all times, so these
# questions are handed out first.
NEVER = ""


class Questions(Database):
    async def put_question(self, run_id: str, question: QuestionRecord) -> QuestionRecord:
        def work(db: Connection) -> QuestionRecord:
            if known := _find(db, run_id, question.question_id):
                return known
            if not is_writable(db, run_id, self.epoch):
                return question
            count = select(func.count()).select_from(questions).where(questions.c.run_id == run_id)
            body = question.model_dump_json(exclude={"answer"}, exclude_defaults=True)
            values = {"question_id": question.question_id, "question": body, "answer": question.answer}
            number = db.execute(count).scalar_one() + 1
            db.execute(insert(questions).values(run_id=run_id, number=number, handed_at=NEVER, **values))
            return question

        return await self._write(work)

    async def question(self, run_id: str, question_id: str) -> QuestionRecord | None:
        return await self._read(lambda db: _find(db, run_id, question_id))

    async def questions(self, run_id: str) -> list[QuestionRecord]:
        query = _with_verdicts().where(questions.c.run_id == run_id).order_by(questions.c.number)
        return await self._read(lambda db: [_question(row) for row in db.execute(query)])

    async def open_question(self, run_id: str, *, before: datetime, hand_out: bool) -> QuestionRecord | None:
        still_open = select(questions).where(
            questions.c.run_id == run_id, questions.c.answer.is_(None), questions.c.handed_at < time_text(before)
        )
        next_row = still_open.order_by(questions.c.handed_at, questions.c.number).limit(1)

        def work(db: Connection) -> QuestionRecord | None:
            # The row lock prevents two concurrent callers from getting the same question.
            row = db.execute(next_row.with_for_update() if hand_out else next_row).first()
            if row is None:
                return None
            if hand_out:
                db.execute(_update(run_id, row.question_id).values(handed_at=time_text(datetime.now(UTC))))
            return _find(db, run_id, row.question_id)

        return await (self._write if hand_out else self._read)(work)

    async def put_answer(self, run_id: str, question_id: str, answer: str) -> bool:
        # Only the first answer is stored, because a client can send its answer twice.
        first_answer = _update(run_id, question_id).where(questions.c.answer.is_(None)).values(answer=answer)
        return await self._write(lambda db: bool(db.execute(first_answer).rowcount))

    async def answered(self, asked: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        padded = [f"{run_id:<{ID_CHARACTERS}}{question_id}" for run_id, question_id in asked]

        def work(db: Connection) -> list[tuple[str, str]]:
            key = given_texts(db.dialect.name).c.value
            run_id, question_id = func.rtrim(func.substr(key, 1, ID_CHARACTERS)), func.substr(key, ID_CHARACTERS + 1)
            same = (questions.c.run_id == run_id) & (questions.c.question_id == question_id)
            query = select(questions.c.run_id, questions.c.question_id).where(same, questions.c.answer.is_not(None))
            return [(row.run_id, row.question_id) for row in db.execute(query, texts_parameter(padded))]

        return await self._read(work)

    async def put_verdict(
        self, run_id: str, question_id: str, *, wrong: str | None = None, dropped: str | None = None
    ) -> None:
        def work(db: Connection) -> None:
            if _find(db, run_id, question_id) is None or not is_writable(db, run_id, self.epoch):
                return
            if wrong is not None:
                db.execute(_update(run_id, question_id).values(wrong=wrong))
            if dropped is not None:
                upsert(db, losses, [{"run_id": run_id, "question_id": question_id, "dropped": dropped}])

        await self._write(work)


def _update(run_id: str, question_id: str) -> Any:  # noqa: ANN401 - the type of an update depends on the dialect
    return update(questions).where(questions.c.run_id == run_id, questions.c.question_id == question_id)


def _find(db: Connection, run_id: str, question_id: str) -> QuestionRecord | None:
    row = db.execute(
        _with_verdicts().where(questions.c.run_id == run_id, questions.c.question_id == question_id)
    ).first()
    return None if row is None else _question(row)


def _with_verdicts() -> Select[Any]:
    """Select questions, each with the parts that failed the checks and were dropped from its answer."""
    same = (losses.c.run_id == questions.c.run_id) & (losses.c.question_id == questions.c.question_id)
    return select(questions, losses.c.dropped).outerjoin(losses, same)


def _question(row: Row[Any]) -> QuestionRecord:
    question = QuestionRecord.model_validate_json(row.question)
    return question.model_copy(update={"answer": row.answer, "wrong": row.wrong, "dropped": row.dropped})
