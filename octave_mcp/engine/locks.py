"""Who is alive: a lock for each process, which ends with the process, however it ends."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import LiteralString, Protocol

import psycopg
from filelock import FileLock, Timeout
from sqlalchemy import make_url

from octave_mcp.domain.database_url import CONNECTING_SECONDS
from octave_mcp.errors import StoreFailed

ADVICE = "'octave-mcp doctor' says what is wrong with it"


class Locks(Protocol):
    """Raises: StoreFailed: by each method, where the place of the locks cannot be reached."""

    def hold(self, name: str) -> bool:
        """Whether this process has the lock now, and had it not before."""
        ...

    def keep(self, name: str) -> bool:
        """Whether this process has had the lock all the time. If not, it takes it again once no other holds it."""
        ...

    def free(self, name: str) -> None: ...

    def close(self) -> None: ...


def locks_for(url: str, home: Path) -> Locks:
    return Advisory(url) if url.startswith("postgres") else Files(home / "locks")


class Files:
    """For processes on one machine, which share a SQLite file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, FileLock] = {}

    def hold(self, name: str) -> bool:
        if name in self._held:
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
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
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()

    def close(self) -> None:
        for name in tuple(self._held):
            self.free(name)


class Advisory:
    """For processes on any machine, which share a Postgres database: held by one connection, and lost with it."""

    def __init__(self, url: str) -> None:
        at = make_url(url)
        # libpq reads some URLs differently from SQLAlchemy; the locks could end up in another database.
        self._options = {**at.get_dialect()().create_connect_args(at)[1]}
        self._options.setdefault("connect_timeout", CONNECTING_SECONDS)
        self._held: set[str] = set()
        self._connection = self._connected()

    def hold(self, name: str) -> bool:
        if name in self._held:  # a lock of Postgres may be taken again by the connection that has it
            return False
        if self._ask("select pg_try_advisory_lock(%s)", name):
            self._held.add(name)
        return name in self._held

    def keep(self, name: str) -> bool:
        """A lock that went with its connection is taken again, by a later call if another process holds it just now."""
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
