"""The database: SQLite or Postgres. Every call is one transaction, in a thread of the store's own."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from copy import copy
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from octave_mcp.domain.database_url import CONNECTING_SECONDS
from octave_mcp.errors import SetupError, StoreFailed
from octave_mcp.ports.stores import Wait
from octave_mcp.store.migrations import prepare

T = TypeVar("T")

# For reading, and as many for writing: what only reads does not wait behind writers that wait for a lock.
THREADS = 4
# How long a writer waits for those of other processes on the same file.
BUSY_MILLISECONDS = 30_000
# How long a process suspended in a transaction keeps its locks on the rows of Postgres.
IDLE_MILLISECONDS = 30_000
# What is committed outlasts a power failure, too.
SYNCHRONOUS = "FULL"
# How long a caller waits for what it reads, or for what it writes to begin. What has begun to be written may be
# stored yet: that is waited for.
SLOWEST_SECONDS = 10.0
TOO_SLOW = "the database takes too long to answer; 'octave-mcp doctor' says whether it is busy or cannot be reached"
# What libpq and psycopg say of an option in the URL. Neither has an error of its own for it.
WRONG_OPTION = re.compile(r"(invalid connection option|invalid \w+ value: |invalid integer value |bad value for ).*")


class Database:
    """`url` is what SQLAlchemy takes: 'sqlite:////home/octave.db', 'postgresql+psycopg://user:password@host/database'."""

    epoch: int | None = None
    """Of the execution that writes: what it writes is ignored once the run is final, or executed by another."""
    _wait: Wait | None = None

    def __init__(self, url: str) -> None:
        self._url = url
        self._readers = ThreadPoolExecutor(THREADS, thread_name_prefix="store-reads")
        self._writers = ThreadPoolExecutor(THREADS, thread_name_prefix="store")
        self._engine: Engine | None = None
        self._file: _File | None = None

    def waiting(self, wait: Wait) -> Self:
        """This store, each of whose calls is handed to `wait`, which makes it until the database can be used."""
        store = copy(self)
        store._wait = wait  # noqa: SLF001 - its own
        return store

    async def open(self) -> None:
        await self._in_thread(self._writers, self._open)

    def _open(self) -> None:
        if self._engine is None:
            engine = create_engine(self._url, pool_size=2 * THREADS, pool_pre_ping=True)
            if engine.dialect.name == "sqlite":
                _make_folder(engine.url.database)
                event.listen(engine, "connect", _set_up_sqlite)
                event.listen(engine, "begin", _begin_sqlite)
            else:
                event.listen(engine, "connect", _set_up_postgres)
                event.listen(engine, "do_connect", _limit_connecting)
            with ExitStack() as stack:
                stack.callback(engine.dispose)
                with engine.begin() as connection:
                    prepare(connection)
                stack.pop_all()
            self._engine, self._file = engine, _File.of(engine)

    async def close(self) -> None:
        if self._engine is not None:
            await self._in_thread(self._writers, self._engine.dispose)
            self._engine = None
        for threads in (self._readers, self._writers):
            threads.shutdown(wait=False)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        """What the work returns, in a transaction; in SQLite, one that excludes other writers from its beginning."""
        return await self._call(self._writers, lambda: self._transaction(self._ready(), work))

    async def _read(self, work: Callable[[Connection], T]) -> T:
        """What the work returns, which only reads."""
        reads = {"reads": True}
        return await self._call(
            self._readers, lambda: self._transaction(self._ready().execution_options(**reads), work)
        )

    async def _overwrite_log(self) -> None:
        """Empties the write-ahead log of SQLite: until then it has what was deleted from the tables."""
        engine = self._ready()
        if engine.dialect.name == "sqlite":
            checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)"
            await self._in_thread(self._writers, lambda: _outside_transactions(engine, checkpoint))

    def _ready(self) -> Engine:
        if self._engine is None:
            raise StoreFailed("the database is not open; start the server again")
        if self._file:
            self._file.check()
        return self._engine

    @staticmethod
    def _transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
        with engine.begin() as connection:
            return work(connection)

    async def _call(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._wait:
            return await self._wait(lambda: self._in_thread(threads, work))
        return await self._in_thread(threads, work)

    async def _in_thread(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            return await self._done(threads, work)
        except SQLAlchemyError as failed:
            cause = str(getattr(failed, "orig", None) or type(failed).__name__).splitlines()[0]
            if option := WRONG_OPTION.search(cause):
                raise SetupError(
                    f"OCTAVE_DATABASE_URL: {option[0]}; correct or remove this option in the URL"
                ) from None
            raise StoreFailed(
                f"the database cannot be used: {cause}; 'octave-mcp doctor' says what is wrong with it"
            ) from failed

    async def _done(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        """What the work returns; in time, unless it is that of a run, which has all the time of a slow database."""
        begun = threading.Event()

        def begin() -> T:
            begun.set()
            return work()

        working = asyncio.get_running_loop().run_in_executor(threads, begin)
        try:
            if self.epoch is None:
                await asyncio.wait((working,), timeout=SLOWEST_SECONDS)
                if not working.done() and (threads is self._readers or not begun.is_set()):
                    raise StoreFailed(TOO_SLOW)
            return await working
        finally:
            working.cancel()


class _File(NamedTuple):
    """The file of SQLite as it was opened: what is written to one that was removed or replaced would be lost."""

    path: Path
    place: tuple[int, int]

    @classmethod
    def of(cls, engine: Engine) -> _File | None:
        """None for a database that is no file."""
        name = engine.url.database if engine.dialect.name == "sqlite" else None
        return cls(Path(name), _place(Path(name))) if name else None

    def check(self) -> None:
        """Raises: StoreFailed: the path leads to another file, or to none."""
        with suppress(OSError):
            if _place(self.path) == self.place:
                return
        raise StoreFailed(
            f"{self.path} has been removed or replaced since it was opened; put it back, or restart the server"
        )


def _place(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _outside_transactions(engine: Engine, statement: str) -> None:
    with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(statement)


def _set_up_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401 - sqlite3's, by way of SQLAlchemy
    connection.isolation_level = None  # it would begin a transaction at the first write, behind what was read
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
    connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten


def _set_up_postgres(connection: Any, _: object) -> None:  # noqa: ANN401 - psycopg's, by way of SQLAlchemy
    connection.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MILLISECONDS}")
    connection.commit()


def _limit_connecting(_: object, __: object, ___: object, options: dict[str, Any]) -> None:
    options.setdefault("connect_timeout", CONNECTING_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")


def _make_folder(file: str | None) -> None:
    path = Path(file or "")
    folder = path.parent
    if path.is_dir():
        raise SetupError(f"{str(path)!r} is a folder; set OCTAVE_DATABASE_URL to a file in it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failed:
        text = f"cannot write to {str(folder)!r} ({failed.strerror}); set OCTAVE_HOME to a folder that can be written"
        raise SetupError(text) from None
