"""Outages of a server's database, which tests and benchmarks can start and end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import httpx2
import psycopg
from conftest import ROOT, LoopbackSite, Pair
from postgres import GUARDED, Cluster, own_cluster
from psycopg import sql

from octave_mcp.demo.sites import load

DELAY_SECONDS = 2.0
PAUSE_SECONDS = 0.1
# Until the outage starts, the vendor's site answers only five requests, so that the run cannot end before that.
HELD_AT = 6
# Each of these events must occur only once per company and step, even if there was an outage.
ONCE = frozenset({"run_started", "step_started", "step_finished", "run_finished"})
LOUD = frozenset({"WARNING", "ERROR", "CRITICAL"})
PASSWORD = "correct-horse-battery"  # noqa: S105 - only used here


@dataclass
class Outage:
    """The functions that start and end an outage of a database.

    `url`: the URL of the server's database, or '' for SQLite.
    `begin`, `end`: functions that take the process ID of the server, and start or end the outage.
    `at_start`: whether the outage has already started when the server starts.
    """

    url: str
    begin: Callable[[int], None]
    end: Callable[[int], None]
    at_start: bool = False


@contextmanager
def disk_full(_: Path) -> Generator[Outage]:
    """Limit the size of the server's files to zero, so that every write to a file fails.

    A failed write raises an error instead of ending the process, because Python ignores the signal SIGXFSZ.
    """

    def limit(pid: int, size: int) -> None:
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size if size >= 0 else hard, hard))

    yield Outage("", lambda pid: limit(pid, 0), lambda pid: limit(pid, -1))


@contextmanager
def locked(home: Path) -> Generator[Outage]:
    """Hold a write transaction on the server's SQLite file from this process."""
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
    """Restart Postgres in `begin`. When `begin` returns, the outage is over."""

    def restart(_: int) -> None:
        own.stop()
        own.start()

    with own_cluster() as own:
        yield Outage(f"{own.url}/postgres", restart, lambda _: None)


@contextmanager
def read_only(_: Path) -> Generator[Outage]:
    with own_cluster() as own:
        yield Outage(f"{own.url}/postgres", lambda _: _set_read_only(own, "on"), lambda _: _set_read_only(own, "off"))


def _set_read_only(own: Cluster, value: LiteralString) -> None:
    with psycopg.connect(f"{own.url}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL(f"alter system set default_transaction_read_only = {value}"))
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
    with own_cluster() as own, forwarding(own.port) as forwarder:
        url = f"postgresql://octave@127.0.0.1:{forwarder.port}/postgres"
        yield Outage(url, lambda _: forwarder.delay(DELAY_SECONDS), lambda _: forwarder.delay(0))


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
class Forwarder:
    """A port that forwards to another port and delays the responses by `seconds`."""

    port: int
    seconds: float = 0

    def delay(self, seconds: float) -> None:
        self.seconds = seconds


@contextmanager
def forwarding(to: int, port: int = 0) -> Generator[Forwarder]:
    """Forward connections from `port` to the port `to`, and cut all connections at the end.

    If `port` is 0, a free port is used. The forwarding runs in threads, because opening a database blocks the event
    loop.
    """
    sockets: list[socket.socket] = []

    def copy(source: socket.socket, target: socket.socket, forwarder: Forwarder | None) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if forwarder:
                    time.sleep(forwarder.seconds)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                near = listening.accept()[0]
                far = socket.create_connection(("127.0.0.1", to))
                sockets.extend((near, far))
                threading.Thread(target=copy, args=(near, far, None), daemon=True).start()
                threading.Thread(target=copy, args=(far, near, forwarder), daemon=True).start()

    with socket.create_server(("127.0.0.1", port)) as listening:
        forwarder = Forwarder(listening.getsockname()[1])
        threading.Thread(target=accept, daemon=True).start()
        yield forwarder
        listening.shutdown(socket.SHUT_RDWR)
    for connection in sockets:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()


@dataclass
class Stage:
    """A server in its own process, two sites that it can read, and an outage.

    `lines` contains what the server has written to stderr.
    """

    process: Process
    client: httpx2.AsyncClient
    lines: list[str]
    pair: Pair
    outage: Outage
    home: Path

    async def begin(self, request_id: str = "the-one-run") -> httpx2.Response:
        return await self.client.post("/runs", json=self.pair.domains | {"request_id": request_id})

    async def until(self, path: str, matches: Callable[[httpx2.Response], bool]) -> httpx2.Response:
        while not matches(response := await self.client.get(path)):  # noqa: ASYNC110 - in another process
            await asyncio.sleep(PAUSE_SECONDS)
        return response

    async def start(self) -> str:
        """Start a run, wait until the vendor's site stops responding, and return the run ID.

        Return '' if the outage has already started, because the server then cannot start a run.
        """
        if self.outage.at_start:
            self.pair.vendor.held_at = None
            return ""
        await self.until("/readyz", is_ready)
        run_id = (await self.begin()).json()["run_id"]
        await asyncio.to_thread(self.pair.vendor.reached.wait)
        return run_id

    async def faults(self, run_id: str) -> list[str]:
        """Return a description of each fault, such as a missing event or a page that was read twice."""
        report = (await self.client.get(f"/runs/{run_id}")).json()
        sent = (await self.client.get(f"/runs/{run_id}/events")).text
        numbers = [int(number) for number in re.findall(r"^id: (\d+)", sent, re.MULTILINE)]
        events = [json.loads(data) for data in re.findall(r"^data: (\{.*)", sent, re.MULTILINE)]
        counts = Counter(
            (event["event"], event["company"], event["step"]) for event in events if event["event"] in ONCE
        )
        started, finished = (
            {key[1:] for key in counts if key[0] == name} for name in ("step_started", "step_finished")
        )
        faults = {
            f"the run is {report['status']}": report["status"] != "completed",
            f"its events are {numbers}": numbers != [*range(1, len(numbers) + 1)],
            f"these events were stored twice: {[key for key in counts if counts[key] > 1]}": any(
                n > 1 for n in counts.values()
            ),
            f"these steps have only one event: {started ^ finished}": started != finished,
            f"pages were read twice: {self.read_twice}": bool(self.read_twice),
            "there isn't exactly one playbook": len([*(self.home / "playbooks").rglob("playbook.json")]) != 1,
        }
        return [fault for fault, has_occurred in faults.items() if has_occurred]

    @property
    def read_twice(self) -> list[str]:
        sites = (self.pair.vendor, self.pair.prospect)
        return [path for site in sites for path, count in site.hits.items() if count > 1]

    @property
    def errors(self) -> list[str]:
        """Return the warnings and errors logged so far, except log records about HTTP requests.

        Every log line must be valid JSON.
        """
        logged = [json.loads(line) for line in self.lines]
        loud = [line for line in logged if line["level"] in LOUD and line["message"] != "request answered"]
        return [f"{line['message']} {line.get('error') or ''}" for line in loud]


def is_ready(answer: httpx2.Response) -> bool:
    return answer.status_code == 200


def is_final(answer: httpx2.Response) -> bool:
    return answer.status_code == 200 and answer.json()["status"] not in {"queued", "running", "waiting"}


@asynccontextmanager
async def staged(name: str) -> AsyncGenerator[Stage]:
    """Start a server whose database will have an outage.

    The vendor's site stops responding at the request with the number `HELD_AT`.
    """
    pair = Pair(LoopbackSite(load("vendor"), held_at=HELD_AT), LoopbackSite(load("prospect")))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as home, OUTAGES[name](Path(home)) as outage:
        settings = {"OCTAVE_HOME": home, "OCTAVE_ALLOW_HOSTS": pair.hosts, "OCTAVE_MODEL": "extractive"}
        settings |= {"OCTAVE_FETCH_TIMEOUT_SECONDS": "3600", "OCTAVE_SITE_TIMEOUT_SECONDS": "3600"}
        settings |= {"OCTAVE_DATABASE_URL": outage.url} if outage.url else {}
        command = (sys.executable, str(ROOT / "server.py"), "--http", "--port", str(port))
        process = await create_subprocess_exec(*command, env=os.environ | settings, stderr=PIPE, limit=10_000_000)
        lines: list[str] = []
        reader = asyncio.create_task(_read(process, lines))
        try:
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=None) as client:
                await _alive(client)
                yield Stage(process, client, lines, pair, outage, Path(home))
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            await reader
            pair.close()


async def _read(process: Process, lines: list[str]) -> None:
    assert process.stderr
    async for line in process.stderr:
        lines.append(line.decode())  # noqa: PERF401 - tests read the list meanwhile


async def _alive(client: httpx2.AsyncClient) -> None:
    while True:
        with suppress(httpx2.ConnectError):
            await client.get("/livez")
            return
        await asyncio.sleep(PAUSE_SECONDS)
