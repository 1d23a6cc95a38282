"""Heartbeats of the processes that execute runs, with their ages measured by the clock of this process.

A heartbeat is a counter in the database and not a time, because the clocks of different machines differ.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from octave_mcp.ports import Heartbeats

# A process whose heartbeat has not changed for this long loses its runs to other processes.
STALE_SECONDS = 30.0
# A process whose heartbeat changed within this time (one and a half intervals) is alive, even if its lock is free.
FRESH_SECONDS = 7.5


@dataclass(frozen=True, slots=True)
class _Beat:
    """A process's counter.

    `seen_at` is the time when the current value was first seen. `has_moved` is true if the value has changed.
    """

    count: int
    seen_at: float
    has_moved: bool = False

    @classmethod
    def of(cls, count: int, now: float, last: _Beat | None) -> _Beat:
        return last if last and last.count == count else cls(count, now, has_moved=last is not None)


class Pulse:
    """Sends the heartbeat of this process, and watches the heartbeats of other processes."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats
        self._seen: dict[str, _Beat] = {}
        self._asked_at = -math.inf

    @property
    def owners(self) -> Iterable[str]:
        """The ids of the processes that have a heartbeat."""
        return self._seen.keys()

    async def beat(self, id_: str) -> None:
        """Send the heartbeat of this process, and read the heartbeats of all processes."""
        # The age of a heartbeat is its age at the start of the query. Otherwise, heartbeats would look older if this
        # process was suspended during the query.
        asked_at = time.monotonic()
        beats, now, seen = await self._heartbeats.beat(id_), time.monotonic(), self._seen
        if now - self._asked_at > FRESH_SECONDS:
            # After a suspension or a database outage, this process has missed changes of the other heartbeats, so reset
            # their ages to zero.
            seen = {owner: replace(beat, seen_at=now) for owner, beat in seen.items()}
        self._seen = {owner: _Beat.of(count, now, seen.get(owner)) for owner, count in beats.items()}
        self._asked_at = asked_at

    def is_fresh(self, owner: str) -> bool:
        """Whether the heartbeat changed within the last `FRESH_SECONDS` seconds."""
        # A counter that has never changed is not fresh, because its process may have ended before this process started.
        beat = self._seen.get(owner)
        return beat is not None and beat.has_moved and self._asked_at - beat.seen_at <= FRESH_SECONDS

    def is_stale(self, owner: str) -> bool:
        """Whether the heartbeat last changed more than `STALE_SECONDS` seconds ago.

        If a process has no heartbeat, it is never stale. Such a process runs an older release, so only its lock shows
        whether it is alive.
        """
        beat = self._seen.get(owner)
        return beat is not None and self._asked_at - beat.seen_at > STALE_SECONDS

    async def stop(self, id_: str) -> None:
        """Remove the heartbeat of a process that has ended."""
        await self._heartbeats.remove_server(id_)
