"""One fetch for all who want the same thing at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar
from weakref import WeakKeyDictionary

from octave_mcp.concurrency.together import together

T = TypeVar("T")

Fetch = Callable[[Sequence[str]], Awaitable[dict[str, T]]]


class _Flight(Generic[T]):
    """A fetch under way. It goes on for as long as anyone waits for it, whoever began it."""

    def __init__(self, task: asyncio.Task[dict[str, T]]) -> None:
        self.task = task
        self._waiting = 0

    async def landed(self) -> dict[str, T]:
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


_UnderWay = dict[str, _Flight[Any]]


class Flights(Generic[T]):
    """What one source fetches, and what it waits for that others do: all who keep things in one place share flights.

    Those that want everything `anew` share theirs: what others wait for may be a copy.
    """

    _of_all: ClassVar[WeakKeyDictionary[object, tuple[_UnderWay, _UnderWay]]] = WeakKeyDictionary()

    def __init__(self, place: object, *, anew: bool) -> None:
        self._under_way = self._of_all.setdefault(place, ({}, {}))[anew]
        self._own: set[asyncio.Task[dict[str, T]]] = set()

    async def get(self, keys: Sequence[str], fetch: Fetch[T]) -> dict[str, T]:
        """What is fetched for each key; those that nobody is fetching yet are fetched together."""
        wanted = dict.fromkeys(keys)
        joined = {flight for key in wanted if (flight := self._under_way.get(key)) and flight.is_boarding}
        taken = [key for key in wanted if not self._boards(key, joined)]
        if taken:
            joined.add(self._begun(taken, fetch))
        landed = await together(*(flight.landed() for flight in joined))
        found = {key: one for some in landed for key, one in some.items()}
        return {key: found[key] for key in wanted}

    async def close(self) -> None:
        """Waits for what this source fetches for others: its connections are to be closed next."""
        if self._own:
            await asyncio.wait(self._own)

    def _boards(self, key: str, joined: set[_Flight[T]]) -> bool:
        return self._under_way.get(key) in joined

    def _begun(self, keys: Sequence[str], fetch: Fetch[T]) -> _Flight[T]:
        async def fly() -> dict[str, T]:
            return await fetch(keys)

        task = asyncio.create_task(fly())
        flight = _Flight(task)
        self._under_way.update(dict.fromkeys(keys, flight))
        self._own.add(task)
        task.add_done_callback(lambda _: self._end(flight, keys))
        return flight

    def _end(self, flight: _Flight[T], keys: Sequence[str]) -> None:
        self._own.discard(flight.task)
        for key in keys:
            if self._under_way.get(key) is flight:
                del self._under_way[key]
