"""Sums the cost and time of all versions of a playbook."""

from __future__ import annotations

from octave_mcp.domain.costs import Cost, Timings
from octave_mcp.domain.playbook import Playbook
from octave_mcp.pipeline.run import Run

_COUNTS = ("asks", "input_tokens", "cached_tokens", "output_tokens", "reused")


def with_spending(playbook: Playbook, base: Playbook, timings: Timings, run: Run) -> Playbook:
    """Add the run's cost and timings to those of `base`, and return the playbook with the sums."""
    more = {"cost": _cost(playbook.cost, base.cost, run), "timings": timings.after(base.timings)}
    return playbook.model_copy(update=more)


def _cost(new: Cost, base: Cost, run: Run) -> Cost:
    # Do not sum page counts, because they describe only the run that last read the pages.
    spent = run.asker.ledger.cost
    sums: dict[str, object] = {name: getattr(base, name) + getattr(spent, name) for name in _COUNTS}
    usd = None if base.usd is None or spent.usd is None else base.usd + spent.usd
    steps = (*base.steps, *run.asker.ledger.costs)
    return new.model_copy(update={**sums, "usd": usd, "steps": steps, "credits": base.credits + run.source.credits})
