"""A Postgres cluster of the tests' own, on a free port of loopback, ended with them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WITHOUT_DEADLINE = ("-w", "-t", "86400")
"""Options of pg_ctl: wait for up to a day."""
PORTS_TRIED = 5
GUARDED = "guarded"
"""The one role that has to give its password, once a test has made it."""
PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def program(name: str) -> str | None:
    """Where the program is: on the path, or where Debian puts it."""
    return shutil.which(name, path=os.pathsep.join([*map(str, PLACES), os.environ.get("PATH", "")]))


@dataclass(frozen=True)
class Cluster:
    """Its server listens on the same port each time it is started."""

    pg_ctl: list[str]
    folder: str
    port: int

    @property
    def url(self) -> str:
        """Of the server, without a database."""
        return f"postgresql://octave@127.0.0.1:{self.port}"

    def stop(self) -> None:
        """At once: clients are cut off."""
        _do(*self.pg_ctl, "-m", "immediate", "stop")

    def start(self) -> None:
        _start(self.pg_ctl, self.folder, self.port)


@contextmanager
def cluster() -> Generator[str]:
    """The URL of a running server, without a database: 'postgresql://octave@127.0.0.1:PORT'."""
    with own_cluster() as own:
        yield own.url


@contextmanager
def own_cluster() -> Generator[Cluster]:
    """A running one, which whoever asked for it may stop; it must run at the end.

    Postgres does not run as root: then another user does it, from a folder that is that user's.
    """
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    assert initdb
    assert pg_ctl
    with tempfile.TemporaryDirectory(prefix="octave-pg-", ignore_cleanup_errors=True) as folder:
        run = _as_other(folder) if os.getuid() == 0 else []
        at = f"{folder}/cluster"
        _do(*run, initdb, "-D", at, "-U", "octave", "-A", "trust", "--no-sync")
        _ask_for_the_password_of(GUARDED, Path(at, "pg_hba.conf"))
        control = [*run, pg_ctl, "-D", at, "-l", f"{at}.log", *WITHOUT_DEADLINE]
        own = Cluster(control, folder, _started(control, folder))
        try:
            yield own
        finally:
            own.stop()


def _ask_for_the_password_of(role: str, file: Path) -> None:
    """The first line that fits a connection decides."""
    file.write_text(f"host all {role} 127.0.0.1/32 scram-sha-256\n{file.read_text('utf-8')}", "utf-8")


def _started(pg_ctl: list[str], folder: str) -> int:
    """Starts the server and returns its port. If another process takes the port first, tries another one."""
    for _ in range(PORTS_TRIED - 1):
        port = _free_port()
        try:
            _start(pg_ctl, folder, port)
        except subprocess.CalledProcessError:
            continue
        return port
    _start(pg_ctl, folder, port := _free_port())
    return port


def _start(pg_ctl: list[str], folder: str, port: int) -> None:
    _do(*pg_ctl, "-o", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off", "start")


def _as_other(folder: str) -> list[str]:
    shutil.chown(folder, "nobody")
    return ["runuser", "-u", "nobody", "--"]


def _do(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd="/")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
