"""Runs and sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, func, insert, select, update

from octave_mcp.domain.events import Event
from octave_mcp.domain.run import EVERY_RUN, RunFilter, RunRecord, SessionRecord
from octave_mcp.errors import NotFound
from octave_mcp.store.database import Database
from octave_mcp.store.events import append_events
from octave_mcp.store.page_cache import delete_unused
from octave_mcp.store.statements import UNFINISHED, is_latest, lock_texts, newest_first, parsed, readable
from octave_mcp.store.tables import (
    events,
    key_values,
    losses,
    pages,
    questions,
    runs,
    sessions,
    shares,
    steps,
    texts,
    time_text,
    uses,
    versions,
)

# Length of a run id: "run_" and 32 hex digits. Cached answers and cached research start with the id of the run that
# stored them, so that deleting the run also deletes them.
RUN_ID_CHARACTERS = 36

RECORD = select(runs.c.record).where(runs.c.run_id == bindparam("run_id"))


class Runs(Database):
    async def add_run(self, record: RunRecord, *, new_session: bool) -> RunRecord:
        row = _row(record) | {"session_id": record.session_id, "request_id": record.request.request_id}

        def work(db: Connection) -> RunRecord | None:
            if (known := _of_request(db, record.request.request_id)) is not None:
                return known
            if new_session:
                db.execute(
                    insert(sessions).values(session_id=record.session_id, created_at=time_text(record.created_at))
                )
            elif not db.execute(select(sessions.c.session_id).filter_by(session_id=record.session_id)).first():
                return None
            db.execute(insert(runs).values(run_id=record.run_id, **row))
            return record

        stored = await self._write(work)
        if stored is None:
            raise NotFound(f"there is no session {record.session_id!r}; omit session_id to start a new one")
        return stored

    async def update_run(self, record: RunRecord, *, events: Sequence[Event] = ()) -> bool:
        def work(db: Connection) -> bool:
            unfinished = update(runs).where(runs.c.run_id == record.run_id, UNFINISHED, is_latest(self.epoch))
            changed = db.execute(unfinished.values(_row(record)))
            if changed.rowcount:
                append_events(db, record.run_id, events)
            return bool(changed.rowcount)

        return await self._write(work)

    async def get_run(self, run_id: str) -> RunRecord | None:
        found = await self._records(RECORD, run_id=run_id)
        return found[0] if found else None

    async def run_of_request(self, request_id: str) -> RunRecord | None:
        found = await self._records(select(runs.c.record).where(runs.c.request_id == request_id))
        return found[0] if found else None

    async def runs(
        self,
        *,
        session_id: str | None = None,
        limit: int = 20,
        after: str | None = None,
        only: RunFilter = EVERY_RUN,
    ) -> list[RunRecord]:
        found = newest_first(select(runs.c.record), runs, runs.c.run_id, limit, after).where(*_conditions(only))
        if session_id is not None:
            found = found.where(runs.c.session_id == session_id)
        return await self._records(found)

    async def unfinished(self) -> list[RunRecord]:
        return await self._readable(select(runs.c.record).where(UNFINISHED).order_by(runs.c.created_at))

    async def ended_before(self, when: datetime) -> list[RunRecord]:
        newer = select(versions.c.run_id).where(versions.c.made_at >= time_text(when))
        old = (runs.c.finished_at < time_text(when)) & runs.c.run_id.notin_(newer)
        return await self._readable(select(runs.c.record).where(old))

    async def _readable(self, found: Select[*tuple[Any, ...]]) -> list[RunRecord]:
        """Return the records that can be parsed.

        Skip records that cannot be parsed, because a record from another release must not prevent the server from
        starting.
        """
        return [*readable(RunRecord, await self._read(lambda db: db.execute(found).scalars().all()))]

    async def _records(self, found: Select[*tuple[Any, ...]], **given: str) -> list[RunRecord]:
        rows = await self._read(lambda db: db.execute(found, given).scalars().all())
        return [parsed(RunRecord, row) for row in rows]

    async def delete_runs(self, run_ids: Sequence[str]) -> None:
        def work(db: Connection) -> None:
            affected = (
                db.execute(select(runs.c.session_id).where(runs.c.run_id.in_(run_ids)).distinct()).scalars().all()
            )
            _delete_runs(db, select(runs.c.run_id).where(runs.c.run_id.in_(run_ids)))
            others = select(runs.c.session_id)
            db.execute(
                delete(sessions).where(sessions.c.session_id.in_(affected), sessions.c.session_id.notin_(others))
            )

        await self._write(work)
        await self._overwrite_log()

    async def sessions(self, *, limit: int = 20, after: str | None = None) -> list[SessionRecord]:
        return await self._sessions(newest_first(_with_runs(), sessions, sessions.c.session_id, limit, after))

    async def session(self, session_id: str) -> SessionRecord | None:
        found = await self._sessions(_with_runs().where(sessions.c.session_id == session_id))
        return found[0] if found else None

    async def _sessions(self, found: Select[*tuple[Any, ...]]) -> list[SessionRecord]:
        rows = await self._read(lambda db: db.execute(found).mappings().all())
        return [SessionRecord.model_validate(dict(row)) for row in rows]

    async def delete_session(self, session_id: str) -> None:
        def work(db: Connection) -> None:
            _delete_runs(db, select(runs.c.run_id).where(runs.c.session_id == session_id))
            db.execute(delete(sessions).where(sessions.c.session_id == session_id))

        await self._write(work)
        await self._overwrite_log()


def _conditions(only: RunFilter) -> Iterator[ColumnElement[bool]]:
    if only.company is not None:
        part = only.company.lower()
        yield runs.c.vendor.contains(part, autoescape=True) | runs.c.prospect.contains(part, autoescape=True)
    if only.status is not None:
        yield runs.c.status == only.status
    if only.since is not None:
        yield runs.c.created_at >= time_text(only.since)
    if only.until is not None:
        yield runs.c.created_at < time_text(only.until)


def _row(record: RunRecord) -> dict[str, Any]:
    return {
        "status": record.status,
        "created_at": time_text(record.created_at),
        "finished_at": time_text(record.finished_at) if record.finished_at else None,
        "record": record.model_dump_json(),
        "vendor": record.request.vendor.lower(),
        "prospect": record.request.prospect.lower(),
    }


def _of_request(db: Connection, request_id: str | None) -> RunRecord | None:
    if request_id is None:
        return None
    # On Postgres, a second request with the same `request_id` waits here. It then finds the run that the first has
    # added.
    if db.dialect.name != "sqlite":
        db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(request_id, 0))))
    text = db.execute(select(runs.c.record).where(runs.c.request_id == request_id)).scalar_one_or_none()
    return None if text is None else parsed(RunRecord, text)


def _with_runs() -> Select[*tuple[Any, ...]]:
    """Select sessions, with the number of runs and the time of the newest run of each session."""
    own = runs.c.session_id == sessions.c.session_id
    count = select(func.count()).select_from(runs).where(own).scalar_subquery()
    last = select(func.max(runs.c.created_at)).where(own).scalar_subquery()
    return select(
        sessions.c.session_id,
        sessions.c.created_at,
        func.coalesce(last, sessions.c.created_at).label("last_at"),
        count.label("runs"),
    )


def _delete_runs(db: Connection, ids: Select[*tuple[Any, ...]]) -> None:
    lock_texts(db, exclusive=True)
    # Writers that add data to a run lock the run's row. Lock the same rows, to wait until writers that have started are
    # done. Later writers find that the run is deleted.
    db.execute(ids.order_by(runs.c.run_id).with_for_update())
    db.execute(delete(key_values).where(func.substr(key_values.c.text, 1, RUN_ID_CHARACTERS).in_(ids)))
    for table in (steps, events, questions, losses, versions, shares, pages, uses, runs):
        db.execute(delete(table).where(table.c.run_id.in_(ids)))
    db.execute(delete(texts).where(texts.c.sha256.notin_(select(pages.c.sha256))))
    delete_unused(db)
