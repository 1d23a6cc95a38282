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
            return "progress", "going on: the database can be used again"
        if record.started_at is None:
            return "run_started", "started"
        if self.epoch == 1:  # it was begun by a release without epochs
            return "run_resumed", "started again from its first step: an earlier release had recorded its steps"
        return "run_resumed", "carried on"
