"""Ports for models, and for what a model may use of its run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Estimate, Judgement, Usage
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.ports.stores import KeyValues


class Inbox(Protocol):
    """The questions of a run to the connected client, which may take up to a week to answer."""

    async def questions(self) -> Sequence[QuestionRecord]:
        """Return all questions of the run."""
        ...

    async def put(self, question: QuestionRecord) -> QuestionRecord:
        """Store a question and return it as stored: if it was asked before, with its answer."""
        ...

    async def answer(self, question: QuestionRecord) -> str:
        """Wait for the answer and return its text.

        Raises:
            Unanswered: The question was open for a week.
        """
        ...

    async def record_verdict(self, question_id: str, *, wrong: str | None = None, dropped: str | None = None) -> None:
        """Store the problems found in the answer, and what was finally dropped. None leaves a value unchanged."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a model may use of its run.

    - `fresh`: do not use cached answers.
    - `check`: a paid model calls it right before each ask; raises BudgetExceeded if the run must not ask any more.
    - `spend`: a paid model calls it right after each answer.
    - `clock`: a model that queues its asks reports the time that they wait.
    - `slow`: a slow model calls it with its name and a description, each time that the description changes.
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
    """Answers asks. Each run has its own instance, which is closed when the run ends.

    - `name`: shown to the user.
    - `identity`: the name with those of all models that it asks. Cached findings are only reused for the same identity.
    - `languages`: the languages that it can write; None for any.
    """

    name: str
    identity: str
    languages: frozenset[str] | None
    capacity: Capacity

    def estimate(self, max_pages: int) -> Estimate:
        """Estimate the cost of a playbook from `max_pages` pages per company, without verification of its claims."""
        ...

    def estimate_verification(self, max_pages: int) -> Estimate: ...

    def check(self) -> None:
        """Check the model's configuration.

        Raises:
            SetupError: A setting or environment variable makes the model unusable.
        """

    def prepare(self) -> None:
        """Start slow preparations for the first ask, such as loading a library. Called when a run starts to fetch."""

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        """Return the answer in the type that the ask wants. Its content is not checked.

        Raises:
            Transient: A retry may succeed.
            BadAnswer: A correction may succeed.
            NoAccess, SetupError: Other asks would fail too.
            UpstreamError: A retry would fail too.
        """
        ...

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Reserve a place in the queue before asks that are made later. Models without a queue do nothing."""

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:
        """Whether an answer of another run can be reused for this ask."""
        ...

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Receive the verdict of the checks on the answer with this key; again, if a correction of it was rejected."""

    async def close(self) -> None: ...
