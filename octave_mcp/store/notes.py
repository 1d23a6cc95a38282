"""Notes: small texts by key, with the time they were put."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from octave_mcp.store.database import Database
from octave_mcp.store.statements import is_there, is_writable, upsert
from octave_mcp.store.tables import notes, time_text


class Notes(Database):
    async def put_note(self, key: str, text: str, *, run_id: str = "") -> None:
        values = {"put_at": time_text(datetime.now(UTC)), "text": text}

        def work(db: Connection) -> None:
            if not run_id or (is_there(db, run_id) if self.epoch is None else is_writable(db, run_id, self.epoch)):
                upsert(db, notes, {"key": key}, values)

        await self._write(work)

    async def note(self, key: str, *, since: datetime) -> str | None:
        found = select(notes.c.text).where(notes.c.key == key, notes.c.put_at >= time_text(since))
        return await self._read(lambda db: db.execute(found).scalar_one_or_none())

    async def delete_notes(self, before: datetime, kind: str = "") -> None:
        old = delete(notes).where(notes.c.put_at < time_text(before), notes.c.key.startswith(kind, autoescape=True))
        await self._write(lambda db: db.execute(old))
