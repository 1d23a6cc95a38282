"""Tracks the attempts of one process to execute a run. After a database outage, a new attempt starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from octave_mcp.domain.events import Event, EventName
from octave_mcp.domain.run import RunRecord


@dataclass(slots=True)
class Attempts:
    """Counts the attempts of this process to execute a run. Each attempt after the first follows a database outage.

    - `epoch`: the number of the run's latest execution, as far as this process knows.
    - `unstored`: events that could not be stored.
    """

    epoch: int
    number: int = 0
    unstored: Sequence[Event] = ()

    def first_event(self, record: RunRecord) -> tuple[EventName, str]:
        """Return the name and message of the first event of this attempt."""
        if self.number > 1:  # an event "run_resumed" would count as a restart after a crash
            return "progress", "continuing, because the database is available again"
        if record.started_at is None:
            return "run_started", "started"
        if self.epoch == 1:  # an early release, which had no epochs, started the run
            return (
                "run_resumed",
                "restarted from the first step, because this release cannot use the steps that an old release recorded",
            )
        return "run_resumed", "resumed"
