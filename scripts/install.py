"""Install what a lock names, and this project, into .venv; say which step it is at.

    python scripts/install.py requirements.lock

It uses uv where it is on the path, and pip where it is not, or where uv fails: pip may know another package index. For
a development lock everything is compiled to byte code, as tests start many processes; for requirements.lock only what a
server and the command line load.
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
STARTED = ("Collecting ", "Processing ", "Downloading ")
"""How a line starts that names the next package, of pip and of uv, which names large ones only."""
EACH = 10
"""So many packages get one line where lines cannot be overwritten, as in a log."""
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
    """One line, to which a terminal adds what is being done at the moment; a log gets more lines, but few."""

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
    """With uv it gets no pip, which is large; without, a current one: that of Python 3.11 takes twice as long."""
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
    """Without byte code each start takes twice as long, and some environments forbid to write it at the first."""
    compileall = str(PYTHON), "-m", "compileall", "-q", "-j", "0"
    run([*compileall, "octave_mcp"], show)
    run([str(PYTHON), "-c", LOADED], show)
    if everything:  # some packages have templates that are named like modules and are none
        run([*compileall, str(site_packages())], show, may_fail=True)


def site_packages() -> Path:
    return next(PYTHON.parents[1].glob("lib/python*/site-packages"))


def run(command: Sequence[str], show: Show, *, may_fail: bool = False) -> None:
    """Show the command's progress; of its output the last lines, and only if it fails."""
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
        raise Failed(f"\n{''.join(lines)}\nThis failed: {' '.join(command)}")


def name_of(requirement: str) -> str:
    """Of `numpy`, `numpy==2.4.6` or `/folder/numpy-2.4.6-cp311-cp311-linux_x86_64.whl`."""
    return re.split(r"==|-\d", Path(requirement).name)[0]


if __name__ == "__main__":
    main()
