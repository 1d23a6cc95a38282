"""The store on SQLAlchemy Core. Every call is one transaction, in a thread of the store's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

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
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.events import Event
from octave_mcp.domain.page import Copy, Page
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import FINAL, RunRecord, SessionRecord
from octave_mcp.domain.value import Value
from octave_mcp.errors import NotFound, SetupError, StoreFailed
from octave_mcp.settings import Settings
from octave_mcp.store import _copies
from octave_mcp.store._questions import Questions
from octave_mcp.store._tables import (
    VERSION,
    events,
    metadata,
    notes,
    pages,
    playbooks,
    questions,
    runs,
    schema,
    sessions,
    texts,
    time_text,
)

T = TypeVar("T")
V = TypeVar("V", bound=Value)

THREADS = 4
RUN_ID_CHARACTERS = 36
TEXTS_LOCK = 0x7E47
BUSY_MILLISECONDS = 30_000
"""How long a writer waits for those of other processes on the same file."""


def make(settings: Settings) -> SqlStore:
    return SqlStore(settings.url)


class SqlStore(Questions):
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
                event.listen(engine, "begin", _begin_sqlite)
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

        kept = await self._do(work)
        if kept is None:
            raise NotFound(f"there is no session {record.session_id!r}; leave session_id out to begin one")
        return kept

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
        return await self._records(select(runs.c.record).where(runs.c.finished_at < time_text(when)))

    async def _records(self, found: Select[*tuple[Any, ...]]) -> list[RunRecord]:
        rows = await self._look(lambda db: db.execute(found).scalars().all())
        return [_read(RunRecord, row) for row in rows]

    async def sessions(self, *, limit: int = 20, after: str | None = None) -> list[SessionRecord]:
        return await self._sessions(_newest_first(_with_runs(), sessions, sessions.c.session_id, limit, after))

    async def session(self, session_id: str) -> SessionRecord | None:
        found = await self._sessions(_with_runs().where(sessions.c.session_id == session_id))
        return found[0] if found else None

    async def _sessions(self, found: Select[*tuple[Any, ...]]) -> list[SessionRecord]:
        rows = await self._look(lambda db: db.execute(found).mappings().all())
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
        def work(db: Connection) -> None:
            if _is_going(db, run_id):
                _append(db, run_id, events)

        await self._do(work)

    async def events(self, run_id: str, *, after: int = 0) -> list[tuple[int, Event]]:
        found = select(events.c.number, events.c.event).where(events.c.run_id == run_id, events.c.number > after)
        return await self._events(found.order_by(events.c.number))

    async def last_events(self, run_id: str, limit: int) -> list[tuple[int, Event]]:
        found = select(events.c.number, events.c.event).where(events.c.run_id == run_id)
        return (await self._events(found.order_by(events.c.number.desc()).limit(limit)))[::-1]

    async def _events(self, found: Select[*tuple[Any, ...]]) -> list[tuple[int, Event]]:
        rows = await self._look(lambda db: db.execute(found).all())
        return [(number, _read(Event, text)) for number, text in rows]

    async def put_playbook(self, run_id: str, playbook: Playbook) -> None:
        text = await computed(playbook.model_dump_json)

        def work(db: Connection) -> None:
            if _is_going(db, run_id):
                _put(db, playbooks, {"run_id": run_id}, {"playbook": text})

        await self._do(work)

    async def get_playbook(self, run_id: str) -> Playbook | None:
        found = select(playbooks.c.playbook).where(playbooks.c.run_id == run_id)
        text = await self._look(lambda db: db.execute(found).scalar_one_or_none())
        return None if text is None else await computed(_read, Playbook, text)

    async def put_pages(self, run_id: str, pages: Sequence[Page]) -> tuple[str, ...]:
        def work(db: Connection) -> tuple[str, ...]:
            rows = [_row_of(page) for page in pages]
            if _is_going(db, run_id):
                _put_pages(db, run_id, rows)
            return tuple(row.key for row in rows)

        return await self._do(work)

    async def pages(self, run_id: str, keys: Sequence[str]) -> tuple[Page, ...]:
        found = (
            select(pages.c.key, pages.c.page, texts.c.utf8)
            .join(texts, texts.c.sha256 == pages.c.sha256)
            .where(pages.c.run_id == run_id, pages.c.key.in_(keys))
        )

        def work(db: Connection) -> dict[str, Page]:
            return {key: _page(page, utf8) for key, page, utf8 in db.execute(found)}

        kept = await self._look(work)
        return tuple(kept[key] for key in keys)

    async def copy_pages(self, from_run: str, to_run: str, sha256s: Collection[str]) -> bool:
        theirs = select(literal(to_run), pages.c.key, pages.c.sha256, pages.c.page).where(
            pages.c.run_id == from_run, pages.c.sha256.in_(sha256s)
        )

        def work(db: Connection) -> bool:
            _lock_texts(db, alone=False)
            found = set(db.execute(select(theirs.subquery().c.sha256)).scalars())
            if found != {*sha256s} or not _is_going(db, to_run):
                return False
            kept = select(pages.c.key).where(pages.c.run_id == to_run)
            db.execute(
                insert(pages).from_select(["run_id", "key", "sha256", "page"], theirs.where(pages.c.key.notin_(kept)))
            )
            return True

        return await self._do(work)

    async def page_text(self, sha256: str) -> str | None:
        found = select(texts.c.utf8).where(texts.c.sha256 == sha256)
        utf8 = await self._look(lambda db: db.execute(found).scalar_one_or_none())
        return None if utf8 is None else utf8.decode()

    async def put_note(self, key: str, text: str) -> None:
        values = {"put_at": time_text(datetime.now(UTC)), "text": text}
        await self._do(lambda db: _put(db, notes, {"key": key}, values))

    async def note(self, key: str, *, since: datetime) -> str | None:
        found = select(notes.c.text).where(notes.c.key == key, notes.c.put_at >= time_text(since))
        return await self._look(lambda db: db.execute(found).scalar_one_or_none())

    async def delete_notes(self, before: datetime, kind: str = "") -> None:
        old = delete(notes).where(notes.c.put_at < time_text(before), notes.c.key.startswith(kind, autoescape=True))
        await self._do(lambda db: db.execute(old))

    async def copies(self, keys: Sequence[str]) -> dict[str, Copy]:
        bodies = await self._look(lambda db: _copies.bodies(db, keys))
        return await computed(lambda: {key: _copies.unpacked(body) for key, body in bodies.items()})

    async def lease(self, keys: Sequence[str], owner: str, *, seconds: float) -> frozenset[str]:
        return await self._do(lambda db: _copies.take(db, keys, owner, seconds))

    async def keep_copies(self, copies: Mapping[str, Copy], *, owner: str, leased: Sequence[str]) -> None:
        rows = await computed(_copies.packed, copies)

        def work(db: Connection) -> None:
            _copies.put(db, rows)
            _copies.give_up(db, leased, owner)

        await self._do(work)

    async def _do(self, work: Callable[[Connection], T]) -> T:
        """What the work returns, in a transaction that others write before or after, not meanwhile."""
        return await self._in_thread(lambda: self._transaction(self._ready(), work))

    async def _look(self, work: Callable[[Connection], T]) -> T:
        """What the work returns, which only reads."""
        return await self._in_thread(lambda: self._transaction(self._ready().execution_options(reads=True), work))

    def _ready(self) -> Engine:
        if self._engine is None:
            raise StoreFailed("the database is not open; start the server again")
        return self._engine

    @staticmethod
    def _transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
        with engine.begin() as connection:
            return work(connection)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
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
    connection.isolation_level = None  # it would begin a transaction at the first write, behind what was read
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")


def _make_folder(file: str | None) -> None:
    folder = Path(file or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failed:
        text = f"cannot write to {str(folder)!r} ({failed.strerror}); set OCTAVE_HOME to a folder that can be written"
        raise SetupError(text) from None


def _create(db: Connection) -> None:
    """The tables that are missing, once: where two processes begin at the same time, one waits for the other."""
    if db.dialect.name != "sqlite":
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
        "created_at": time_text(record.created_at),
        "finished_at": time_text(record.finished_at) if record.finished_at else None,
        "record": record.model_dump_json(),
    }


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


def _is_going(db: Connection, run_id: str) -> bool:
    """Whether the run is there and not final; until the end of the transaction, nobody else changes that."""
    going = select(runs.c.run_id).where(runs.c.run_id == run_id, runs.c.status.notin_(FINAL))
    return db.execute(going.with_for_update()).first() is not None


def _of_request(db: Connection, request_id: str | None) -> RunRecord | None:
    """The run that has this request_id; in Postgres, nobody else adds one with it before the transaction ends."""
    if request_id is None:
        return None
    if db.dialect.name != "sqlite":
        db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(request_id, 0))))
    text = db.execute(select(runs.c.record).where(runs.c.request_id == request_id)).scalar_one_or_none()
    return None if text is None else _read(RunRecord, text)


def _lock_texts(db: Connection, *, alone: bool) -> None:
    """Keeps who collects unused texts and who refers to them apart; SQLite has one writer at a time anyway."""
    if db.dialect.name != "sqlite":
        lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
        db.execute(select(lock(TEXTS_LOCK)))


def _put(db: Connection, table: Table, key: dict[str, str], values: dict[str, Any]) -> None:
    """A row with that key, whoever put it first."""
    make = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    row = make(table).values(**key, **values)
    db.execute(row.on_conflict_do_update(index_elements=list(key), set_=values))


class _Row(NamedTuple):
    """A page in the parts in which it is kept; `key` is the digest of all that is said of it."""

    key: str
    sha256: str
    body: str
    utf8: bytes


def _row_of(page: Page) -> _Row:
    body = page.model_dump_json(exclude={"text"})
    return _Row(sha256(body.encode()).hexdigest(), page.ref.sha256, body, page.text.encode())


def _put_pages(db: Connection, run_id: str, rows: Sequence[_Row]) -> None:
    """In one order, since two who lock the same texts in another would wait for each other."""
    _lock_texts(db, alone=False)
    for row in sorted(rows, key=lambda row: row.sha256):
        _put(db, texts, {"sha256": row.sha256}, {"utf8": row.utf8})
        _put(db, pages, {"run_id": run_id, "key": row.key}, {"sha256": row.sha256, "page": row.body})


def _page(body: str, utf8: bytes) -> Page:
    return _read(Page, json.dumps(json.loads(body) | {"text": utf8.decode()}))


def _delete_runs(db: Connection, ids: Select[*tuple[Any, ...]]) -> None:
    _lock_texts(db, alone=True)
    db.execute(delete(notes).where(func.substr(notes.c.text, 1, RUN_ID_CHARACTERS).in_(ids)))
    for table in (events, questions, playbooks, pages, runs):
        db.execute(delete(table).where(table.c.run_id.in_(ids)))
    db.execute(delete(texts).where(texts.c.sha256.notin_(select(pages.c.sha256))))
