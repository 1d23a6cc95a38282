"""Single flight: concurrent callers that need the same key share one fetch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar
from weakref import WeakKeyDictionary

from octave_mcp.concurrency.together import together

T = TypeVar("T")

Fetch = Callable[[Sequence[str]], Awaitable[dict[str, T]]]


class _Flight(Generic[T]):
    """A fetch that is in progress. If all callers are cancelled, the fetch is cancelled, too."""

    def __init__(self, task: asyncio.Task[dict[str, T]]) -> None:
        self.task = task
        self._waiting = 0

    async def result(self) -> dict[str, T]:
        self._waiting += 1
        try:
            # Without the shield, the cancellation of one caller would cancel the fetch for all other callers.
            return await asyncio.shield(self.task)
        finally:
            self._waiting -= 1
            if not self._waiting and not self.task.done():
                self.task.cancel()
                await asyncio.wait([self.task])

    @property
    def is_joinable(self) -> bool:
        return not self.task.done() and not self.task.cancelling()


_InFlight = dict[str, _Flight[Any]]


class SingleFlight(Generic[T]):
    """The fetches that one source starts or joins.

    Sources share fetches if they have the same `scope`, which is the store that they use as a cache. A source that is
    created with `refresh` never joins a fetch of a source without `refresh`, because such a fetch can return cached
    copies.
    """

    _scopes: ClassVar[WeakKeyDictionary[object, tuple[_InFlight, _InFlight]]] = WeakKeyDictionary()

    def __init__(self, scope: object, *, refresh: bool) -> None:
        self._in_flight = self._scopes.setdefault(scope, ({}, {}))[refresh]
        self._own: set[asyncio.Task[dict[str, T]]] = set()

    async def get(self, keys: Sequence[str], fetch: Fetch[T]) -> dict[str, T]:
        """Return a value for each key.

        All keys that are not being fetched yet are passed to a single call of `fetch`.
        """
        unique = dict.fromkeys(keys)
        flights = {flight for key in unique if (flight := self._in_flight.get(key)) and flight.is_joinable}
        missing = [key for key in unique if self._in_flight.get(key) not in flights]
        if missing:
            flights.add(self._start(missing, fetch))
        results = await together(*(flight.result() for flight in flights))
        values = {key: value for result in results for key, value in result.items()}
        return {key: values[key] for key in unique}

    async def close(self) -> None:
        """Wait for the fetches that this source has started, because other sources could be waiting for them."""
        if self._own:
            await asyncio.wait(self._own)

    def _start(self, keys: Sequence[str], fetch: Fetch[T]) -> _Flight[T]:
        async def run() -> dict[str, T]:
            return await fetch(keys)

        task = asyncio.create_task(run())
        flight = _Flight(task)
        self._in_flight.update(dict.fromkeys(keys, flight))
        self._own.add(task)
        task.add_done_callback(lambda _: self._finish(flight, keys))
        return flight

    def _finish(self, flight: _Flight[T], keys: Sequence[str]) -> None:
        self._own.discard(flight.task)
        if not flight.task.cancelled():
            # If all callers have been cancelled, no caller retrieves the exception, and asyncio would log that it was
            # never retrieved.
            flight.task.exception()
        for key in keys:
            # While this flight was being cancelled, a new flight for the same key could have replaced it.
            if self._in_flight.get(key) is flight:
                del self._in_flight[key]
