"""The database: SQLite or Postgres. Every call is one transaction, in a thread of the store's own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from octave_mcp.errors import SetupError, StoreFailed
from octave_mcp.store.migrations import prepare

T = TypeVar("T")

THREADS = 4
BUSY_MILLISECONDS = 30_000
"""How long a writer waits for those of other processes on the same file."""
IDLE_MILLISECONDS = 30_000
"""How long a process that was stopped in a transaction keeps its locks on the rows of Postgres."""
WRONG_OPTION = re.compile(r"(invalid connection option|invalid \w+ value: |invalid integer value |bad value for ).*")
"""What libpq and psycopg say of an option in the URL. Neither has an error of its own for it."""


class Database:
    """`url` is what SQLAlchemy takes: 'sqlite:////home/octave.db', 'postgresql+psycopg://user:password@host/database'."""

    epoch: int | None = None
    """Of the execution that writes: what it writes is ignored once the run is final, or executed by another."""

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
            else:
                event.listen(engine, "connect", _set_up_postgres)
            with ExitStack() as stack:
                stack.callback(engine.dispose)
                with engine.begin() as connection:
                    prepare(connection)
                stack.pop_all()
            self._engine = engine

    async def close(self) -> None:
        if self._engine is not None:
            await self._in_thread(self._engine.dispose)
            self._engine = None
        self._threads.shutdown(wait=False)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        """What the work returns, in a transaction; in SQLite, one that excludes other writers from its beginning."""
        return await self._in_thread(lambda: self._transaction(self._ready(), work))

    async def _read(self, work: Callable[[Connection], T]) -> T:
        """What the work returns, which only reads."""
        return await self._in_thread(lambda: self._transaction(self._ready().execution_options(reads=True), work))

    async def _overwrite_log(self) -> None:
        """Empties the write-ahead log of SQLite: until then it has what was deleted from the tables."""
        engine = self._ready()
        if engine.dialect.name == "sqlite":
            checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)"
            await self._in_thread(lambda: _outside_transactions(engine, checkpoint))

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
            if option := WRONG_OPTION.search(cause):
                raise SetupError(
                    f"OCTAVE_DATABASE_URL: {option[0]}; correct or remove this option in the URL"
                ) from None
            raise StoreFailed(
                f"the database cannot be used: {cause}; 'octave-mcp doctor' says what is wrong with it"
            ) from failed


def _outside_transactions(engine: Engine, statement: str) -> None:
    with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(statement)


def _set_up_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401 - sqlite3's, by way of SQLAlchemy
    connection.isolation_level = None  # it would begin a transaction at the first write, behind what was read
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten


def _set_up_postgres(connection: Any, _: object) -> None:  # noqa: ANN401 - psycopg's, by way of SQLAlchemy
    connection.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MILLISECONDS}")
    connection.commit()


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
