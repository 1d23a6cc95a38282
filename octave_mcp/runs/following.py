"""The events of a run as its followers see them, whichever process executes the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

from octave_mcp.domain.events import Event
from octave_mcp.ports import Store
from octave_mcp.runs.events import EventLog

HEARTBEAT_SECONDS = 4.0
"""How long a follower waits for news before the last event is repeated."""
POLL_SECONDS = 0.25
"""How often a follower looks for news of a run that another process executes."""
RECENT = 12

OnEvent = Callable[[Event], Awaitable[None]]


class Following:
    """`logs` are those of the runs that this process executes."""

    def __init__(self, store: Store, logs: Mapping[str, EventLog]) -> None:
        self._store, self._logs = store, logs

    async def latest(self, run_id: str) -> Event | None:
        """The run's last event, with the last message."""
        found = [event for _, event in await self._store.last_events(run_id, RECENT)]
        if not found:
            return None
        message = next((event.message for event in reversed(found) if event.message), "")
        return found[-1].model_copy(update={"message": message})

    async def until_at_rest(self, run_id: str, on_event: OnEvent) -> None:
        """Passes each event on, the last again at each heartbeat, until the run is final or waits for answers."""
        seen = await self._store.last_events(run_id, 1)
        last = await self.latest(run_id)
        if last:
            await on_event(last)
        async with aclosing(self.batches(run_id, seen[-1][0] if seen else 0)) as batches:
            async for batch in batches:
                for _, event in batch:
                    if event.event == "waiting":
                        return
                    if event.event != "answered":
                        last = event
                        await on_event(event)
                if last and not batch:
                    await on_event(last)
                    if await self._is_at_rest(run_id):
                        return

    async def _is_at_rest(self, run_id: str) -> bool:
        record = await self._store.get_run(run_id)
        return record is None or record.is_at_rest

    async def batches(self, run_id: str, after: int) -> AsyncGenerator[list[tuple[int, Event]]]:
        """Numbered events as they come, and an empty batch at each heartbeat. Ends after the run's last event."""
        waited = 0.0
        while True:
            log = self._logs.get(run_id)
            news = log.news if log else None  # taken before looking, so that nothing is missed in between
            record = await self._store.get_run(run_id)
            batch = await self._store.events(run_id, after=after)
            if batch:
                last = next((at for at, (_, event) in enumerate(batch, 1) if event.event == "run_finished"), None)
                yield batch[:last]
                after, waited = batch[-1][0], 0.0
                if last is not None:
                    return
            elif record is None or record.is_final:
                return
            elif waited >= HEARTBEAT_SECONDS:
                yield []
                waited = 0.0
            waited += await _wait(news, HEARTBEAT_SECONDS if news else POLL_SECONDS)


async def _wait(news: asyncio.Event | None, seconds: float) -> float:
    """Waits for news, at most that long; returns how many seconds it waited."""
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(seconds):
            await (news.wait() if news else asyncio.sleep(seconds))
    except TimeoutError:
        pass
    return asyncio.get_running_loop().time() - began
