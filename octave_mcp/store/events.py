"""Stores the events of runs. The events of each run are numbered from 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, insert, literal, select

from octave_mcp.domain.events import Event
from octave_mcp.store.database import Database
from octave_mcp.store.statements import is_writable, readable
from octave_mcp.store.tables import events


class Events(Database):
    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        def work(db: Connection) -> None:
            if is_writable(db, run_id, self.epoch):
                append_events(db, run_id, events)

        await self._write(work)

    async def events(self, run_id: str, *, after: int = 0) -> list[tuple[int, Event]]:
        found = select(events.c.number, events.c.event).where(events.c.run_id == run_id, events.c.number > after)
        return await self._events(found.order_by(events.c.number))

    async def last_events(self, run_id: str, limit: int) -> list[tuple[int, Event]]:
        found = select(events.c.number, events.c.event).where(events.c.run_id == run_id)
        return (await self._events(found.order_by(events.c.number.desc()).limit(limit)))[::-1]

    async def _events(self, found: Select[*tuple[Any, ...]]) -> list[tuple[int, Event]]:
        rows = await self._read(lambda db: db.execute(found).all())
        return [(number, event) for number, text in rows for event in readable(Event, [text])]


def append_events(db: Connection, run_id: str, added: Sequence[Event]) -> None:
    for event in added:
        # Two writers cannot use the same number, because every writer locks the row of the run first.
        last = select(func.coalesce(func.max(events.c.number), 0) + 1).where(events.c.run_id == run_id)
        row = select(literal(run_id), last.scalar_subquery(), literal(event.model_dump_json()))
        db.execute(insert(events).from_select(["run_id", "number", "event"], row))
