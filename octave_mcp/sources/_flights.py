"""One fetch for all who want the same thing at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar
from weakref import WeakKeyDictionary

from octave_mcp.domain.page import Copy
from octave_mcp.together import together

Fetch = Callable[[Sequence[str]], Awaitable[dict[str, Copy]]]


class _Flight:
    """A fetch under way. It goes on for as long as anyone waits for it, whoever began it."""

    def __init__(self, task: asyncio.Task[dict[str, Copy]]) -> None:
        self.task = task
        self._waiting = 0

    async def landed(self) -> dict[str, Copy]:
        self._waiting += 1
        try:
            return await asyncio.shield(self.task)
        finally:
            self._waiting -= 1
            if not self._waiting and not self.task.done():
                self.task.cancel()
                await asyncio.wait([self.task])

    @property
    def is_boarding(self) -> bool:
        return not self.task.done() and not self.task.cancelling()


_UnderWay = dict[str, _Flight]


class Flights:
    """What one source fetches, and what it waits for that others do: all who keep copies in one place share flights.

    Those that want everything `anew` share theirs: what others wait for may be a copy.
    """

    _of_all: ClassVar[WeakKeyDictionary[object, tuple[_UnderWay, _UnderWay]]] = WeakKeyDictionary()

    def __init__(self, place: object, *, anew: bool) -> None:
        self._under_way = self._of_all.setdefault(place, ({}, {}))[anew]
        self._own: set[asyncio.Task[dict[str, Copy]]] = set()

    async def get(self, keys: Sequence[str], fetch: Fetch) -> dict[str, Copy]:
        """A copy for each key; those that nobody is fetching yet are fetched together."""
        wanted = dict.fromkeys(keys)
        joined = {flight for key in wanted if (flight := self._under_way.get(key)) and flight.is_boarding}
        taken = [key for key in wanted if not self._boards(key, joined)]
        if taken:
            joined.add(self._begun(taken, fetch))
        landed = await together(*(flight.landed() for flight in joined))
        copies = {key: copy for found in landed for key, copy in found.items()}
        return {key: copies[key] for key in wanted}

    async def close(self) -> None:
        """Waits for what this source fetches for others: its connections are to be closed next."""
        if self._own:
            await asyncio.wait(self._own)

    def _boards(self, key: str, joined: set[_Flight]) -> bool:
        return self._under_way.get(key) in joined

    def _begun(self, keys: Sequence[str], fetch: Fetch) -> _Flight:
        async def fly() -> dict[str, Copy]:
            return await fetch(keys)

        task = asyncio.create_task(fly())
        flight = _Flight(task)
        self._under_way.update(dict.fromkeys(keys, flight))
        self._own.add(task)
        task.add_done_callback(lambda _: self._end(flight, keys))
        return flight

    def _end(self, flight: _Flight, keys: Sequence[str]) -> None:
        self._own.discard(flight.task)
        for key in keys:
            if self._under_way.get(key) is flight:
                del self._under_way[key]
