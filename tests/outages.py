"""Outages of the database under a running server: each begins and ends as a test or a bench says."""

from __future__ import annotations

import resource
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from postgres import GUARDED, Cluster, own_cluster
from psycopg import sql

DELAY_SECONDS = 2.0
PASSWORD = "correct-horse-battery"  # noqa: S105 - nobody's


@dataclass
class Outage:
    """`at` is the URL of the database, or '' for SQLite; `begin` and `end` take the id of the server's process.

    If it is there `at_start`, it has begun before the server starts.
    """

    at: str
    begin: Callable[[int], None]
    end: Callable[[int], None]
    at_start: bool = False


@contextmanager
def disk_full(_: Path) -> Generator[Outage]:
    """No file of the process may grow, not even into a gap: Python ignores the signal that the system sends."""

    def limit(pid: int, size: int) -> None:
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size if size >= 0 else hard, hard))

    yield Outage("", lambda pid: limit(pid, 0), lambda pid: limit(pid, -1))


@contextmanager
def locked(home: Path) -> Generator[Outage]:
    """Another process writes to the SQLite file for as long as it lasts."""
    with closing(sqlite3.connect(home / "octave.db", isolation_level=None, check_same_thread=False, timeout=60)) as db:
        yield Outage("", lambda _: _execute(db, "begin immediate"), lambda _: _execute(db, "rollback"))


def _execute(db: sqlite3.Connection, statement: str) -> None:
    db.execute(statement)


@contextmanager
def down(_: Path) -> Generator[Outage]:
    with own_cluster() as own:
        yield Outage(f"{own.url}/postgres", lambda _: own.stop(), lambda _: own.start())


@contextmanager
def restarted(_: Path) -> Generator[Outage]:
    """It is over as soon as it has begun."""

    def restart(_: int) -> None:
        own.stop()
        own.start()

    with own_cluster() as own:
        yield Outage(f"{own.url}/postgres", restart, lambda _: None)


@contextmanager
def read_only(_: Path) -> Generator[Outage]:
    with own_cluster() as own:
        yield Outage(f"{own.url}/postgres", lambda _: _set_read_only(own, "on"), lambda _: _set_read_only(own, "off"))


def _set_read_only(own: Cluster, value: str) -> None:
    with psycopg.connect(f"{own.url}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("alter system set default_transaction_read_only = {}").format(sql.SQL(value)))
        connection.execute("select pg_reload_conf()")


@contextmanager
def wrong_password(_: Path) -> Generator[Outage]:
    with own_cluster() as own:
        with psycopg.connect(f"{own.url}/postgres", autocommit=True) as connection:
            role = sql.Identifier(GUARDED)
            connection.execute(sql.SQL("create role {} superuser login password 'another'").format(role))

        def set_password(password: str) -> None:
            with psycopg.connect(f"{own.url}/postgres", autocommit=True) as connection:
                connection.execute(sql.SQL("alter role {} password {}").format(role, sql.Literal(password)))

        url = f"postgresql://{GUARDED}:{PASSWORD}@127.0.0.1:{own.port}/postgres"
        yield Outage(url, lambda _: set_password("another"), lambda _: set_password(PASSWORD), at_start=True)


@contextmanager
def slow(_: Path) -> Generator[Outage]:
    """Each answer of the database is late."""
    with own_cluster() as own, forwarding(own.port) as way:
        url = f"postgresql://octave@127.0.0.1:{way.port}/postgres"
        yield Outage(url, lambda _: way.delay(DELAY_SECONDS), lambda _: way.delay(0))


OUTAGES: dict[str, Callable[[Path], AbstractContextManager[Outage]]] = {
    "disk full": disk_full,
    "database down": down,
    "database slow": slow,
    "file locked by another": locked,
    "database restarted": restarted,
    "database read-only": read_only,
    "wrong password": wrong_password,
}


@dataclass
class Way:
    """What connects to its port reaches another."""

    port: int
    seconds: float = 0

    def delay(self, seconds: float) -> None:
        self.seconds = seconds


@contextmanager
def forwarding(to: int) -> Generator[Way]:
    """A way to this port, in threads; at the end, all connections are cut."""
    ends: list[socket.socket] = []

    def copy(source: socket.socket, target: socket.socket, way: Way | None) -> None:
        with suppress(OSError):
            while some := source.recv(65536):
                if way:
                    time.sleep(way.seconds)
                target.sendall(some)
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                near = listening.accept()[0]
                far = socket.create_connection(("127.0.0.1", to))
                ends.extend((near, far))
                threading.Thread(target=copy, args=(near, far, None), daemon=True).start()
                threading.Thread(target=copy, args=(far, near, way), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        way = Way(listening.getsockname()[1])
        threading.Thread(target=accept, daemon=True).start()
        yield way
        listening.shutdown(socket.SHUT_RDWR)
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
