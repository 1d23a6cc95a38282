"""Install this project and the packages in a lock file into .venv, and show the progress.

    python scripts/install.py requirements.lock

The script uses uv if uv is on the PATH. If uv is missing or fails, the script uses pip. pip can succeed where uv fails,
because pip's configuration can name a different package index. With the development lock file, all packages are
compiled to byte code, because tests start many processes. With requirements.lock, only the modules that the server and
the command line import are compiled.
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
# If pip or uv prints a line that starts with one of these words, the next word is a package. uv prints such lines only
# for large packages.
PACKAGE_LINES = ("Collecting ", "Processing ", "Downloading ")
# In a log, a line of progress cannot be overwritten, so print one only after every tenth package.
PACKAGES_PER_LINE = 10
MAX_OUTPUT_LINES = 40
# This program imports the modules of the server and the commands, so that Python writes byte code for these modules and
# for the packages that they import.
IMPORT_ALL = """
import pkgutil, server, octave_mcp.app
from octave_mcp import engine, exports, store, surfaces
for package in (engine, exports, store, surfaces):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        __import__(module.name)
"""


class Show(Protocol):
    def __call__(self, text: str, *, is_milestone: bool = False) -> None: ...


class Failed(Exception):
    """A command failed. The message contains the last lines of the command's output."""


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
    """Yield a function that shows the progress of a step.

    On a terminal, the function overwrites one line. In a log, it prints a line for each milestone.
    """

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
    """Create .venv. Unless uv is used, install the newest pip into .venv."""
    # Leave pip out if uv is used, because pip is large. If uv is not used, install the newest pip, which is twice as
    # fast as the pip that comes with Python 3.11.
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
    """Compile modules to byte code before their first import.

    Without byte code, each start of the server takes twice as long. In some environments, the server is not allowed to
    write byte code itself.
    """
    compileall = str(PYTHON), "-m", "compileall", "-q", "-j", "0"
    run([*compileall, "octave_mcp"], show)
    run([str(PYTHON), "-c", IMPORT_ALL], show)
    if everything:
        # Allow this command to fail, because some packages contain templates that are named like modules but do not
        # compile.
        run([*compileall, str(site_packages())], show, may_fail=True)


def site_packages() -> Path:
    return next(PYTHON.parents[1].glob("lib/python*/site-packages"))


def run(command: Sequence[str], show: Show, *, may_fail: bool = False) -> None:
    """Run a command and show its progress.

    Raises:
        Failed: If the command failed, and `may_fail` is false.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    lines: deque[str] = deque(maxlen=MAX_OUTPUT_LINES)
    done = 0
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            if line.startswith(PACKAGE_LINES):
                done += 1
                show(f": {done} {name_of(line.split()[1])}", is_milestone=done % PACKAGES_PER_LINE == 0)
            elif line.startswith("Installing collected packages"):
                show(": unpacking", is_milestone=done > PACKAGES_PER_LINE)
    if process.returncode and not may_fail:
        raise Failed(f"\n{''.join(lines)}\nFailed command: {' '.join(command)}")


def name_of(requirement: str) -> str:
    """Return the package's name, such as 'numpy' for `numpy==2.4.6` or `/folder/numpy-2.4.6-cp311-linux_x86_64.whl`."""
    return re.split(r"==|-\d", Path(requirement).name)[0]


if __name__ == "__main__":
    main()
