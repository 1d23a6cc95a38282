"""Stores small texts by key, with the time when each text was stored."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from octave_mcp.store.database import Database
from octave_mcp.store.statements import is_stored, is_writable, upsert
from octave_mcp.store.tables import key_values, time_text


class KeyValues(Database):
    async def put_value(self, key: str, text: str, *, run_id: str = "") -> None:
        row = {"key": key, "put_at": time_text(datetime.now(UTC)), "text": text}

        def work(db: Connection) -> None:
            if not run_id or (is_stored(db, run_id) if self.epoch is None else is_writable(db, run_id, self.epoch)):
                upsert(db, key_values, [row])

        await self._write(work)

    async def get_value(self, key: str, *, since: datetime) -> str | None:
        query = select(key_values.c.text).where(key_values.c.key == key, key_values.c.put_at >= time_text(since))
        return await self._read(lambda db: db.execute(query).scalar_one_or_none())

    async def delete_values(self, before: datetime, kind: str = "") -> None:
        old = delete(key_values).where(
            key_values.c.put_at < time_text(before), key_values.c.key.startswith(kind, autoescape=True)
        )
        await self._write(lambda db: db.execute(old))
