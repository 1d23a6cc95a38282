"""Follows the events of a run, even if another process executes the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from octave_mcp.domain.events import Event, EventName
from octave_mcp.ports import Store
from octave_mcp.runs.notifications import Notifier

# If there is no new event for this long, the last event is repeated.
HEARTBEAT_SECONDS = 4.0
# Number of recent events that are searched for the last message, because not every event has a message.
RECENT_EVENTS = 12

# Events without a message for a person.
NOT_SHOWN = frozenset[EventName]({"answered", "fetched"})

OnEvent = Callable[[Event], Awaitable[None]]


class Following:
    def __init__(self, store: Store, notifier: Notifier) -> None:
        self._store, self._notifier = store, notifier

    async def latest(self, run_id: str) -> Event | None:
        """Return the run's latest event, or None if the run has no events.

        If the event has no message, it gets the message of the last event that has one.
        """
        recent = [event for _, event in await self._store.last_events(run_id, RECENT_EVENTS)]
        if not recent:
            return None
        message = next((event.message for event in reversed(recent) if event.message), "")
        return recent[-1].model_copy(update={"message": message})

    async def until_settled(self, run_id: str, on_event: OnEvent) -> None:
        """Pass each event to `on_event` until the run is final or waits for answers.

        If there is no new event for `HEARTBEAT_SECONDS`, pass the last event to `on_event` again.
        """
        seen = await self._store.last_events(run_id, 1)
        last = await self.latest(run_id)
        if last:
            await on_event(last)
        async with aclosing(self.batches(run_id, seen[-1][0] if seen else 0)) as batches:
            async for batch in batches:
                for _, event in batch:
                    if event.event == "waiting":
                        return
                    if event.event not in NOT_SHOWN:
                        last = event
                        await on_event(event)
                if last and not batch:
                    await on_event(last)
                    # Check the run's status as well: if the run started to wait just before this method was called, no
                    # batch contains the "waiting" event.
                    if await self._is_settled(run_id):
                        return

    async def _is_settled(self, run_id: str) -> bool:
        record = await self._store.get_run(run_id)
        return record is None or record.is_settled

    async def _is_over(self, run_id: str) -> bool:
        record = await self._store.get_run(run_id)
        return record is None or record.is_final

    async def batches(self, run_id: str, after: int) -> AsyncGenerator[list[tuple[int, Event]]]:
        """Yield the run's numbered events in batches until the run has ended.

        At each heartbeat without new events, yield an empty batch.
        """
        clock = asyncio.get_running_loop().time
        watch, beat_at = self._notifier.watch(run_id), clock() + HEARTBEAT_SECONDS
        while True:
            watch.arm()
            batch = await self._store.events(run_id, after=after)
            if not batch and await self._is_over(run_id):
                # The run can have emitted its last events after the query, but it emits no more events now.
                batch = await self._store.events(run_id, after=after)
                if not batch:
                    return
            if batch:
                last = next((at for at, (_, event) in enumerate(batch, 1) if event.event == "run_finished"), None)
                yield batch[:last]
                if last is not None:
                    return
                after, beat_at = batch[-1][0], clock() + HEARTBEAT_SECONDS
                watch.reset_interval()
            while not await watch.wait(beat_at - clock()):
                yield []
                beat_at = clock() + HEARTBEAT_SECONDS
