"""How an ask gets its answer: of whom, after how many tries, by when, and within what the run may spend."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from octave_mcp.concurrency.retrying import retrying
from octave_mcp.domain.asks import A, Answer, Ask, ReadingBrief, Spent, StandIn, Unusable, Usage
from octave_mcp.domain.company import Role
from octave_mcp.domain.costs import StepCost
from octave_mcp.domain.events import ModelCall
from octave_mcp.errors import (
    BadAnswer,
    BadRequest,
    BudgetExceeded,
    DeadlineExceeded,
    ModelRefuses,
    NoAccess,
    Transient,
    UpstreamError,
    own_words,
)
from octave_mcp.ports import Model

ATTEMPTS = 10
SECONDS = 240.0
"""How long one answer may be tried for."""
READING_SHARE = 0.5
"""Of a budget: what is left when this much is spent on reading is kept for writing."""

Tell = Callable[[ModelCall, UpstreamError | None], None]
"""Makes a call known: an answer, one of which nothing can be used, or a try that failed."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may use up; None for as much as it takes."""

    usd: float | None = None
    asks: int | None = None
    tokens: int | None = None

    def check(self, spent: Spent, share: float = 1.0) -> None:
        """Raises: BudgetExceeded: so much of it is used up."""
        tokens = spent.input_tokens + spent.output_tokens
        for most, used, told in (
            (self.usd, spent.usd or 0.0, "${:.4f} of ${:.4f} (max_cost_usd)"),
            (self.asks, spent.asks, "{} of {} asks (OCTAVE_MAX_RUN_ASKS)"),
            (self.tokens, tokens, "{} of {} tokens (OCTAVE_MAX_RUN_TOKENS)"),
        ):
            if most is not None and used >= most * share:
                kept = "" if share == 1 else "; the rest is kept for the writing"
                raise BudgetExceeded(
                    f"the run's budget is used up: {told.format(used, most)}{kept}; raise it, or lower max_pages"
                )


class Ledger:
    """What each step used up."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, Role | None], Spent] = {}

    def book(self, step: str, company: Role | None, spent: Spent) -> None:
        self._steps[step, company] = self._steps.get((step, company), Spent()) + spent

    @property
    def costs(self) -> tuple[StepCost, ...]:
        return tuple(StepCost(step=step, company=company, **dict(spent)) for (step, company), spent in self._rows())

    @property
    def cost(self) -> Spent:
        """All of it; its `usd` is None where some of it has no known price."""
        return sum((spent for _, spent in self._rows()), Spent())

    def _rows(self) -> Iterator[tuple[tuple[str, Role | None], Spent]]:
        return iter(sorted(self._steps.items(), key=str))


class Purse:
    """What a run may use up, and what it has: as soon as it is answered, before it is judged and booked."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self._spent = budget, Spent()

    def check(self, ask: Ask[Any, Any]) -> None:
        """Raises: BudgetExceeded: the ask must not be made any more."""
        self._budget.check(self._spent, READING_SHARE if isinstance(ask.brief, ReadingBrief) else 1.0)

    def spend(self, usage: Usage) -> None:
        known = usage.model_copy(update={"usd": usage.usd or 0.0})
        self._spent += Spent(asks=1, **known.model_dump())


@dataclass(slots=True)
class Asker:
    """Asks the model of a run, and where it gives nothing, those that the user named to stand in for it.

    `stood_in` are those who did, each with the first reason.
    """

    model: Model
    fallback: tuple[Model, ...]
    purse: Purse
    ledger: Ledger = field(default_factory=Ledger)
    stood_in: dict[tuple[str, str], StandIn] = field(default_factory=dict[tuple[str, str], StandIn])
    _has_answered: bool = False
    _shut: dict[str, NoAccess] = field(default_factory=dict[str, NoAccess])

    def book(self, step: str, company: Role | None, answer: Answer[Any] | Unusable) -> None:
        """Counts an answer, in this process or before it was carried on, and who gave it."""
        self.ledger.book(step, company, Spent.of(answer))
        if answer.by is None:
            self._has_answered = True
        else:
            self.stood_in.setdefault((answer.by.name, answer.by.code), answer.by)

    async def judged(self, answer: Answer[Any] | Unusable, wrong: str) -> None:
        """Tells whoever gave the answer what the checks found."""
        if answer.key:
            await self._who(answer).judged(answer.key, wrong)

    def replayed(self, answer: Answer[Any] | Unusable) -> None:
        """Counts an answer that was paid for before the run was carried on."""
        is_reused = isinstance(answer, Answer) and answer.reused
        if self._who(answer).capacity.is_paid and not is_reused:
            self.purse.spend(answer.usage)

    def _who(self, answer: Answer[Any] | Unusable) -> Model:
        by = answer.by
        return next((model for model in self.fallback if by and model.name == by.name), self.model)

    @property
    def models(self) -> tuple[str, ...]:
        """Who has answered: the model asked for, and those that stood in for it."""
        stood_in = sorted({name for name, _ in self.stood_in})
        return (self.model.name, *stood_in) if self._has_answered or not stood_in else tuple(stood_in)

    async def answer(self, ask: Ask[A, Any], until: float, tell: Tell) -> Answer[A] | Unusable:
        """What the model answers, or the first of its fallbacks that does; `until` is a time of the event loop.

        Raises:
            UpstreamError: no answer came: there is no access, no budget, or no time left.
        """
        able = [model for model in self.fallback if model.languages is None or ask.language in model.languages]
        models = [model for model in (self.model, *able) if model.name not in self._shut] or [self.model]
        failed: UpstreamError | None = self._shut.get(self.model.name)
        for model in models[:-1]:
            try:
                return await self._answer_of(model, failed, ask, until, tell)
            except (Transient, BudgetExceeded, DeadlineExceeded) as cause:
                failed = failed or cause
            except NoAccess as cause:
                failed = self._shut[model.name] = cause
        return await self._answer_of(models[-1], failed, ask, until, tell)

    async def _answer_of(
        self, model: Model, failed: UpstreamError | None, ask: Ask[A, Any], until: float, tell: Tell
    ) -> Answer[A] | Unusable:
        by = None
        if model is not self.model and failed:
            by = StandIn(name=model.name, code=failed.code, reason=own_words(failed))
        if model.capacity.is_paid:
            self.purse.check(ask)
        else:
            until = max(until, asyncio.get_running_loop().time() + SECONDS)
        attempt = 1

        def again(wait_seconds: float, failed: Transient) -> None:
            nonlocal attempt
            tell(_call(model, ask, attempt=attempt, wait_seconds=round(wait_seconds, 3)), failed)
            attempt += 1

        try:
            answer = await _in_time(model, ask, until, again)
        except (Transient, BadRequest, NoAccess) as cause:
            tell(_call(model, ask, attempt=attempt), cause)
            raise
        except BadAnswer as bad:
            usage = bad.usage or Usage()
            tell(_call(model, ask, attempt=attempt, **usage.model_dump()), bad)
            return Unusable(wrong=str(bad), usage=usage, refused=isinstance(bad, ModelRefuses), key=bad.key, by=by)
        tell(_call(model, ask, attempt=attempt, reused=answer.reused, **answer.usage.model_dump()), None)
        if not isinstance(answer.value, ask.answer):
            return Unusable(wrong="the answer is not of the form asked for", usage=answer.usage, by=by)
        return Answer[ask.answer](
            value=answer.value, usage=answer.usage, wrong=answer.wrong, by=by,
            key=answer.key, reused=answer.reused, is_outline=not model.capacity.writes_copy,
        )  # fmt: skip


async def _in_time(
    model: Model, ask: Ask[A, Any], until: float, again: Callable[[float, Transient], None]
) -> Answer[A]:
    if model.capacity.is_patient:
        return await model.answer(ask)
    left = until - asyncio.get_running_loop().time()
    late = DeadlineExceeded("the time that the run, or this step of it, may take is over; ask for fewer pages")
    if left <= 0:
        raise late
    try:
        async with asyncio.timeout(left):
            return await retrying(
                lambda: model.answer(ask),
                attempts=ATTEMPTS,
                seconds=min(SECONDS, left),
                again=again,
                waits_its_turn=True,
            )
    except TimeoutError:
        raise late from None


def _call(model: Model, ask: Ask[Any, Any], **more: Any) -> ModelCall:  # noqa: ANN401 - ModelCall's own
    return ModelCall(model=model.name, prompt=ask.prompt, version=ask.version, beside=ask.beside, **more)
