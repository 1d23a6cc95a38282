"""The heartbeats of processes that execute runs, timed by this process.

A heartbeat is a counter in the database, not a time: the clocks of machines differ.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from octave_mcp.ports import Heartbeats

# A process whose heartbeat has not moved for this long loses its runs to others.
STALE_SECONDS = 30.0
# A process whose heartbeat moved within this time (one and a half intervals) is alive, even if its lock is free.
FRESH_SECONDS = 7.5


@dataclass(frozen=True, slots=True)
class _Beat:
    """The counter of a process, when this value was first seen, and whether another was seen before it."""

    count: int
    seen_at: float
    has_moved: bool = False

    @classmethod
    def of(cls, count: int, now: float, last: _Beat | None) -> _Beat:
        return last if last and last.count == count else cls(count, now, has_moved=last is not None)


class Pulse:
    """Sends the heartbeat of this process, and watches those of the others."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats
        self._seen: dict[str, _Beat] = {}
        self._asked_at = -math.inf

    @property
    def owners(self) -> Iterable[str]:
        """The ids of the processes that have a heartbeat."""
        return self._seen.keys()

    async def beat(self, id_: str) -> None:
        """Send a heartbeat of this process, and read those of all others."""
        # Ages are measured up to this time, before the query: no heartbeat ages while this process is suspended in it.
        asked_at = time.monotonic()
        beats, now, seen = await self._heartbeats.beat(id_), time.monotonic(), self._seen
        if now - self._asked_at > FRESH_SECONDS:
            # This process was itself suspended: it did not see the heartbeats of the others, so their ages start again.
            seen = {owner: replace(beat, seen_at=now) for owner, beat in seen.items()}
        self._seen = {owner: _Beat.of(count, now, seen.get(owner)) for owner, count in beats.items()}
        self._asked_at = asked_at

    def is_fresh(self, owner: str) -> bool:
        """Whether the heartbeat was seen to move within the last `FRESH_SECONDS`."""
        # A counter that was never seen to move proves nothing: its process may have ended before this one started.
        beat = self._seen.get(owner)
        return beat is not None and beat.has_moved and self._asked_at - beat.seen_at <= FRESH_SECONDS

    def is_stale(self, owner: str) -> bool:
        """Whether the heartbeat has not moved for more than `STALE_SECONDS`.

        A process that never had a heartbeat is never stale: it runs an older release, and only its lock counts.
        """
        beat = self._seen.get(owner)
        return beat is not None and self._asked_at - beat.seen_at > STALE_SECONDS

    async def stop(self, id_: str) -> None:
        """Remove the heartbeat of a process that has ended."""
        await self._heartbeats.remove_server(id_)
