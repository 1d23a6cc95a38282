"""Asks that are put to the connected client, and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from octave_mcp.domain.value import Value


class Question(Value):
    """What the client's model reads, and the JSON schema of its answer; `tokens` estimates all of that.

    `instructions` say what to do; `material` is what is known, and the numbered passages; `complaint` what was wrong
    with the last answer to the same ask, '' for nothing. `question_id` is the same whenever the run asks the same.
    """

    question_id: str
    prompt: str
    version: int
    beside: tuple[str, ...] = ()
    instructions: str
    material: str
    answer_schema: dict[str, Any]
    complaint: str = ""
    tokens: int
    asked_at: datetime


class QuestionRecord(Question):
    """`answer` is its text, None while it is open; `wrong` what the checks found, '' for nothing, None before them."""

    answer: str | None = None
    wrong: str | None = None
