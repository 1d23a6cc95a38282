"""The critical path of a run: the longest chain of calls of which each had to wait for the one before it.

Each task carries the chain of calls that it has waited for, as in a Lamport clock. A new task starts with the chain of
the task that created it. A task that waits for other tasks continues with the longest of their chains and its own. Only
recorded calls count. If a run takes longer than its critical path, it has spent the rest of its time on computations,
in queues and on overhead.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import Context, ContextVar
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from octave_mcp.domain.costs import MAX_SLOWEST


class Call(NamedTuple):
    """A recorded call. `name` is its path in the run, such as 'vendor/pack-3/ask'."""

    name: str
    began_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Strand:
    """What a task has waited for.

    - `path`: the calls of the longest chain, in order.
    - `slowest`: the slowest of all calls, including calls that are not in the longest chain.
    """

    path: tuple[Call, ...] = ()
    slowest: tuple[Call, ...] = ()

    @property
    def seconds(self) -> float:
        return sum(call.seconds for call in self.path)


_NONE = Strand()
_STRAND: ContextVar[Strand] = ContextVar("strand", default=_NONE)


def strand() -> Strand:
    """Return the strand of the current task."""
    return _STRAND.get()


def new_strand() -> None:
    """Let the current task start with an empty strand."""
    _STRAND.set(_NONE)


def called(call: Call) -> None:
    """Add a call that the current task has waited for."""
    own = strand()
    _STRAND.set(Strand((*own.path, call), _slowest((*own.slowest, call))))


def joined(*others: Strand) -> None:
    """Continue the current task after the tasks with these strands, for which it has waited."""
    strands = (strand(), *others)
    longest = max(strands, key=lambda one: (one.seconds, len(one.path)))
    _STRAND.set(Strand(longest.path, _slowest(chain.from_iterable(one.slowest for one in strands))))


def strand_in(context: Context) -> Strand:
    """Return the strand of the task that ran in this context."""
    return context.get(_STRAND, _NONE)


def _slowest(calls: Iterable[Call]) -> tuple[Call, ...]:
    # Strands share the calls from before they forked, so count equal calls once.
    return tuple(sorted(dict.fromkeys(calls), key=lambda call: (-call.seconds, call.began_at))[:MAX_SLOWEST])
