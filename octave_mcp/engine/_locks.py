"""Who is alive: a lock for each process, which ends with the process, however it ends."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import LiteralString, Protocol

import psycopg
from filelock import FileLock, Timeout


class Locks(Protocol):
    def hold(self, name: str) -> bool:
        """Whether this process has the lock now, and had it not before."""
        ...

    def free(self, name: str) -> None: ...

    def close(self) -> None: ...


def locks_for(url: str, home: Path) -> Locks:
    return Advisory(url) if url.startswith("postgres") else Files(home / "locks")


class Files:
    """For processes on one machine, which share a SQLite file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._held: dict[str, FileLock] = {}

    def hold(self, name: str) -> bool:
        if name in self._held:
            return False
        lock = FileLock(self._folder / f"{name}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return False
        self._held[name] = lock
        return True

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
        self._connection = psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True)
        self._held: set[str] = set()

    def hold(self, name: str) -> bool:
        if name in self._held:  # a lock of Postgres may be taken again by the connection that has it
            return False
        if self._ask("select pg_try_advisory_lock(%s)", name):
            self._held.add(name)
        return name in self._held

    def free(self, name: str) -> None:
        self._held.discard(name)
        self._ask("select pg_advisory_unlock(%s)", name)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, query: LiteralString, name: str) -> bool:
        key = int.from_bytes(hashlib.blake2b(f"octave:{name}".encode(), digest_size=8).digest(), "big", signed=True)
        row = self._connection.execute(query, [key]).fetchone()
        return bool(row and row[0])
