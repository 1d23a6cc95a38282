"""Tracks a run's spending and compares it with the run's budget."""

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

# Models are asked about pages only until the run has used this share of its budget. Without this limit, a run could
# spend its whole budget on reading and end without a playbook.
READING_SHARE = 0.5
# Claims are verified only until the run has used this share of its budget. The rest of the budget is reserved for other
# asks, such as asks for sales copy.
VERIFYING_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of a run. None means that there is no limit."""

    usd: float | None = None
    asks: int | None = None
    tokens: int | None = None

    def check(self, spent: Spent, share: float = 1.0) -> None:
        """Raise `BudgetExceeded` if the run has used the given share of any limit."""
        tokens = spent.input_tokens + spent.output_tokens
        for limit, used, text in (
            (self.usd, spent.usd or 0.0, "${:.4f} of ${:.4f} (max_cost_usd)"),
            (self.asks, spent.asks, "{} of {} asks (OCTAVE_MAX_RUN_ASKS)"),
            (self.tokens, tokens, "{} of {} tokens (OCTAVE_MAX_RUN_TOKENS)"),
        ):
            if limit is not None and used >= limit * share:
                reserved = "" if share == 1 else "; the rest is reserved for writing"
                used_up = f"the run's budget is used up: {text.format(used, limit)}{reserved}"
                raise BudgetExceeded(f"{used_up}; raise the limit, or lower max_pages")


class Ledger:
    """The spending of a run by step and company."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, Role | None], Spent] = {}

    def book(self, step: str, company: Role | None, spent: Spent) -> None:
        self._steps[step, company] = self._steps.get((step, company), Spent()) + spent

    @property
    def costs(self) -> tuple[StepCost, ...]:
        return tuple(StepCost(step=step, company=company, **dict(spent)) for (step, company), spent in self._rows())

    @property
    def cost(self) -> Spent:
        """The total cost. `usd` is None if the price of at least one answer is unknown."""
        return sum((spent for _, spent in self._rows()), Spent())

    def _rows(self) -> Iterator[tuple[tuple[str, Role | None], Spent]]:
        return iter(sorted(self._steps.items(), key=str))


class BudgetTracker:
    """Compares a run's spending with its budget.

    Unlike `Ledger`, this class counts the cost of an answer as soon as the answer arrives, so that concurrent asks stay
    within the budget.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget, self._spent = budget, Spent()

    def check(self, ask: Ask[Any, Any]) -> None:
        """Raise `BudgetExceeded` if the budget does not allow the ask."""
        self._budget.check(self._spent, _share(ask.brief))

    def spend(self, usage: Usage) -> None:
        # Count an unknown price as 0, because a total of None would switch off the dollar limit.
        known = usage.model_copy(update={"usd": usage.usd or 0.0})
        self._spent += Spent(asks=1, **known.model_dump())


def _share(brief: Value) -> float:
    if isinstance(brief, VerificationBrief):
        return VERIFYING_SHARE
    return READING_SHARE if isinstance(brief, ReadingBrief) else 1.0
