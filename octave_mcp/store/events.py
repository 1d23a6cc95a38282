"""Stores the events of runs. The events of each run are numbered from 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, String, bindparam, func, insert, select

from octave_mcp.domain.events import Event
from octave_mcp.store.database import Database
from octave_mcp.store.statements import is_writable, readable
from octave_mcp.store.tables import events

NUMBERED = select(events.c.number, events.c.event).where(events.c.run_id == bindparam("run"))
AFTER = NUMBERED.where(events.c.number > bindparam("after")).order_by(events.c.number)
NEXT_NUMBER = select(func.coalesce(func.max(events.c.number), 0) + 1).where(events.c.run_id == bindparam("run"))
APPEND = insert(events).from_select(
    ["run_id", "number", "event"],
    select(bindparam("run", type_=String), NEXT_NUMBER.scalar_subquery(), bindparam("body", type_=String)),
)


class Events(Database):
    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        def work(db: Connection) -> None:
            if is_writable(db, run_id, self.epoch):
                append_events(db, run_id, events)

        await self._write(work)

    async def events(self, run_id: str, *, after: int = 0) -> list[tuple[int, Event]]:
        return await self._events(AFTER, run=run_id, after=after)

    async def last_events(self, run_id: str, limit: int) -> list[tuple[int, Event]]:
        return (await self._events(NUMBERED.order_by(events.c.number.desc()).limit(limit), run=run_id))[::-1]

    async def _events(self, found: Select[*tuple[Any, ...]], **given: Any) -> list[tuple[int, Event]]:  # noqa: ANN401
        rows = await self._read(lambda db: db.execute(found, given).all())
        return [(number, event) for number, text in rows for event in readable(Event, [text])]


def append_events(db: Connection, run_id: str, added: Sequence[Event]) -> None:
    # Two writers cannot use the same number, because every writer locks the row of the run first.
    if added:
        db.execute(APPEND, [{"run": run_id, "body": event.model_dump_json()} for event in added])
