"""Asks that are put to the connected client, and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from octave_mcp.domain.value import Value


class Question(Value):
    """What the client's model reads, and the JSON schema of its answer; `tokens` estimates all of that.

    `instructions` say what to do; `material` is what is known, and the numbered passages; `complaint` what was wrong
    with the first answer to the question `corrects`, '' for nothing. `question_id` is the same whenever the same is
    asked, in this run or another.
    """

    question_id: str
    prompt: str
    version: int
    beside: tuple[str, ...] = ()
    instructions: str
    material: str
    answer_schema: dict[str, Any]
    complaint: str = ""
    corrects: str = ""
    tokens: int
    asked_at: datetime


class QuestionRecord(Question):
    """`answer` is its text, None while it is open; `wrong` what the checks found, '' for nothing, None before them.

    `dropped` is what was dropped of the answer for good, None until that is known. `reused`: the answer was
    copied from another run, and stays if that run is deleted.
    """

    answer: str | None = None
    wrong: str | None = None
    dropped: str | None = None
    reused: bool = False

    @property
    def is_judged(self) -> bool:
        """Whether it is known what became of the answer: accepted, dropped, or to be corrected."""
        return self.wrong == "" or (self.wrong is not None and self.dropped is not None)
