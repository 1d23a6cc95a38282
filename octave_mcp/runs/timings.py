"""The timings of a run: its total time, its steps, its critical path and its slowest calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from octave_mcp.concurrency.critical_path import Call, strand
from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.costs import CallTiming, StepTiming, Timings, shortened
from octave_mcp.domain.run import RunRecord
from octave_mcp.runs.outcome import seconds


def timings(record: RunRecord, steps: tuple[StepTiming, ...] = ()) -> Timings:
    """Return the timings of the run that the current task executes."""
    own = strand()
    return Timings(
        total_seconds=seconds(record),
        steps=steps,
        critical_path_seconds=round(own.seconds, 3),
        critical_path=shortened(_timings(own.path, record.started_at)),
        slowest_calls=tuple(_timings(own.slowest, record.started_at)),
    )


def company_of(name: str) -> Role | None:
    """Return the company that a step in the journal is about, or None if it is about the whole deal."""
    return next((role for role in ROLES if role in name.split("/")), None)


def _timings(calls: Iterable[Call], started_at: datetime | None) -> Iterator[CallTiming]:
    for call in calls:
        yield CallTiming(
            name=call.name,
            company=company_of(call.name),
            seconds=round(call.seconds, 3),
            started_seconds=round((call.began_at - (started_at or call.began_at)).total_seconds(), 3),
        )
