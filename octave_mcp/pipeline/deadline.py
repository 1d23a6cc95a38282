"""The deadline of a run, and how much of the remaining time each part of the run may use."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from octave_mcp.concurrency.run_clock import RunClock

# Share of the remaining time that one part of a run may take. The rest is for later parts, such as writing the playbook
# after the pages are read.
TIME_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time limit: a time `at` on the run's clock. `step_seconds` is the maximum duration of one step."""

    at: float = math.inf
    step_seconds: float = math.inf
    clock: RunClock = field(default_factory=RunClock)

    def for_step(self) -> Deadline:
        return replace(self, at=min(self.at, self.clock.now() + self.step_seconds))

    def for_branches(self, *, of_one_step: bool) -> Deadline:
        max_seconds = self.step_seconds if of_one_step else math.inf
        now = self.clock.now()
        return replace(self, at=now + min((self.at - now) * TIME_SHARE, max_seconds))

    @property
    def scrape_seconds(self) -> float | None:
        """How long one scrape may take, or None if the run has no time limit."""
        seconds = (self.at - self.clock.now()) * TIME_SHARE
        return None if math.isinf(seconds) else seconds
