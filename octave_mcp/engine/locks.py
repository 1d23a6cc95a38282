"""Locks that show which processes are alive: a lock is freed when its process ends, even if the process crashes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import LiteralString, Protocol

import psycopg
from filelock import FileLock, Timeout
from sqlalchemy import make_url

from octave_mcp.domain.database_url import CONNECTING_SECONDS
from octave_mcp.errors import StoreFailed

ADVICE = "run 'octave-mcp doctor' to find the cause"


class Locks(Protocol):
    """The locks of one process.

    Each method raises `StoreFailed` if the folder or the database with the locks cannot be used.
    """

    def hold(self, name: str) -> bool:
        """Take the lock if it is free. Return False if any process, including this one, already holds the lock."""
        ...

    def keep(self, name: str) -> bool:
        """Return whether this process still holds the lock.

        If the lock was lost, try to take it again and return False.
        """
        ...

    def free(self, name: str) -> None: ...

    def close(self) -> None: ...


def locks_for(url: str, home: Path) -> Locks:
    return Advisory(url) if url.startswith("postgres") else Files(home / "locks")


class Files:
    """Lock files, for processes on one machine that share a SQLite database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, FileLock] = {}

    def hold(self, name: str) -> bool:
        if name in self._held:
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # The lock is not thread-local, because one thread of the pool can take the lock and another thread can free
            # it.
            lock = FileLock(self._folder / f"{name}.lock", timeout=0, thread_local=False)
            lock.acquire()
        except Timeout:
            return False
        except OSError as failed:
            raise StoreFailed(f"cannot lock a file in {str(self._folder)!r}: {failed.strerror}") from failed
        self._held[name] = lock
        return True

    def keep(self, name: str) -> bool:
        return name in self._held

    def free(self, name: str) -> None:
        lock = self._held.pop(name)
        # Remove the file before releasing the lock. After the release, the file can be the lock of another process.
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()

    def close(self) -> None:
        for name in tuple(self._held):
            self.free(name)


class Advisory:
    """Postgres advisory locks, for processes on any machine.

    One connection holds all locks. If the connection is lost, the locks are freed.
    """

    def __init__(self, url: str) -> None:
        at = make_url(url)
        # Let SQLAlchemy parse the URL, because libpq parses some URLs differently and could connect to another
        # database.
        self._options = {**at.get_dialect()().create_connect_args(at)[1]}
        self._options.setdefault("connect_timeout", CONNECTING_SECONDS)
        self._held: set[str] = set()
        self._connection = self._connected()

    def hold(self, name: str) -> bool:
        if name in self._held:  # Postgres would grant the lock to the same connection a second time
            return False
        if self._ask("select pg_try_advisory_lock(%s)", name):
            self._held.add(name)
        return name in self._held

    def keep(self, name: str) -> bool:
        """Check the connection. If the lock was lost with the connection, try to take the lock again."""
        try:
            self._ask("select %s::bigint is not null", name)
        except StoreFailed:
            self._held.clear()
            self._connection.close()
            self._connection = self._connected()
        if name in self._held:
            return True
        self.hold(name)
        return False

    def free(self, name: str) -> None:
        self._held.discard(name)
        self._ask("select pg_advisory_unlock(%s)", name)

    def close(self) -> None:
        self._connection.close()

    def _connected(self) -> psycopg.Connection:
        try:
            return psycopg.connect(**self._options, autocommit=True)
        except psycopg.Error as failed:
            raise StoreFailed(f"the database cannot be used: {_cause(failed)}; {ADVICE}") from failed

    def _ask(self, query: LiteralString, name: str) -> bool:
        key = int.from_bytes(hashlib.blake2b(f"octave:{name}".encode(), digest_size=8).digest(), "big", signed=True)
        try:
            row = self._connection.execute(query, [key]).fetchone()
        except psycopg.Error as failed:
            raise StoreFailed(f"the database cannot be used: {_cause(failed)}; {ADVICE}") from failed
        return bool(row and row[0])


def _cause(failed: psycopg.Error) -> str:
    return next(iter(str(failed).splitlines()), type(failed).__name__)
