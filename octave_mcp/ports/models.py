"""Ports for models, and for the parts of a run that a model can access."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Judgement, Usage
from octave_mcp.domain.estimate import Estimate
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.ports.stores import KeyValues


class Inbox(Protocol):
    """The questions that a run asks the connected client. The client has up to a week to answer a question."""

    async def questions(self) -> Sequence[QuestionRecord]:
        """Return all questions that the run has asked."""
        ...

    async def put(self, question: QuestionRecord) -> QuestionRecord:
        """Store a question and return it. If the question is already stored, return it with its answer, if any."""
        ...

    async def answer(self, question: QuestionRecord) -> str:
        """Wait for the answer and return its text.

        Raises:
            Unanswered: If the client did not answer within a week.
        """
        ...

    async def record_verdict(self, question_id: str, *, wrong: str | None = None, dropped: str | None = None) -> None:
        """Store the problems of an answer, and the parts that were dropped because of these problems.

        If an argument is None, the stored value does not change.
        """


@dataclass(frozen=True, slots=True)
class RunContext:
    """The parts of a run that a model can access.

    - `fresh`: if true, the model must not use cached answers.
    - `check`: callback that a paid model calls before each ask. The callback raises
      BudgetExceeded if the budget is used up.
    - `spend`: callback that a paid model calls after each answer.
    - `clock`: the run's clock. A model with a queue reports to the clock how long its asks wait.
    - `slow`: callback that a slow model calls with two texts: the model's name and a message for the user.
    """

    run_id: str
    inbox: Inbox
    key_values: KeyValues
    fresh: bool
    check: Callable[[Ask[Any, Any]], None]
    spend: Callable[[Usage], None]
    clock: RunClock
    slow: Callable[[str, str], None]


class Model(Protocol):
    """Answers asks. Each run has its own instance of the model, which is closed when the run ends.

    - `name`: the model's name as shown to users.
    - `identity`: identifies the model and the settings on which its answers depend, such as the provider's models.
      Cached findings are reused only if a model with the same identity returned them.
    - `languages`: the languages that the model can write in, or None if it can write in any language.
    """

    name: str
    identity: str
    languages: frozenset[str] | None
    capacity: Capacity

    def estimate(self, max_pages: int) -> Estimate:
        """Estimate the cost of a playbook with `max_pages` pages per company. The estimate excludes verification."""
        ...

    def estimate_verification(self, max_pages: int) -> Estimate: ...

    def check(self) -> None:
        """Check the model's configuration.

        Raises:
            SetupError: If the model cannot be used because of a setting or an environment variable.
        """

    def prepare(self) -> None:
        """Start slow preparations for the first ask, such as loading a library.

        The method is called when a run starts to fetch pages.
        """

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        """Return an answer of the type `ask.answer`. The caller must check the content of the answer.

        Raises:
            Transient: If the call failed, but a retry can succeed.
            BadAnswer: If the answer is unusable, but the model can correct it.
            NoAccess: If the provider would reject all other asks, too.
            SetupError: If all other asks would fail because of a setting.
            UpstreamError: If a retry of the call would fail, too.
        """
        ...

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Reserve a place for the ask in the model's queue, if the model has a queue."""

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:
        """Return whether an answer from another run can be reused for this ask."""
        ...

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Record whether an answer passed the checks.

        If a correction was requested but no model answered, the method is called for the original answer a second
        time.
        """

    async def close(self) -> None: ...
