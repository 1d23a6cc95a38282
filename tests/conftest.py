"""What every test stands on: a home of its own, no network but loopback, and companies' sites to read."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import math
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TextIO, cast

import postgres
import psycopg
import pytest
import scripted
from doubles import Double, set_up
from loguru import logger
from psycopg import sql

from octave_mcp.app import App
from octave_mcp.concurrency import retrying, supervision
from octave_mcp.demo.sites import Document, Site, load
from octave_mcp.domain.run import PlaybookRequest, RunRecord
from octave_mcp.engine import dbos_setup
from octave_mcp.models import limiter as limiters
from octave_mcp.settings import load as load_settings
from octave_mcp.store import database
from octave_mcp.surfaces import serving as server_module
from octave_mcp.surfaces.cli.main import main
from octave_mcp.tools.registry import unheard

ROOT = Path(__file__).parents[1]
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
"""Parameters of the MCP request `initialize`, for tests that write the protocol themselves."""
PATIENT = f"""
import runpy, sys
from octave_mcp.surfaces import ending
ending.MAX_SECONDS = 3600
sys.argv[0] = {str(ROOT / "server.py")!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""`python server.py`, which has an hour to end: this machine may be slow."""
SHARED_SITES = ROOT.parent / "shared" / "sites"


def _is_here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return True
    try:
        address = ip_address(str(name))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for another machine is as on one without a network."""
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:  # noqa: ANN401 - of whatever family
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_here(address[0]):
            raise OSError(f"tests reach loopback only, not {address!r}")
        connect(self, address)

    def guarded_lookup(host: str | bytes | None, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - socket's own
        if not _is_here(host):
            raise socket.gaierror(socket.EAI_NONAME, f"tests look up loopback only, not {host!r}")
        return lookup(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_lookup)


def pytest_configure() -> None:
    """Settings for the whole suite."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # from a shell that starts the suite in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["FASTMCP_CLIENT_DISCONNECT_TIMEOUT"] = "3600"  # else an exiting client kills a slow server


def _use_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets OCTAVE_HOME to the folder, and removes this machine's own settings and keys."""
    for name in list(os.environ):
        if name.startswith(("OCTAVE_", "OPENAI_", "ANTHROPIC_", "FIRECRAWL_")) and name != "OCTAVE_WRITE_SNAPSHOTS":
            monkeypatch.delenv(name)
    monkeypatch.setenv("OCTAVE_HOME", str(folder))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """OCTAVE_HOME, empty."""
    _use_home(tmp_path / "home", monkeypatch)
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def waits_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other as they do, only sooner; and a slow machine may take an hour to open a database."""
    monkeypatch.setattr(retrying, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(supervision, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(server_module, "OPENING_SECONDS", 3600)
    monkeypatch.setattr(database, "SLOWEST_SECONDS", 3600)
    monkeypatch.setattr(dbos_setup, "NOTIFICATION_POLL_SECONDS", 0.01)


@pytest.fixture(autouse=True)
def no_test_cuts_the_power(monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases of this process are not synchronised with the disk, which would take a fifth of the time of a run."""
    monkeypatch.setattr(database, "SYNCHRONOUS", "OFF")


@pytest.fixture(autouse=True)
def logs_end_with_the_test() -> Iterator[None]:
    """A server started in the test's own process logs to the test's own home, and no longer than that."""
    root = logging.getLogger()
    handlers, level, shown = list(root.handlers), root.level, warnings.showwarning
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logger.remove()
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    warnings.showwarning = shown


@pytest.fixture(autouse=True)
def every_task_has_an_owner() -> Iterator[None]:
    """No failure of a background task is left to asyncio, which notices it when the task is thrown away."""
    ownerless: list[str] = []

    def noted(record: logging.LogRecord) -> bool:
        if "never retrieved" in record.getMessage():
            ownerless.append(f"{record.getMessage()}: {record.exc_info}")
        return True

    asyncios = logging.getLogger("asyncio")
    asyncios.addFilter(noted)
    yield
    asyncios.removeFilter(noted)
    assert not ownerless


@pytest.fixture(autouse=True)
def stages_end_with_the_test() -> Iterator[None]:
    yield
    while scripted.OPENED:
        asyncio.run(scripted.OPENED.pop().store.close())


class LoopbackSite(ThreadingHTTPServer):
    """A company's site on a port of its own; `failing` are paths that answer with that status.

    `gate` holds every answer back while it is closed; `asked` is set by the first request. `hits` counts the requests
    of each path; with `held_at`, the gate closes at the request of that number, and `reached` is set.
    """

    daemon_threads = True

    def __init__(
        self, site: Site, *, held: bool = False, failing: dict[str, int] | None = None, held_at: int | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.host = f"127.0.0.1:{self.server_port}"
        self.documents = site.documents(f"http://{self.host}")
        self.missing = site.missing(f"http://{self.host}")
        self.failing = failing or {}
        self.gate, self.asked, self.reached = threading.Event(), threading.Event(), threading.Event()
        self.hits: Counter[str] = Counter()
        self.held_at = held_at
        self._counting = threading.Lock()
        if not held:
            self.gate.set()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def count(self, path: str) -> None:
        with self._counting:
            self.hits[path] += 1
            if self.hits.total() == self.held_at:
                self.gate.clear()
                self.reached.set()

    def close(self) -> None:
        self.gate.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Says nothing: a client may hang up."""


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = cast("LoopbackSite", self.server)
        site.asked.set()
        site.count(self.path)
        site.gate.wait()
        document = site.documents.get(self.path, site.missing)
        status = site.failing.get(self.path) or (404 if document is site.missing else 200)
        self._send(status, document if status == 200 else Document(b"<h1>Not now</h1>", "text/html"))

    def _send(self, status: int, document: Document) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{document.media_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(document.body)))
        self.end_headers()
        self.wfile.write(document.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - http.server's own
        """Says nothing."""


@dataclass(frozen=True)
class Pair:
    """The two invented companies' sites, as one test needs them."""

    vendor: LoopbackSite
    prospect: LoopbackSite

    @property
    def hosts(self) -> str:
        return f"{self.vendor.host},{self.prospect.host}"

    @property
    def domains(self) -> dict[str, str]:
        return {"vendor_domain": f"http://{self.vendor.host}", "prospect_domain": f"http://{self.prospect.host}"}

    @property
    def few(self) -> dict[str, Any]:
        """The two, of which few pages are read: for a test of something else."""
        return {**self.domains, "max_pages": 4}

    def release(self) -> None:
        self.vendor.gate.set()
        self.prospect.gate.set()

    def close(self) -> None:
        self.vendor.close()
        self.prospect.close()


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Two sites that answer, allowed by the settings; the extractive model writes."""
    sites = Pair(LoopbackSite(load("vendor")), LoopbackSite(load("prospect")))
    allow(sites, monkeypatch)
    yield sites
    sites.close()


@pytest.fixture
def held_pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Two sites that answer once they are released: until then no run about them can end."""
    sites = Pair(LoopbackSite(load("vendor"), held=True), LoopbackSite(load("prospect"), held=True))
    allow(sites, monkeypatch)
    yield sites
    sites.close()


def allow(sites: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", sites.hosts)
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    lift_site_timeouts(monkeypatch)


def lift_site_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine or a held site must not time out."""
    monkeypatch.setenv("OCTAVE_FETCH_TIMEOUT_SECONDS", "3600")
    monkeypatch.setenv("OCTAVE_SITE_TIMEOUT_SECONDS", "3600")


@dataclass(frozen=True)
class Finished:
    """A completed run about the two invented companies, for read-only tests. The sites still respond."""

    home: Path
    pair: Pair
    run_id: str
    session_id: str

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Makes its home OCTAVE_HOME."""
        monkeypatch.setenv("OCTAVE_HOME", str(self.home))
        allow(self.pair, monkeypatch)


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("finished") / "home"
    pair = Pair(LoopbackSite(load("vendor")), LoopbackSite(load("prospect")))
    with pytest.MonkeyPatch.context() as patched:
        _use_home(folder, patched)
        allow(pair, patched)
        record = asyncio.run(_run_to_its_end(pair))
    yield Finished(folder, pair, record.run_id, record.session_id)
    pair.close()


async def _run_to_its_end(pair: Pair) -> RunRecord:
    app = App(load_settings())
    await app.runs.open()
    request = PlaybookRequest(vendor=f"http://{pair.vendor.host}", prospect=f"http://{pair.prospect.host}")
    begun = await app.runs.start(request)
    record = await app.runs.follow(begun.run_id, math.inf, unheard)
    await app.runs.close()
    assert record.status == "completed", record.error
    return record


@pytest.fixture
def finished(_finished: Finished, home: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:  # noqa: ARG001 - goes first
    """One completed run per worker, in its own OCTAVE_HOME. Tests that add or delete runs use `pair` instead."""
    _finished.use(monkeypatch)
    return _finished


@pytest.fixture(scope="session")
def _plain() -> list[scripted.Written]:
    return []


@pytest.fixture
async def plain(_plain: list[scripted.Written], tmp_path_factory: pytest.TempPathFactory) -> scripted.Written:
    """A completed run by the scripted model about the invented sites, once per worker, for read-only tests.

    It is made when first requested, in the event loop and environment of that test.
    """
    if not _plain:
        _plain.append(await scripted.written(scripted.Stage(tmp_path_factory.mktemp("plain"))))
    return _plain[0]


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """All three providers, as the settings name them."""
    monkeypatch.setattr(limiters, "FIRST_COOL_DOWN_SECONDS", 0.01)
    answering = Double()
    set_up(monkeypatch, answering)
    yield answering
    answering.close()


@pytest.fixture(scope="session")
def real_sites() -> Iterator[dict[str, str]]:
    """Origins of real companies' pages, by domain."""
    if not SHARED_SITES.is_dir():
        pytest.skip("the collection of real companies' pages is not part of the project, and is not beside it")
    command = [sys.executable, str(SHARED_SITES / "serve.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield json.loads(server.stdout.readline())
        server.terminate()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    if not postgres.program("pg_ctl"):
        pytest.skip("Postgres is not installed here")
    with postgres.cluster() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A database of the test's own."""
    name = f"octave_{secrets.token_hex(6)}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return f"{postgres_server}/{name}"


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str


async def command(*arguments: str, cwd: Path, stdin: bytes = b"", root: Path = ROOT) -> Ended:
    """Runs python with these arguments and the product at `root`, from a folder outside the project."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def octave(*arguments: str, cwd: Path, stderr: TextIO | None = None) -> Ended:
    """The command `octave-mcp` with these arguments, in that folder: in this process, which has all of it loaded.

    Only one call at a time. Tests of signals and pipes use `command`. If `stderr` is given, the result lacks its text.
    """
    return await asyncio.to_thread(_octave, arguments, cwd, stderr)


def _octave(arguments: tuple[str, ...], cwd: Path, stderr: TextIO | None) -> Ended:
    out, err = io.StringIO(), io.StringIO()
    with chdir(cwd), redirect_stdout(out), redirect_stderr(stderr or err), pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["octave-mcp", *arguments])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Cyclopts application invoked", UserWarning)  # it sees a test around it
            code = main()
    logger.remove()
    return Ended(code, out.getvalue(), err.getvalue())


@contextmanager
def refusing(home: Path, what: str) -> Generator[None]:
    """The database refuses this, as one whose disk is full, and everything else as before."""
    with sqlite3.connect(home / "octave.db", isolation_level=None) as database:
        database.execute(f"create trigger refusal before {what} begin select raise(abort, 'disk is full'); end")
        yield
        database.execute("drop trigger refusal")
    database.close()


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def read_json(file: Path | str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(Path(file).read_text("utf-8"))


def log_lines(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "logs" / "octave.jsonl").read_text("utf-8").splitlines()]
