"""Ports for models, and for the parts of a run that a model may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Estimate, Judgement, Usage
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.ports.stores import KeyValues


class Inbox(Protocol):
    """The questions of a run to the connected client. The client has up to a week to answer a question."""

    async def questions(self) -> Sequence[QuestionRecord]:
        """Return all questions of the run."""
        ...

    async def put(self, question: QuestionRecord) -> QuestionRecord:
        """Store a question and return it. A question that was asked before is returned with its answer."""
        ...

    async def answer(self, question: QuestionRecord) -> str:
        """Wait for the answer and return its text.

        Raises:
            Unanswered: The question was open for a week.
        """
        ...

    async def record_verdict(self, question_id: str, *, wrong: str | None = None, dropped: str | None = None) -> None:
        """Store the problems of an answer, and the parts that were finally dropped. None leaves a value unchanged."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """The parts of a run that a model may use.

    - `fresh`: whether the model must not use cached answers.
    - `check`: callback that a paid model calls right before each ask. Raises BudgetExceeded if the budget is used up.
    - `spend`: callback that a paid model calls right after each answer.
    - `clock`: the run's clock. A model that queues its asks reports to this clock how long asks wait in the queue.
    - `slow`: callback that a slow model calls with its name and a description whenever the description changes.
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

    - `name`: the model's name, as users see it.
    - `identity`: the model's name, combined with the names of all models that it asks. Cached findings are reused only
      for the same identity.
    - `languages`: the languages that the model can write; None if there is no limit.
    """

    name: str
    identity: str
    languages: frozenset[str] | None
    capacity: Capacity

    def estimate(self, max_pages: int) -> Estimate:
        """Estimate the cost of a playbook from `max_pages` pages per company, without the verification of claims."""
        ...

    def estimate_verification(self, max_pages: int) -> Estimate: ...

    def check(self) -> None:
        """Check the model's configuration.

        Raises:
            SetupError: A setting or environment variable makes the model unusable.
        """

    def prepare(self) -> None:
        """Start slow preparations for the first ask, such as loading a library.

        Called when a run starts to fetch pages.
        """

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        """Return an answer of the type that the ask wants. The content of the answer is not checked.

        Raises:
            Transient: A retry may succeed.
            BadAnswer: A correction may succeed.
            NoAccess, SetupError: Other asks would fail too.
            UpstreamError: A retry would fail too.
        """
        ...

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Reserve a place for the ask in the queue, before later asks. Models without a queue do nothing."""

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:
        """Return whether an answer from another run can be reused for this ask."""
        ...

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Receive the verdict of the checks on an answer. Called again if the correction of the answer was rejected."""

    async def close(self) -> None: ...
