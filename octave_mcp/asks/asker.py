"""Sends a run's asks to the run's model or, if that model fails, to a fallback model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from octave_mcp.asks.attempts import RETRY_SECONDS, Attempts, OnCall
from octave_mcp.asks.budget import BudgetTracker, Ledger
from octave_mcp.asks.faults import Faults
from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import A, Answer, Ask, Judgement, Spent, StandIn, Unusable
from octave_mcp.domain.company import Role
from octave_mcp.domain.languages import is_written
from octave_mcp.domain.recording import Recording, Replayed, recording_of
from octave_mcp.errors import (
    BudgetExceeded,
    DeadlineExceeded,
    NoAccess,
    OctaveError,
    SetupError,
    Transient,
    without_provider_text,
)
from octave_mcp.ports import Model


@dataclass(slots=True)
class Asker:
    """Sends asks to a run's model or, if that model fails, to the fallback models.

    `stood_in`: the fallback models that answered instead of the run's model, with one entry per model and error code.
    `has_outlines`: whether at least one answer is an outline. `slow`: maps the name of each slow model to a description
    of its speed and a remedy. `faults`: counts how often answers were faulty.
    """

    model: Model
    fallback: tuple[Model, ...]
    budget: BudgetTracker
    clock: RunClock = field(default_factory=RunClock)
    slow: dict[str, str] = field(default_factory=dict[str, str])
    ledger: Ledger = field(default_factory=Ledger)
    stood_in: dict[tuple[str, str], StandIn] = field(default_factory=dict[tuple[str, str], StandIn])
    has_outlines: bool = False
    replayed_answers: list[Replayed] = field(default_factory=list[Replayed])
    faults: Faults = field(init=False)
    _has_answered: bool = False
    # Models that the run no longer asks, for example because their key is invalid.
    _unavailable: dict[str, NoAccess | SetupError] = field(default_factory=dict[str, NoAccess | SetupError])

    def __post_init__(self) -> None:
        self.faults = Faults(on_a_server=self.model.name == "compat")

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models that answered, including fallback models."""
        stood_in = sorted({name for name, _ in self.stood_in})
        return (self.model.name, *stood_in) if self._has_answered or not stood_in else tuple(stood_in)

    @property
    def recording(self) -> Recording | None:
        """The recording that the answers came from, or None if no answer was replayed."""
        return recording_of(self.replayed_answers)

    async def answer(self, ask: Ask[A, Any], until: float, on_call: OnCall) -> Answer[A] | Unusable:
        """Ask the run's model, then the fallback models in order, and return the first answer.

        `until`: the deadline, as a time on the run's clock.

        Raises:
            UpstreamError, SetupError: If no model answered, for example because the budget or the time was used up.
        """
        able = [model for model in self.fallback if is_written(ask.language, model.languages)]
        # If no model is left, ask the run's own model again, so that the user sees the error of this model.
        models = [model for model in (self.model, *able) if model.name not in self._unavailable] or [self.model]
        failed: OctaveError | None = self._unavailable.get(self.model.name)
        for model in models[:-1]:
            try:
                return await self._answer_of(model, failed, ask, until, on_call)
            except (Transient, BudgetExceeded, DeadlineExceeded) as cause:
                failed = failed or cause
            except (NoAccess, SetupError) as cause:
                failed = self._unavailable[model.name] = cause
        return await self._answer_of(models[-1], failed, ask, until, on_call)

    async def _answer_of(
        self, model: Model, failed: OctaveError | None, ask: Ask[A, Any], until: float, on_call: OnCall
    ) -> Answer[A] | Unusable:
        stand_in = None
        if model is not self.model and failed:
            stand_in = StandIn(name=model.name, code=failed.code, reason=without_provider_text(failed))
        if model.capacity.is_paid:
            self.budget.check(ask)
        else:
            # A free model, such as the extractive model, gets extra time, because a paid model that failed before may
            # have used up all of the time.
            until = max(until, self.clock.now() + RETRY_SECONDS)
        try:
            return await Attempts(model, ask, stand_in, on_call, self.clock).answer(until)
        except DeadlineExceeded as late:
            if model.name in self.slow:
                raise DeadlineExceeded(f"{late}; {model.name} answered slowly: {self.slow[model.name]}") from None
            raise

    def book(self, step: str, company: Role | None, answer: Answer[Any] | Unusable) -> None:
        """Record the cost of an answer and which model gave it.

        The answer can be new or come from the run's journal.
        """
        self.ledger.book(step, company, Spent.of(answer))
        if isinstance(answer, Answer):
            self.has_outlines |= answer.is_outline
            self.replayed_answers += (answer.replayed,) if answer.replayed else ()
        if answer.by is None:
            self._has_answered = True
        else:
            self.stood_in.setdefault((answer.by.name, answer.by.code), answer.by)

    def replayed(self, answer: Answer[Any] | Unusable) -> None:
        """Charge the budget for an answer that was paid for before the run was resumed."""
        is_reused = isinstance(answer, Answer) and answer.reused
        if self._model_of(answer).capacity.is_paid and not is_reused:
            self.budget.spend(answer.usage)

    async def record_verdict(self, answer: Answer[Any] | Unusable, verdict: Judgement) -> None:
        """Report the verdict of the checks to the model that gave the answer."""
        if answer.key:
            await self._model_of(answer).record_verdict(answer.key, verdict)

    def _model_of(self, answer: Answer[Any] | Unusable) -> Model:
        by = answer.by
        return next((model for model in self.fallback if by and model.name == by.name), self.model)
