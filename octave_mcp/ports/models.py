"""What answers asks, and what it may use of its run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Estimate, Judgement, Usage
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.ports.stores import KeyValues


class Inbox(Protocol):
    """Where a run puts its questions to a connected client, which may answer today or in a week."""

    async def questions(self) -> Sequence[QuestionRecord]:
        """All that the run has asked."""
        ...

    async def put(self, question: QuestionRecord) -> QuestionRecord:
        """Asks it, unless it was asked before or has an answer."""
        ...

    async def answer(self, question: QuestionRecord) -> str:
        """The answer's text, once it is there.

        Raises:
            Unanswered: it was open for a week.
        """
        ...

    async def record_verdict(self, question_id: str, *, wrong: str | None = None, dropped: str | None = None) -> None:
        """Stores what the checks found wrong with its answer, and what was dropped for good; None changes nothing."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a model may use of its run; `fresh` says not to use cached answers.

    A paid model calls `check` right before each ask, which raises BudgetExceeded if the run must not ask any more, and
    `spend` right after the answer. One that waits for its turn reports the wait to `clock`. A slow one calls `slow`
    with its name and how slow it is, each time that this changes.
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
    """What answers asks: one is made for each run, and closed with it. `languages` are those it writes, None for any.

    `name` is shown to the user. `identity` adds the names of the models that it asks: cached findings of one model are
    not used for another.
    """

    name: str
    identity: str
    languages: frozenset[str] | None
    capacity: Capacity

    def estimate(self, max_pages: int) -> Estimate:
        """Roughly what a playbook from that many pages of each company will cost, until its claims are verified."""
        ...

    def estimate_verification(self, max_pages: int) -> Estimate: ...

    def check(self) -> None:
        """Raises: SetupError: a setting or environment variable makes it unusable."""

    def prepare(self) -> None:
        """Starts early what the first answer would wait for. Called when a run begins to fetch pages."""

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        """The answer in the form asked for, unchecked.

        Raises:
            Transient: worth a retry.
            BadAnswer: worth a correction.
            NoAccess, SetupError: it will not answer other asks either.
            UpstreamError: not worth a retry.
        """
        ...

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Puts the ask in line before those that are made after this; a model that answers at once need not."""

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:
        """Whether another run got an answer that serves this ask, too."""
        ...

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Takes what the checks made of the answer under that key; again, if a correction of it was refused."""

    async def close(self) -> None: ...
