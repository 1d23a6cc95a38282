"""Fixtures for all tests: an empty OCTAVE_HOME, no network except loopback, and sites of invented companies."""

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
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import postgres
import psycopg
import pytest
import pytest_asyncio
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
from octave_mcp.runs import questions
from octave_mcp.settings import load as load_settings
from octave_mcp.store import database
from octave_mcp.surfaces import serving as server_module
from octave_mcp.surfaces.cli.main import main
from octave_mcp.tools.registry import ignore_event

if TYPE_CHECKING:
    from playwright.async_api import Browser

ROOT = Path(__file__).parents[1]
# Tests that write their own JSON messages send these parameters in the MCP request `initialize`.
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
# This program runs `server.py`, and allows it an hour to shut down, because the machine can be slow.
PATIENT = f"""
import runpy, sys
from octave_mcp.surfaces import shutdown
shutdown.MAX_SECONDS = 3600
sys.argv[0] = {str(ROOT / "server.py")!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""
SHARED_SITES = ROOT.parent / "shared" / "sites"


def _is_loopback(host: object) -> bool:
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
    """Block connections to other machines and look-ups of their names, as if there were no network."""
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:  # noqa: ANN401 - its type depends on the family
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            raise OSError(f"tests may only connect to loopback, not to {address!r}")
        connect(self, address)

    def guarded_lookup(host: str | bytes | None, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - socket's own
        if not _is_loopback(host):
            raise socket.gaierror(socket.EAI_NONAME, f"tests may only look up loopback, not {host!r}")
        return lookup(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_lookup)


def pytest_configure() -> None:
    # A shell can start pytest in the background with SIGINT ignored. Without this code, the servers that tests start
    # would also ignore SIGINT.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["FASTMCP_CLIENT_DISCONNECT_TIMEOUT"] = "3600"  # after this time, a client kills a slow server


def _use_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set OCTAVE_HOME to the folder, and remove this machine's own settings and keys from the environment."""
    for name in list(os.environ):
        if name.startswith(("OCTAVE_", "OPENAI_", "ANTHROPIC_", "FIRECRAWL_")) and name != "OCTAVE_WRITE_SNAPSHOTS":
            monkeypatch.delenv(name)
    monkeypatch.setenv("OCTAVE_HOME", str(folder))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    _use_home(tmp_path / "home", monkeypatch)
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry almost immediately, to save time. Allow an hour to open a database, because the machine can be slow."""
    monkeypatch.setattr(retrying, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(supervision, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(server_module, "OPENING_SECONDS", 3600)
    monkeypatch.setattr(database, "MAX_WAIT_SECONDS", 3600)
    monkeypatch.setattr(dbos_setup, "NOTIFICATION_POLL_SECONDS", 0.01)


@pytest.fixture(autouse=True)
def unsynced_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save time by not syncing the databases of this process to the disk: syncing takes a fifth of a run's time."""
    monkeypatch.setattr(database, "SYNCHRONOUS", "OFF")


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Restore the logging and exception hooks that a server in this process has redirected to a log file."""
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
def no_unretrieved_exceptions() -> Iterator[None]:
    """Fail a test if asyncio logs that the exception of a background task was never retrieved."""
    unretrieved: list[str] = []

    def collect(record: logging.LogRecord) -> bool:
        if "never retrieved" in record.getMessage():
            unretrieved.append(f"{record.getMessage()}: {record.exc_info}")
        return True

    asyncio_logger = logging.getLogger("asyncio")
    asyncio_logger.addFilter(collect)
    yield
    asyncio_logger.removeFilter(collect)
    assert not unretrieved


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    from browsers import chromium  # few tests need a browser

    async with chromium() as started:
        yield started


@pytest.fixture(autouse=True)
def closed_stages() -> Iterator[None]:
    yield
    while scripted.OPENED:
        asyncio.run(scripted.OPENED.pop().store.close())


class LoopbackSite(ThreadingHTTPServer):
    """A company's site on a free loopback port.

    `failing`: the HTTP status of each path that fails.
    `gate`: an event that all responses wait for. Unless the site is `held`, the event is set from the start.
    `asked`: an event that is set at the first request.
    `hits`: the number of requests for each path.
    `held_at`: the number of the request at which the site clears `gate` and sets the event `reached`.
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
        """Ignore the errors that occur when a client disconnects."""


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
        """Log nothing."""


@dataclass(frozen=True)
class Pair:
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
        """Return arguments for a quick run that reads only a few pages."""
        return {**self.domains, "max_pages": 4}

    def release(self) -> None:
        self.vendor.gate.set()
        self.prospect.gate.set()

    def close(self) -> None:
        self.vendor.close()
        self.prospect.close()


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Two sites that the product is allowed to read. The settings select the extractive model."""
    sites = Pair(LoopbackSite(load("vendor")), LoopbackSite(load("prospect")))
    allow(sites, monkeypatch)
    yield sites
    sites.close()


@pytest.fixture
def held_pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Two sites that don't respond until a test releases them, so that a run about the sites cannot end earlier."""
    sites = Pair(LoopbackSite(load("vendor"), held=True), LoopbackSite(load("prospect"), held=True))
    allow(sites, monkeypatch)
    yield sites
    sites.close()


def allow(sites: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", sites.hosts)
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    lift_site_timeouts(monkeypatch)


def lift_site_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the timeouts for sites to an hour, because the machine can be slow and tests can delay responses."""
    monkeypatch.setenv("OCTAVE_FETCH_TIMEOUT_SECONDS", "3600")
    monkeypatch.setenv("OCTAVE_SITE_TIMEOUT_SECONDS", "3600")


def lift_question_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reserve a question for an hour, and wait an hour for the check of an answer, because the machine can be slow."""
    monkeypatch.setattr(questions, "LEASE", timedelta(hours=1))
    monkeypatch.setattr(questions, "VERDICT_SECONDS", 3600)


@dataclass(frozen=True)
class Finished:
    """A completed run about the two invented companies, with the sites still online. Tests must not change the run."""

    home: Path
    pair: Pair
    run_id: str
    session_id: str

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Set OCTAVE_HOME to the home folder of the completed run, and allow the product to read the run's sites."""
        monkeypatch.setenv("OCTAVE_HOME", str(self.home))
        allow(self.pair, monkeypatch)


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("finished") / "home"
    pair = Pair(LoopbackSite(load("vendor")), LoopbackSite(load("prospect")))
    with pytest.MonkeyPatch.context() as patched:
        _use_home(folder, patched)
        allow(pair, patched)
        record = asyncio.run(_complete_run(pair))
    yield Finished(folder, pair, record.run_id, record.session_id)
    pair.close()


async def _complete_run(pair: Pair) -> RunRecord:
    app = App(load_settings())
    await app.runs.open()
    request = PlaybookRequest(vendor=f"http://{pair.vendor.host}", prospect=f"http://{pair.prospect.host}")
    started = await app.runs.start(request)
    record = await app.runs.follow(started.run_id, math.inf, ignore_event)
    await app.runs.close()
    assert record.status == "completed", record.error
    return record


@pytest.fixture
def finished(_finished: Finished, home: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:  # noqa: ARG001 - must run before this fixture
    """A completed run, shared by all tests of a pytest worker.

    Tests that add or delete runs must use the fixture `pair` instead of this fixture.
    """
    _finished.use(monkeypatch)
    return _finished


@pytest.fixture(scope="session")
def _plain() -> list[scripted.Written]:
    return []


@pytest.fixture
async def plain(_plain: list[scripted.Written], tmp_path_factory: pytest.TempPathFactory) -> scripted.Written:
    """A completed run about invented sites with the scripted model, shared by all tests of a pytest worker.

    Tests must not change the run. The run is executed in the event loop and environment of the first test that uses
    this fixture.
    """
    if not _plain:
        _plain.append(await scripted.written(scripted.Stage(tmp_path_factory.mktemp("plain"))))
    return _plain[0]


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """A fake server that acts as all three providers. The settings contain the address of the server."""
    monkeypatch.setattr(limiters, "FIRST_COOL_DOWN_SECONDS", 0.01)
    server = Double()
    set_up(monkeypatch, server)
    yield server
    server.close()


@pytest.fixture(scope="session")
def real_sites() -> Iterator[dict[str, str]]:
    """Serve the saved pages of real companies, and yield the local origin that serves each domain."""
    if not SHARED_SITES.is_dir():
        pytest.skip("the saved pages of real companies are not part of the project and are missing on this machine")
    command = [sys.executable, str(SHARED_SITES / "serve.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield json.loads(server.stdout.readline())
        server.terminate()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    if not postgres.program("pg_ctl"):
        pytest.skip("Postgres is not installed")
    with postgres.cluster() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """Create a Postgres database for one test and return its URL."""
    name = f"octave_{secrets.token_hex(6)}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return f"{postgres_server}/{name}"


@dataclass(frozen=True)
class Ended:
    """The exit code and the output of a command that has ended."""

    code: int
    out: str
    err: str


async def command(*arguments: str, cwd: Path, stdin: bytes = b"", root: Path = ROOT) -> Ended:
    """Run Python with these arguments in the folder `cwd`, and import the product from the folder `root`."""
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
    """Run `octave-mcp` with these arguments in the folder `cwd`.

    The command runs in this process, because a new process takes long to import the product. Two calls of this function
    must not run at the same time. To test signals or pipes, use `command` instead. If `stderr` is given, the command
    writes its error output there, and the result does not contain it.
    """
    return await asyncio.to_thread(_octave, arguments, cwd, stderr)


def _octave(arguments: tuple[str, ...], cwd: Path, stderr: TextIO | None) -> Ended:
    out, err = io.StringIO(), io.StringIO()
    with chdir(cwd), redirect_stdout(out), redirect_stderr(stderr or err), pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["octave-mcp", *arguments])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Cyclopts application invoked", UserWarning)  # it detects pytest
            code = main()
    logger.remove()
    return Ended(code, out.getvalue(), err.getvalue())


@contextmanager
def refusing(home: Path, what: str) -> Generator[None]:
    """Make the database refuse one kind of statement, such as inserts into a table, as if the disk were full."""
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
