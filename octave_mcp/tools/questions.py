"""Questions of a run to the connected client's own model: fetch one, answer it."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from octave_mcp.domain.questions import Question, QuestionRecord
from octave_mcp.domain.run import RunRecord, RunStatus
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError
from octave_mcp.tools.registry import Call, tool
from octave_mcp.tools.reports import Wait

ANSWER_CHARACTERS = 200_000

RunId = Annotated[str, Field(description="A run with model='host'")]
QuestionId = Annotated[str, Field(description="To see it again")]


class QuestionReport(Value):
    """A question of a run for your own model, if one is open, and how many are; `next` says which call to make."""

    run_id: str
    status: RunStatus
    question: Question | None = None
    open: int
    next: str


class Verdict(Value):
    """Whether an answer was accepted, None if that is not known yet; and if not, what is wrong with it.

    `dropped` is what the playbook will not have: it is not asked for again. What is wrong and not dropped comes back as
    a question, or is used as it is.
    """

    run_id: str
    status: RunStatus
    accepted: bool | None
    wrong: str = ""
    dropped: str = ""
    open: int
    next: str


@tool("POST", "/runs/{run_id}/questions/next", title="Take a question to answer")
async def next_question(
    run_id: RunId, wait_seconds: Wait = 40, question_id: QuestionId = "", *, call: Call
) -> QuestionReport:
    """A question for you: follow its `instructions` on its `material`, and answer by its `answer_schema`.

    For 60 seconds, clients get other questions first. A `complaint` is about the question it `corrects`. Call it again
    for others.
    """
    return await _next(run_id, wait_seconds, question_id, call, leased=True)


@tool("GET", "/runs/{run_id}/questions/next", title="Look at the next question", read_only=True, in_tool_list=False)
async def look_at_question(
    run_id: RunId, wait_seconds: Wait = 40, question_id: QuestionId = "", *, call: Call
) -> QuestionReport:
    """The next question, which other clients may get as well: clients that share the work take it by POST."""
    return await _next(run_id, wait_seconds, question_id, call, leased=False)


async def _next(run_id: str, wait_seconds: float, question_id: str, call: Call, *, leased: bool) -> QuestionReport:
    wait = min(wait_seconds, call.max_wait_seconds)
    record, kept, still_open = await call.runs.next_question(run_id, wait, question_id, leased=leased)
    question = _question(kept, call) if kept else None
    then = _then(record, still_open, call)
    return QuestionReport(run_id=run_id, status=record.status, question=question, open=still_open, next=then)


@tool("POST", "/runs/{run_id}/questions/{question_id}", title="Answer a question", idempotent=True)
async def answer_question(
    run_id: Annotated[str, Field(description="From generate_playbook")],
    question_id: Annotated[str, Field(description="From next_question")],
    answer: Annotated[dict[str, Any] | str, Field(description="JSON of its answer_schema")],
    *,
    call: Call,
) -> Verdict:
    """Answer a question. Says what is wrong, and what was dropped for good."""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    if len(text) > ANSWER_CHARACTERS:
        raise InputError(f"the answer has {len(text)} characters, at most {ANSWER_CHARACTERS}; give fewer entries")
    record, kept, still_open = await call.runs.answer(run_id, question_id, text)
    return Verdict(
        run_id=run_id,
        status=record.status,
        accepted=None if kept.wrong is None else not kept.wrong,
        wrong=kept.wrong or "",
        dropped=kept.dropped or "",
        open=still_open,
        next=_then(record, still_open, call),
    )


def _question(kept: QuestionRecord, call: Call) -> Question:
    told = kept.model_dump(include=set(Question.model_fields))
    return Question.model_validate(told | {"instructions": call.calls.said(kept.instructions)})


def _then(record: RunRecord, still_open: int, call: Call) -> str:
    """The call to make after a question, or an answer."""
    then = call.calls.follow if record.is_final else call.calls.question
    told = " for the result" if record.is_final else "" if still_open else "; none is open now"
    return f"{then.format(run_id=record.run_id)}{told}"
