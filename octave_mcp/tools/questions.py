"""Tools: take and answer the questions that a run asks the connected client's own model."""

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

MAX_ANSWER_CHARACTERS = 200_000

RunId = Annotated[str, Field(description="A run with model='host'")]
QuestionId = Annotated[str, Field(description="To take a question again")]


class QuestionReport(Value):
    """The next question for your own model; if no question is open, `question` is null.

    `open` is the number of open questions; `next` says which call to make next.
    """

    run_id: str
    status: RunStatus
    question: Question | None = None
    open: int
    next: str


class Verdict(Value):
    """The result of answering a question.

    `accepted`: whether the answer passed the checks; null if that is not known yet.
    `wrong`: the problems that the checks found. The run asks for a faulty part again, uses it unchanged, or drops it.
    `dropped`: the parts that the playbook will not contain. The run does not ask for these parts again.
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
    """Take a question for your model: apply its `instructions` to its `material`; answer as its `answer_schema` says.

    For 60 seconds, other clients get this question last. `complaint` lists faults in the answer to `corrects`. Call
    again for more.
    """
    return await _next(run_id, wait_seconds, question_id, call, leased=True)


@tool("GET", "/runs/{run_id}/questions/next", title="Look at the next question", read_only=True, in_tool_list=False)
async def look_at_question(
    run_id: RunId, wait_seconds: Wait = 40, question_id: QuestionId = "", *, call: Call
) -> QuestionReport:
    """Return the next question without reserving it. To reserve it, send a POST request instead."""
    return await _next(run_id, wait_seconds, question_id, call, leased=False)


async def _next(run_id: str, wait_seconds: float, question_id: str, call: Call, *, leased: bool) -> QuestionReport:
    wait = min(wait_seconds, call.max_wait_seconds)
    record, stored, open_count = await call.runs.next_question(run_id, wait, question_id, leased=leased)
    question = _question(stored, call) if stored else None
    next_call = _next_call(record, open_count, call)
    return QuestionReport(run_id=run_id, status=record.status, question=question, open=open_count, next=next_call)


@tool("POST", "/runs/{run_id}/questions/{question_id}", title="Answer a question", idempotent=True)
async def answer_question(
    run_id: Annotated[str, Field(description="From generate_playbook")],
    question_id: Annotated[str, Field(description="From next_question")],
    answer: Annotated[dict[str, Any] | str, Field(description="JSON matching its answer_schema")],
    *,
    call: Call,
) -> Verdict:
    """Answer a question. Returns what is wrong and what was permanently dropped."""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    if len(text) > MAX_ANSWER_CHARACTERS:
        raise InputError(
            f"the answer has {len(text):,} characters, more than the limit of {MAX_ANSWER_CHARACTERS:,}; "
            "give fewer entries",
            "answer",
        )
    record, stored, open_count = await call.runs.answer(run_id, question_id, text)
    return Verdict(
        run_id=run_id,
        status=record.status,
        accepted=None if stored.wrong is None else not stored.wrong,
        wrong=stored.wrong or "",
        dropped=stored.dropped or "",
        open=open_count,
        next=_next_call(record, open_count, call),
    )


def _question(stored: QuestionRecord, call: Call) -> Question:
    """Return the question for the client, without the stored answer.

    In the instructions, names of tools are replaced with calls on the caller's surface.
    """
    fields = stored.model_dump(include=set(Question.model_fields))
    return Question.model_validate(fields | {"instructions": call.calls.with_local_names(stored.instructions)})


def _next_call(record: RunRecord, open_count: int, call: Call) -> str:
    template = call.calls.follow if record.is_final else call.calls.question
    hint = " for the result" if record.is_final else "" if open_count else "; no question is open now"
    return f"{template.format(run_id=record.run_id)}{hint}"
