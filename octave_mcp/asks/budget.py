"""The limits of a run's spending, and what it has spent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from octave_mcp.domain.asks import Ask, ReadingBrief, Spent, Usage
from octave_mcp.domain.company import Role
from octave_mcp.domain.costs import StepCost
from octave_mcp.domain.value import Value
from octave_mcp.domain.verification import VerificationBrief
from octave_mcp.errors import BudgetExceeded

# Share of a budget that reading may use; the rest is reserved for writing.
READING_SHARE = 0.5
# Claims are verified only while less than this share of a budget is used: copy is worth more than a second opinion.
VERIFYING_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may use up; None means no limit."""

    usd: float | None = None
    asks: int | None = None
    tokens: int | None = None

    def check(self, spent: Spent, share: float = 1.0) -> None:
        """Raises: BudgetExceeded: this share of a limit is used up."""
        tokens = spent.input_tokens + spent.output_tokens
        for most, used, text in (
            (self.usd, spent.usd or 0.0, "${:.4f} of ${:.4f} (max_cost_usd)"),
            (self.asks, spent.asks, "{} of {} asks (OCTAVE_MAX_RUN_ASKS)"),
            (self.tokens, tokens, "{} of {} tokens (OCTAVE_MAX_RUN_TOKENS)"),
        ):
            if most is not None and used >= most * share:
                reserved = "" if share == 1 else "; the rest is reserved for writing"
                raise BudgetExceeded(
                    f"the run's budget is used up: {text.format(used, most)}{reserved}; raise it, or lower max_pages"
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
        """The total; its `usd` is None where some of it has no known price."""
        return sum((spent for _, spent in self._rows()), Spent())

    def _rows(self) -> Iterator[tuple[tuple[str, Role | None], Spent]]:
        return iter(sorted(self._steps.items(), key=str))


class BudgetTracker:
    """A run's budget and its spending so far, counted as soon as an answer arrives: before it is checked and booked."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self._spent = budget, Spent()

    def check(self, ask: Ask[Any, Any]) -> None:
        """Raises: BudgetExceeded: the ask must not be made."""
        self._budget.check(self._spent, _share(ask.brief))

    def spend(self, usage: Usage) -> None:
        known = usage.model_copy(update={"usd": usage.usd or 0.0})
        self._spent += Spent(asks=1, **known.model_dump())


def _share(brief: Value) -> float:
    if isinstance(brief, VerificationBrief):
        return VERIFYING_SHARE
    return READING_SHARE if isinstance(brief, ReadingBrief) else 1.0
