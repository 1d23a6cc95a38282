"""How often a process has begun to execute a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from octave_mcp.domain.events import Event, EventName
from octave_mcp.domain.run import RunRecord


@dataclass(slots=True)
class Attempts:
    """The attempts of this process to execute a run: their number, and the epoch of the last execution it knows.

    `unstored` are the events that the last attempt could not store.
    """

    epoch: int
    number: int = 0
    unstored: Sequence[Event] = ()

    def beginning(self, record: RunRecord) -> tuple[EventName, str]:
        """The event that an execution begins with, and what it says."""
        if self.number > 1:
            return "progress", "continuing: the database is available again"
        if record.started_at is None:
            return "run_started", "started"
        if self.epoch == 1:  # it was begun by a release without epochs
            return "run_resumed", "restarted from its first step: it was begun by a release that did not name its steps"
        return "run_resumed", "resumed"
