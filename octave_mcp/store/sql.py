"""The store on SQLAlchemy Core. Every call is one transaction, in a thread of the store's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Select,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy import update as update_rows
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from octave_mcp.computing import computed
from octave_mcp.domain.events import Event
from octave_mcp.domain.page import Page
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import FINAL, RunRecord, SessionRecord
from octave_mcp.domain.value import Value
from octave_mcp.errors import NotFound, SetupError, StoreFailed
from octave_mcp.settings import Settings
from octave_mcp.store._tables import VERSION, events, metadata, notes, pages, playbooks, runs, schema, sessions, texts

T = TypeVar("T")
V = TypeVar("V", bound=Value)

THREADS = 4
BUSY_MILLISECONDS = 30_000
"""How long a writer waits for those of other processes on the same file."""


def make(settings: Settings) -> SqlStore:
    return SqlStore(settings.url)


class SqlStore:
    """`url` is what SQLAlchemy takes: 'sqlite:////home/octave.db', 'postgresql://user:password@host/database'."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store")
        self._engine: Engine | None = None

    async def open(self) -> None:
        await self._in_thread(self._open)

    def _open(self) -> None:
        if self._engine is None:
            engine = create_engine(self._url, pool_size=THREADS, pool_pre_ping=True)
            if engine.dialect.name == "sqlite":
                _make_folder(engine.url.database)
                event.listen(engine, "connect", _set_up_sqlite)
            with engine.begin() as connection:
                _create(connection)
            self._engine = engine

    async def close(self) -> None:
        if self._engine is not None:
            await self._in_thread(self._engine.dispose)
            self._engine = None
        self._threads.shutdown(wait=False)

    async def add_run(self, record: RunRecord, *, new_session: bool) -> RunRecord:
        row = _row(record) | {"session_id": record.session_id, "request_id": record.request.request_id}

        def work(db: Connection) -> RunRecord | None:
            if new_session:
                db.execute(insert(sessions).values(session_id=record.session_id, created_at=_text(record.created_at)))
            elif not db.execute(select(sessions.c.session_id).filter_by(session_id=record.session_id)).first():
                return None
            db.execute(insert(runs).values(run_id=record.run_id, **row))
            return record

        try:
            kept = await self._do(work)
        except IntegrityError:
            kept = await self._of_request(record.request.request_id)
        if kept is None:
            raise NotFound(f"there is no session {record.session_id!r}; leave session_id out to begin one")
        return kept

    async def _of_request(self, request_id: str | None) -> RunRecord | None:
        found = await self._records(select(runs.c.record).where(runs.c.request_id == request_id))
        return found[0] if found else None

    async def update_run(self, record: RunRecord, *, events: Sequence[Event] = ()) -> bool:
        def work(db: Connection) -> bool:
            changed = db.execute(
                update_rows(runs)
                .where(runs.c.run_id == record.run_id, runs.c.status.notin_(FINAL))
                .values(_row(record))
            )
            if changed.rowcount:
                _append(db, record.run_id, events)
            return bool(changed.rowcount)

        return await self._do(work)

    async def get_run(self, run_id: str) -> RunRecord | None:
        found = await self._records(select(runs.c.record).where(runs.c.run_id == run_id))
        return found[0] if found else None

    async def runs(
        self, *, session_id: str | None = None, limit: int = 20, after: str | None = None
    ) -> list[RunRecord]:
        found = _newest_first(select(runs.c.record), runs, runs.c.run_id, limit, after)
        if session_id is not None:
            found = found.where(runs.c.session_id == session_id)
        return await self._records(found)

    async def unfinished(self) -> list[RunRecord]:
        return await self._records(select(runs.c.record).where(runs.c.status.notin_(FINAL)).order_by(runs.c.created_at))

    async def ended_before(self, when: datetime) -> list[RunRecord]:
        return await self._records(select(runs.c.record).where(runs.c.finished_at < _text(when)))

    async def _records(self, found: Select[*tuple[Any, ...]]) -> list[RunRecord]:
        rows = await self._do(lambda db: db.execute(found).scalars().all())
        return [_read(RunRecord, row) for row in rows]

    async def sessions(self, *, limit: int = 20, after: str | None = None) -> list[SessionRecord]:
        return await self._sessions(_newest_first(_with_runs(), sessions, sessions.c.session_id, limit, after))

    async def session(self, session_id: str) -> SessionRecord | None:
        found = await self._sessions(_with_runs().where(sessions.c.session_id == session_id))
        return found[0] if found else None

    async def _sessions(self, found: Select[*tuple[Any, ...]]) -> list[SessionRecord]:
        rows = await self._do(lambda db: db.execute(found).mappings().all())
        return [SessionRecord.model_validate(dict(row)) for row in rows]

    async def delete_session(self, session_id: str) -> None:
        def work(db: Connection) -> None:
            _delete_runs(db, select(runs.c.run_id).where(runs.c.session_id == session_id))
            db.execute(delete(sessions).where(sessions.c.session_id == session_id))

        await self._do(work)

    async def delete_runs(self, run_ids: Sequence[str]) -> None:
        def work(db: Connection) -> None:
            theirs = db.execute(select(runs.c.session_id).where(runs.c.run_id.in_(run_ids)).distinct()).scalars().all()
            _delete_runs(db, select(runs.c.run_id).where(runs.c.run_id.in_(run_ids)))
            others = select(runs.c.session_id)
            db.execute(delete(sessions).where(sessions.c.session_id.in_(theirs), sessions.c.session_id.notin_(others)))

        await self._do(work)

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        going = select(runs.c.run_id).where(runs.c.run_id == run_id, runs.c.status.notin_(FINAL))

        def work(db: Connection) -> None:
            if db.execute(going.with_for_update()).first():  # one after another, or two would have one number
                _append(db, run_id, events)

        await self._do(work)

    async def events(self, run_id: str, *, after: int = 0) -> list[tuple[int, Event]]:
        found = select(events.c.number, events.c.event).where(events.c.run_id == run_id, events.c.number > after)
        return await self._events(found.order_by(events.c.number))

    async def last_events(self, run_id: str, limit: int) -> list[tuple[int, Event]]:
        found = select(events.c.number, events.c.event).where(events.c.run_id == run_id)
        return (await self._events(found.order_by(events.c.number.desc()).limit(limit)))[::-1]

    async def _events(self, found: Select[*tuple[Any, ...]]) -> list[tuple[int, Event]]:
        rows = await self._do(lambda db: db.execute(found).all())
        return [(number, _read(Event, text)) for number, text in rows]

    async def put_playbook(self, run_id: str, playbook: Playbook) -> None:
        text = await computed(playbook.model_dump_json)
        await self._do(lambda db: _put(db, playbooks, {"run_id": run_id}, {"playbook": text}))

    async def get_playbook(self, run_id: str) -> Playbook | None:
        found = select(playbooks.c.playbook).where(playbooks.c.run_id == run_id)
        text = await self._do(lambda db: db.execute(found).scalar_one_or_none())
        return None if text is None else await computed(_read, Playbook, text)

    async def put_pages(self, run_id: str, pages: Sequence[Page]) -> tuple[str, ...]:
        def work(db: Connection) -> tuple[str, ...]:
            return tuple(_put_page(db, run_id, page) for page in pages)

        return await self._do(work)

    async def pages(self, run_id: str, keys: Sequence[str]) -> tuple[Page, ...]:
        found = (
            select(pages.c.key, pages.c.page, texts.c.utf8)
            .join(texts, texts.c.sha256 == pages.c.sha256)
            .where(pages.c.run_id == run_id, pages.c.key.in_(keys))
        )

        def work(db: Connection) -> dict[str, Page]:
            return {key: _page(page, utf8) for key, page, utf8 in db.execute(found)}

        kept = await self._do(work)
        return tuple(kept[key] for key in keys)

    async def page_text(self, sha256: str) -> str | None:
        found = select(texts.c.utf8).where(texts.c.sha256 == sha256)
        utf8 = await self._do(lambda db: db.execute(found).scalar_one_or_none())
        return None if utf8 is None else utf8.decode()

    async def put_note(self, key: str, text: str) -> None:
        values = {"put_at": _text(datetime.now(UTC)), "text": text}
        await self._do(lambda db: _put(db, notes, {"key": key}, values))

    async def note(self, key: str, *, since: datetime) -> str | None:
        found = select(notes.c.text).where(notes.c.key == key, notes.c.put_at >= _text(since))
        return await self._do(lambda db: db.execute(found).scalar_one_or_none())

    async def _do(self, work: Callable[[Connection], T]) -> T:
        engine = self._engine
        if engine is None:
            raise StoreFailed("the database is not open; start the server again")

        def transaction() -> T:
            with engine.begin() as connection:
                return work(connection)

        try:
            return await self._in_thread(transaction)
        except IntegrityError:  # another process put the same row: now it is there to be found
            return await self._in_thread(transaction)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except IntegrityError:
            raise
        except SQLAlchemyError as failed:
            cause = str(getattr(failed, "orig", None) or type(failed).__name__).splitlines()[0]
            raise StoreFailed(
                f"the database cannot be used: {cause}; 'octave-mcp doctor' says what is wrong with it"
            ) from failed


def _read(kind: type[V], text: str) -> V:
    """The value as it was kept.

    Raises:
        StoreFailed: it is of another version, or was changed by something else.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError as failed:
        where = "; ".join(".".join(map(str, error["loc"])) for error in failed.errors(include_input=False)[:3])
        raise StoreFailed(
            f"what the database keeps as a {kind.__name__} cannot be read ({where}); was it written by another version?"
        ) from None


def _set_up_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401 - sqlite3's, by way of SQLAlchemy
    connection.isolation_level = "IMMEDIATE"
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _make_folder(file: str | None) -> None:
    folder = Path(file or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failed:
        text = f"cannot write to {str(folder)!r} ({failed.strerror}); set OCTAVE_HOME to a folder that can be written"
        raise SetupError(text) from None


def _create(db: Connection) -> None:
    """The tables that are missing, once: where two processes begin at the same time, one waits for the other."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        db.execute(select(func.pg_advisory_xact_lock(0x0C7A7E)))
    metadata.create_all(db)
    version = db.execute(select(func.max(schema.c.version))).scalar()
    if version is None:
        db.execute(insert(schema).values(version=VERSION))
    elif version > VERSION:
        raise StoreFailed(
            f"the database was written by a newer octave-mcp (tables of version {version}, here {VERSION} is known); "
            "upgrade, or set OCTAVE_DATABASE_URL or OCTAVE_HOME to another place"
        )


def _row(record: RunRecord) -> dict[str, Any]:
    return {
        "status": record.status,
        "created_at": _text(record.created_at),
        "finished_at": _text(record.finished_at) if record.finished_at else None,
        "record": record.model_dump_json(),
    }


def _text(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _with_runs() -> Select[*tuple[Any, ...]]:
    """Sessions with the number of their runs, and when the last was asked for."""
    own = runs.c.session_id == sessions.c.session_id
    count = select(func.count()).select_from(runs).where(own).scalar_subquery()
    last = select(func.max(runs.c.created_at)).where(own).scalar_subquery()
    return select(
        sessions.c.session_id,
        sessions.c.created_at,
        func.coalesce(last, sessions.c.created_at).label("last_at"),
        count.label("runs"),
    )


def _newest_first(
    found: Select[*tuple[Any, ...]], table: Table, id_: Column[Any], limit: int, after: str | None
) -> Select[*tuple[Any, ...]]:
    found = found.order_by(table.c.created_at.desc(), id_.desc()).limit(limit)
    if after is None:
        return found
    seen = select(table.c.created_at).where(id_ == after).scalar_subquery()
    return found.where((table.c.created_at < seen) | ((table.c.created_at == seen) & (id_ < after)))


def _append(db: Connection, run_id: str, added: Sequence[Event]) -> None:
    """One statement an event: its number is found and taken at once."""
    for one in added:
        last = select(func.coalesce(func.max(events.c.number), 0) + 1).where(events.c.run_id == run_id)
        row = select(literal(run_id), last.scalar_subquery(), literal(one.model_dump_json()))
        db.execute(insert(events).from_select(["run_id", "number", "event"], row))


def _put(db: Connection, table: Table, key: dict[str, str], values: dict[str, Any]) -> None:
    if not db.execute(update_rows(table).filter_by(**key).values(values)).rowcount:
        db.execute(insert(table).values(**key, **values))


def _put_page(db: Connection, run_id: str, page: Page) -> str:
    """The key of the page: the digest of all that is said of it."""
    sha, body = page.ref.sha256, page.model_dump_json(exclude={"text"})
    key = sha256(body.encode()).hexdigest()
    if not db.execute(select(texts.c.sha256).where(texts.c.sha256 == sha)).first():
        db.execute(insert(texts).values(sha256=sha, utf8=page.text.encode()))
    _put(db, pages, {"run_id": run_id, "key": key}, {"sha256": sha, "page": body})
    return key


def _page(body: str, utf8: bytes) -> Page:
    return _read(Page, json.dumps(json.loads(body) | {"text": utf8.decode()}))


def _delete_runs(db: Connection, ids: Select[*tuple[Any, ...]]) -> None:
    for table in (events, playbooks, pages, runs):
        db.execute(delete(table).where(table.c.run_id.in_(ids)))
    db.execute(delete(texts).where(texts.c.sha256.notin_(select(pages.c.sha256))))
