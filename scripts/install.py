"""Install the packages of a lock, and this project, into .venv, and show the progress.

    python scripts/install.py requirements.lock

Uses uv if it is on the path; else pip, and also if uv fails, because pip may know another package index. For a
development lock everything is compiled to byte code, because tests start many processes; for requirements.lock only
what a server and the command line load.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"
PINNED = re.compile(r"^[\w.-]+==", re.MULTILINE)
# How the lines start in which pip and uv name the next package; uv names only large ones.
STARTED = ("Collecting ", "Processing ", "Downloading ")
# Packages per line of progress where a line cannot be overwritten, as in a log.
EACH = 10
KEPT_LINES = 40
LOADED = """
import pkgutil, server, octave_mcp.app
from octave_mcp import engine, exports, store, surfaces
for package in (engine, exports, store, surfaces):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        __import__(module.name)
"""


class Show(Protocol):
    def __call__(self, text: str, *, is_milestone: bool = False) -> None: ...


class Failed(Exception):
    """A command failed; the text has the last lines of its output."""


def main() -> None:
    lock, uv = sys.argv[1], shutil.which("uv")
    for tool in filter(None, (uv, "pip")):
        try:
            return install(lock, uv if tool == uv else None)
        except Failed as failed:
            sys.stdout.write(f"{failed}\n\n{tool} failed\n")
    sys.exit(1)


def install(lock: str, uv: str | None) -> None:
    packages = len(PINNED.findall((ROOT / lock).read_text("utf-8")))
    tool = installer(uv)
    with step(f"[1/4] preparing .venv with Python {sys.version.split()[0]}") as show:
        create_environment(show, uv)
    with step(f"[2/4] installing about {packages} packages with {'uv' if uv else 'pip'}") as show:
        run([*tool, "--no-deps", "--require-hashes", "--requirement", lock], show)
    with step("[3/4] installing octave-playbook from this folder") as show:
        run([*tool, "--no-deps", "--no-build-isolation", "--editable", "."], show)
    with step("[4/4] compiling to byte code") as show:
        compile_code(show, everything="dev" in lock)


@contextmanager
def step(title: str) -> Generator[Show]:
    """One line, which a terminal updates with what is being done; a log gets a few lines instead."""

    def show(text: str, *, is_milestone: bool = False) -> None:
        if is_terminal:
            sys.stdout.write(f"\r\033[K{title}{text}")
        elif is_milestone:
            sys.stdout.write(f"{title}{text}\n")
        sys.stdout.flush()

    is_terminal = sys.stdout.isatty()
    show("", is_milestone=True)
    yield show
    show("\n" if is_terminal else "")


def create_environment(show: Show, uv: str | None) -> None:
    """Without pip, which is large, if uv is used; else with the current pip: that of Python 3.11 is half as fast."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", *(["--without-pip"] if uv else []), ROOT / ".venv"], check=True)
    if not uv:
        run([str(PYTHON), "-m", "ensurepip"], show)
        run([*installer(uv), "--upgrade", "pip"], show, may_fail=True)


def installer(uv: str | None) -> Sequence[str]:
    if uv:
        return uv, "pip", "install", "--python", str(PYTHON)
    return str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--no-compile", "--progress-bar=off"


def compile_code(show: Show, *, everything: bool) -> None:
    """Without byte code each start takes twice as long, and some environments do not let the first start write it."""
    compileall = str(PYTHON), "-m", "compileall", "-q", "-j", "0"
    run([*compileall, "octave_mcp"], show)
    run([str(PYTHON), "-c", LOADED], show)
    if everything:  # some packages have templates with the names of modules, which do not compile
        run([*compileall, str(site_packages())], show, may_fail=True)


def site_packages() -> Path:
    return next(PYTHON.parents[1].glob("lib/python*/site-packages"))


def run(command: Sequence[str], show: Show, *, may_fail: bool = False) -> None:
    """Run the command and show its progress; if it fails, raise with the last lines of its output."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    done = 0
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            if line.startswith(STARTED):
                done += 1
                show(f": {done} {name_of(line.split()[1])}", is_milestone=done % EACH == 0)
            elif line.startswith("Installing collected packages"):
                show(": unpacking", is_milestone=done > EACH)
    if process.returncode and not may_fail:
        raise Failed(f"\n{''.join(lines)}\nFailed command: {' '.join(command)}")


def name_of(requirement: str) -> str:
    """The name in `numpy`, `numpy==2.4.6` or `/folder/numpy-2.4.6-cp311-cp311-linux_x86_64.whl`."""
    return re.split(r"==|-\d", Path(requirement).name)[0]


if __name__ == "__main__":
    main()
