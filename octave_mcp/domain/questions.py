"""Questions to the connected client, and its answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from octave_mcp.domain.value import Value


class Question(Value):
    """A question for the client's model, with the JSON schema of the answer.

    - `question_id`: equal for equal questions, also across runs.
    - `instructions`: what to do. `material`: what is known, and the numbered passages.
    - `complaint`: in a correction, what was wrong with the answer to the question `corrects`; otherwise ''.
    - `tokens`: an estimate for everything that the model reads, including the schema.
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
    """A stored question.

    - `answer`: the text of the answer; None while the question is open.
    - `wrong`: problems that the checks found, '' if none; None until the answer is checked.
    - `dropped`: parts of the answer that were finally dropped, '' if none; None until that is decided.
    - `reused`: whether the answer was copied from another run. It is kept if that run is deleted.
    """

    answer: str | None = None
    wrong: str | None = None
    dropped: str | None = None
    reused: bool = False

    @property
    def is_judged(self) -> bool:
        """Whether the checks have decided: the answer is accepted, or parts of it were finally dropped."""
        return self.wrong == "" or (self.wrong is not None and self.dropped is not None)
