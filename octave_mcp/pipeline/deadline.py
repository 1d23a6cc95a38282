"""The deadline of a run, and the share of the remaining time that each part of the run is allowed to use."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from octave_mcp.concurrency.run_clock import RunClock

# Maximum share of the remaining time for one scrape, and for work that runs side by side. The rest of the time is
# reserved for later work: for example, reading the pages must leave time to write the playbook.
TIME_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time limit for a run or a part of a run.

    - `at`: the time on the run's clock at which the limit is reached.
    - `step_seconds`: the maximum duration of one step.
    """

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
        """The maximum duration of one scrape, or None if the run has no time limit."""
        seconds = (self.at - self.clock.now()) * TIME_SHARE
        return None if math.isinf(seconds) else seconds
