"""A temporary PostgreSQL cluster for tests, on a free loopback port."""

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

# pg_ctl waits for the server for up to a day, so that tests do not fail on a busy machine.
WAIT_OPTIONS = ("-w", "-t", "86400")
MAX_PORT_ATTEMPTS = 5
# Tests create this database role, which is the only one that must log in with a password.
GUARDED = "guarded"
DEBIAN_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def program(name: str) -> str | None:
    """Return the path of a PostgreSQL program, or None if it is not installed.

    On Debian, most PostgreSQL programs are not on the PATH.
    """
    return shutil.which(name, path=os.pathsep.join([*map(str, DEBIAN_FOLDERS), os.environ.get("PATH", "")]))


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL cluster whose server listens on the same port after each restart."""

    pg_ctl: list[str]
    folder: str
    port: int

    @property
    def url(self) -> str:
        """The URL of the server, without a database name."""
        return f"postgresql://octave@127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop the server immediately and disconnect its clients."""
        _run(*self.pg_ctl, "-m", "immediate", "stop")

    def start(self) -> None:
        _start(self.pg_ctl, self.folder, self.port)


@contextmanager
def cluster() -> Generator[str]:
    """Yield the URL of a running server, without a database name: 'postgresql://octave@127.0.0.1:PORT'."""
    with own_cluster() as own:
        yield own.url


@contextmanager
def own_cluster() -> Generator[Cluster]:
    """Yield a running cluster.

    A caller that stops the cluster must start it again before the context ends. PostgreSQL refuses to run as root. If
    the tests run as root, PostgreSQL runs as the user `nobody` in a folder that `nobody` owns.
    """
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    assert initdb
    assert pg_ctl
    with tempfile.TemporaryDirectory(prefix="octave-pg-", ignore_cleanup_errors=True) as folder:
        run = _command_as_nobody(folder) if os.getuid() == 0 else []
        at = f"{folder}/cluster"
        _run(*run, initdb, "-D", at, "-U", "octave", "-A", "trust", "--no-sync")
        _require_password(GUARDED, Path(at, "pg_hba.conf"))
        control = [*run, pg_ctl, "-D", at, "-l", f"{at}.log", *WAIT_OPTIONS]
        own = Cluster(control, folder, _start_on_free_port(control, folder))
        try:
            yield own
        finally:
            own.stop()


def _require_password(role: str, file: Path) -> None:
    """Make PostgreSQL require a password for the role.

    The rule is at the start of the file, because PostgreSQL uses the first rule that matches a connection.
    """
    file.write_text(f"host all {role} 127.0.0.1/32 scram-sha-256\n{file.read_text('utf-8')}", "utf-8")


def _start_on_free_port(pg_ctl: list[str], folder: str) -> int:
    """Start the server and return its port.

    If another process takes the chosen port first, try another port.
    """
    for _ in range(MAX_PORT_ATTEMPTS - 1):
        port = _free_port()
        try:
            _start(pg_ctl, folder, port)
        except subprocess.CalledProcessError:
            continue
        return port
    _start(pg_ctl, folder, port := _free_port())
    return port


def _start(pg_ctl: list[str], folder: str, port: int) -> None:
    _run(*pg_ctl, "-o", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off", "start")


def _command_as_nobody(folder: str) -> list[str]:
    shutil.chown(folder, "nobody")
    return ["runuser", "-u", "nobody", "--"]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd="/")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
