"""Questions to the connected client, and the client's answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from octave_mcp.domain.value import Value


class Question(Value):
    """A question for the client's model, with the JSON schema of the answer.

    - `question_id`: equal questions have the same ID, even in different runs.
    - `instructions`: the task of the model.
    - `material`: known facts and the numbered passages.
    - `complaint`: in a correction, the problems of the earlier answer; otherwise ''.
    - `corrects`: in a correction, the ID of the question whose answer is corrected; otherwise ''.
    - `tokens`: an estimate of how many tokens the model reads, including the schema.
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
    - `wrong`: problems that the checks found, or '' if there were none; None until the answer is checked.
    - `dropped`: the parts of the answer that were dropped, or '' if none were dropped; None while a correction can
      still replace them.
    - `reused`: whether the answer was copied from another run. The copied answer remains if the other run is deleted.
    """

    answer: str | None = None
    wrong: str | None = None
    dropped: str | None = None
    reused: bool = False

    @property
    def is_judged(self) -> bool:
        """Whether the checks of the answer are finished: either it passed, or its bad parts were dropped."""
        return self.wrong == "" or (self.wrong is not None and self.dropped is not None)
