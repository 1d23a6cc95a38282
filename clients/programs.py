"""Run programs with time limits, and kill the programs that are still running after the client tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

T = TypeVar("T")

INSTALL_SECONDS = 180.0
START_SECONDS = 20.0
RUN_SECONDS = 60.0
# Time limit for all client tests together, not counting the installation of the clients.
ALL_SECONDS = 180.0

LAST_LINES = 3
# Do not pass on environment variables with these prefixes, because they would change how a client or our server
# behaves.
IGNORED_VARIABLES = ("OCTAVE_", "CLAUDE", "ANTHROPIC_", "OPENAI_", "FIRECRAWL_", "MCP_", "XDG_")


class Failed(Exception):
    """A program did not do what was expected."""


def check(holds: bool, complaint: str) -> None:
    if not holds:
        raise Failed(complaint)


class Programs:
    """Runs programs in a temporary home folder, with Node 22 on the PATH. Each program has its own process group.

    At the end of the `with` block, all programs that are still running are killed.
    """

    def __init__(self, folder: Path) -> None:
        self._modules = folder / "node_modules"
        self._home = tempfile.TemporaryDirectory(prefix="octave-clients-")
        self._running: set[subprocess.Popen[str]] = set()
        self._deadline = time.monotonic() + ALL_SECONDS
        self.environment = _environment(folder, Path(self._home.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._deadline = 0.0
        for process in tuple(self._running):
            self._end(process)
        self._home.cleanup()

    def folder(self) -> Path:
        """Create an empty folder in the temporary home folder."""
        return Path(tempfile.mkdtemp(dir=self._home.name))

    def version(self, package: str) -> str:
        return json.loads((self._modules / package / "package.json").read_text())["version"]

    def run(self, command: Sequence[str], codes: Iterable[int] = (0,)) -> str:
        """Run a command, wait until it exits, and return its output.

        Raises:
            Failed: If the command took too long, or its exit code is not in `codes`.
        """
        seconds = min(RUN_SECONDS, self._deadline - time.monotonic())
        process = self._spawn(command, subprocess.PIPE, subprocess.PIPE)
        try:
            output, errors = process.communicate(timeout=max(seconds, 0))
        except subprocess.TimeoutExpired:
            raise Failed(f"{command[0]} took longer than {max(seconds, 0):.0f} s") from None
        finally:
            self._end(process)
        if process.returncode not in codes:
            raise Failed(f"{command[0]} ended with {process.returncode}: {_last(errors or output)}")
        return output

    def serve(self, command: Sequence[str]) -> str:
        """Start a server with a free port as its last argument, and return the URL of its MCP endpoint."""
        port = _free_port()
        self._start([*command, str(port)], lambda _: _listening(port))
        return f"http://127.0.0.1:{port}/mcp"

    def first_line(self, command: Sequence[str]) -> str:
        """Start a program that keeps running, and return the first line of its output."""
        return self._start(command, lambda output: output.read_text().partition("\n")[0])

    def _start(self, command: Sequence[str], ready: Callable[[Path], T]) -> T:
        folder = self.folder()
        output, errors = folder / "stdout", folder / "stderr"
        with output.open("w") as out, errors.open("w") as err:
            process = self._spawn(command, out.fileno(), err.fileno())
        deadline = time.monotonic() + START_SECONDS
        while not (result := ready(output)):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{' '.join(command)} did not start: {_last(errors.read_text())}")
            time.sleep(0.05)
        return result

    def _spawn(self, command: Sequence[str], output: int, errors: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            cwd=self._home.name,
            env=self.environment,
            text=True,
            # Give the process its own process group, so that killing the group also kills the programs that the process
            # has started.
            start_new_session=True,
        )
        self._running.add(process)
        return process

    def _end(self, process: subprocess.Popen[str]) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._running.discard(process)


def install(folder: Path) -> None:
    """Install the packages in package-lock.json, unless they are up to date.

    The file .npmrc disables the install scripts of packages.

    Raises:
        Failed: If npm failed or took too long.
    """
    installed, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime > lock.stat().st_mtime:
        return
    try:
        subprocess.run(["npm", "ci", "--loglevel=error"], cwd=folder, check=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as failed:
        raise Failed(f"the clients could not be installed: {failed}") from None


def _environment(folder: Path, home: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(IGNORED_VARIABLES)}
    return inherited | {
        "PATH": f"{folder / 'node_modules' / '.bin'}{os.pathsep}{inherited['PATH']}",
        "PYTHONPATH": str(folder.parent),
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1",
        "CLAUDE_CONFIG_DIR": str(home / "claude"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "OCTAVE_HOME": str(home / "octave"),
        "OCTAVE_MODEL": "extractive",
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def _listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _last(text: str) -> str:
    return " ".join(text.strip().splitlines()[-LAST_LINES:])
