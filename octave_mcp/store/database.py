"""Accesses the SQLite or Postgres database. Each call runs as one transaction in a separate thread."""

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

# Size of each of the two thread pools. Readers and writers have separate pools, so that readers never queue behind
# writers that wait for a lock.
THREADS = 4
# How long a writer waits while another connection, in this or another process, writes to the same SQLite file.
BUSY_MILLISECONDS = 30_000
# If a process is suspended during a transaction, Postgres ends its session after this time, which releases its locks.
IDLE_TRANSACTION_MILLISECONDS = 30_000
# With FULL, commits survive a power failure. With NORMAL, which is usual in WAL mode, the last commits can be lost.
SYNCHRONOUS = "FULL"
# Timeout for a read, or for a write that waits to start, except in executions of runs. A write that has started has no
# timeout, because it could still be committed after an error was reported.
MAX_WAIT_SECONDS = 10.0
# If a transaction takes longer than this when the database is closed, its connection stays open until the process ends.
CLOSING_SECONDS = 0.5
TOO_SLOW = "the database takes too long to answer; run 'octave-mcp doctor' to see whether it is busy or unreachable"
# Matches common error messages of libpq and psycopg about an invalid option in the URL, because these errors have no
# exception type of their own.
WRONG_OPTION = re.compile(r"(invalid connection option|invalid \w+ value: |invalid integer value |bad value for ).*")


class Database:
    """A database with a SQLAlchemy URL.

    Examples of `url` are 'sqlite:////home/octave.db' and 'postgresql+psycopg://user:password@host/database'.
    """

    # The number (epoch) of the run's execution that uses this object, or None outside an execution. Writes by an
    # execution to its run are ignored if the run is final or if a later execution has begun.
    epoch: int | None = None
    _wait: Wait | None = None

    def __init__(self, url: str) -> None:
        self._url = url
        self._readers = ThreadPoolExecutor(THREADS, thread_name_prefix="store-reads")
        self._writers = ThreadPoolExecutor(THREADS, thread_name_prefix="store")
        self._engine: Engine | None = None
        self._file: _File | None = None

    def waiting(self, wait: Wait) -> Self:
        """Return a copy of this object that uses `wait` to repeat each call until the database is available."""
        store = copy(self)
        store._wait = wait  # noqa: SLF001 - a copy of this object
        return store

    async def open(self) -> None:
        await self._in_thread(self._writers, self._open)

    def _open(self) -> None:
        if self._engine is None:
            # The ping detects connections that the database server has closed. SQLite has no server.
            has_server = not self._url.startswith("sqlite")
            engine = create_engine(self._url, pool_size=2 * THREADS, pool_pre_ping=has_server)
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
        # Wait for transactions that are still running, because `dispose` closes only connections that are not in use.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await asyncio.to_thread(self._end_threads)
        engine, self._engine = self._engine, None
        if engine:
            await asyncio.to_thread(engine.dispose)

    def _end_threads(self) -> None:
        for threads in (self._readers, self._writers):
            threads.shutdown()

    async def _write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction. In SQLite, all other writers wait until the transaction ends."""
        return await self._call(self._writers, lambda: self._transaction(self._ready(), work))

    async def _read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a read-only transaction."""
        return await self._call(self._readers, lambda: self._transaction(self._ready(), work, reads=True))

    async def _overwrite_log(self) -> None:
        """Empty SQLite's write-ahead log, because it still contains data that was deleted from the tables."""
        engine = self._ready()
        if engine.dialect.name == "sqlite":
            checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)"
            await self._in_thread(self._writers, lambda: _outside_transactions(engine, checkpoint))

    def _ready(self) -> Engine:
        if self._engine is None:
            raise StoreFailed("the database is not open; restart the server")
        if self._file:
            self._file.check()
        return self._engine

    @staticmethod
    def _transaction(engine: Engine, work: Callable[[Connection], T], *, reads: bool = False) -> T:
        with engine.connect().execution_options(reads=reads) as connection, connection.begin():
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
                f"the database cannot be used: {cause}; run 'octave-mcp doctor' to find out what is wrong"
            ) from failed

    async def _done(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        """Run `work` in a thread.

        Raises:
            StoreFailed: If a read took longer than `MAX_WAIT_SECONDS`, or a write did not start within this time.
            There is no time limit if `epoch` is set.
        """
        begun = threading.Event()

        def begin() -> T:
            begun.set()
            return work()

        working = asyncio.get_running_loop().run_in_executor(threads, begin)
        try:
            if self.epoch is None:
                await asyncio.wait((working,), timeout=MAX_WAIT_SECONDS)
                if not working.done() and (threads is self._readers or not begun.is_set()):
                    raise StoreFailed(TOO_SLOW)
            return await working
        finally:
            # If the caller was cancelled or got an error, prevent queued work from running.
            working.cancel()


class _File(NamedTuple):
    """Identifies the opened SQLite file by its device and inode numbers.

    If the file was removed or replaced after it was opened, writes would be lost.
    """

    path: Path
    place: tuple[int, int]

    @classmethod
    def of(cls, engine: Engine) -> _File | None:
        """Return the file of the database, or None if the database is not stored in a file."""
        name = engine.url.database if engine.dialect.name == "sqlite" else None
        return cls(Path(name), _place(Path(name))) if name else None

    def check(self) -> None:
        """Check that the database file was not removed or replaced after it was opened.

        Raises:
            StoreFailed: If the file was removed or replaced.
        """
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


def _set_up_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401 - a sqlite3 connection, which SQLAlchemy does not type
    # None turns off the implicit transactions of sqlite3. They begin only at the first write, so rows that were read
    # before that write would not be locked.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
    # Without secure_delete, the content of deleted runs would remain readable in the file.
    connection.execute("PRAGMA secure_delete=ON")


def _set_up_postgres(connection: Any, _: object) -> None:  # noqa: ANN401 - a psycopg connection, which SQLAlchemy does not type
    connection.execute(f"SET idle_in_transaction_session_timeout = {IDLE_TRANSACTION_MILLISECONDS}")
    connection.commit()


def _limit_connecting(_: object, __: object, ___: object, options: dict[str, Any]) -> None:
    options.setdefault("connect_timeout", CONNECTING_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    # If another transaction is writing, BEGIN IMMEDIATE waits. After a plain BEGIN and a read, the first write would
    # fail immediately instead.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")


def _make_folder(file: str | None) -> None:
    path = Path(file or "")
    folder = path.parent
    if path.is_dir():
        raise SetupError(f"{str(path)!r} is a folder; set OCTAVE_DATABASE_URL to a file, for example in that folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failed:
        text = f"cannot write to {str(folder)!r} ({failed.strerror}); set OCTAVE_HOME to a writable folder"
        raise SetupError(text) from None
