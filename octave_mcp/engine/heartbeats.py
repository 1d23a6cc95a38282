"""The heartbeats of processes that execute runs, as this process sees them by its own clock: others may differ."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from octave_mcp.ports import Heartbeats

# How long a heartbeat may stand still: a process that was suspended for longer has lost its runs.
SILENT_SECONDS = 30.0
# How long after its last heartbeat a process counts as alive, even if its lock is free: one and a half intervals.
MOVING_SECONDS = 7.5


@dataclass(frozen=True, slots=True)
class _Beat:
    """The number of a process, when it was first seen, and whether it had another before."""

    count: int
    at: float
    has_moved: bool = False

    @classmethod
    def of(cls, count: int, now: float, last: _Beat | None) -> _Beat:
        return last if last and last.count == count else cls(count, now, has_moved=last is not None)


class Pulse:
    """`owners` are the processes that have a heartbeat."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats
        self._seen: dict[str, _Beat] = {}
        self._at = -math.inf

    @property
    def owners(self) -> Iterable[str]:
        return self._seen.keys()

    async def beat(self, id_: str) -> None:
        """Counts one more. After a pause of its own, this process has seen nothing of what the others did in it."""
        asked_at = time.monotonic()  # if this process is suspended from here on, the others are not taken for silent
        beats, now, seen = await self._heartbeats.beat(id_), time.monotonic(), self._seen
        if now - self._at > MOVING_SECONDS:
            seen = {owner: replace(beat, at=now) for owner, beat in seen.items()}
        self._seen = {owner: _Beat.of(count, now, seen.get(owner)) for owner, count in beats.items()}
        self._at = asked_at

    def is_moving(self, owner: str) -> bool:
        """Whether its number was seen to grow a moment ago."""
        beat = self._seen.get(owner)
        return beat is not None and beat.has_moved and self._at - beat.at <= MOVING_SECONDS

    def is_silent(self, owner: str) -> bool:
        """Whether its number has stood still for too long; a process that never had one is of an older release."""
        beat = self._seen.get(owner)
        return beat is not None and self._at - beat.at > SILENT_SECONDS

    async def stop(self, id_: str) -> None:
        await self._heartbeats.remove_server(id_)
