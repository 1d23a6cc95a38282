"""Check that the database file is intact, and that octave-mcp can use the database."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import octave_mcp
from octave_mcp.domain import database_url
from octave_mcp.errors import OctaveError
from octave_mcp.runs.store_check import STORE
from octave_mcp.settings import Settings, described
from octave_mcp.surfaces.cli.checks.check import SECONDS, SLOW_SECONDS, CheckResult, ok
from octave_mcp.surfaces.cli.terminal import DONE, FAILED, PLAIN, open_app_to_read, print_error

COMMAND = "import sys; sys.path.insert(0, sys.argv[1]); from octave_mcp.surfaces.cli.checks.database import use; use()"
# Do not show advice that starts with this text, because the user is already running 'octave-mcp doctor'.
DOCTOR = "run 'octave-mcp doctor'"


def database_file(settings: Settings) -> CheckResult:
    file = file_of(settings)
    if file is None or not file.exists():
        return ok("no file, because the database is on a server" if file is None else f"{file} does not exist yet")
    try:
        return _inspect(file)
    except sqlite3.OperationalError as failed:
        # Do not advise the user to move the file away, because it is probably only locked or unreadable, and not
        # damaged.
        fix = "stop the program that has locked the file, or make the file and its folder readable and writable"
        return CheckResult("failed", f"{file} cannot be read: {failed}", fix)
    except sqlite3.DatabaseError as failed:
        return CheckResult("failed", f"{file} cannot be read: {failed}", _aside(file))


def _inspect(file: Path) -> CheckResult:
    journal, fault, version = _read_database(file)
    if fault != "ok":
        return CheckResult("failed", f"{file} is damaged: {fault}", _aside(file))
    if version is None:
        return ok(
            f"{file} has not been migrated to this release; the next command that opens the database will migrate it"
        )
    if journal != "wal":
        return CheckResult(
            "warning", f"{file} has journal mode {journal!r}, not 'wal'", "start a server, which sets the journal mode"
        )
    return ok(f"{file} is intact, schema {version}, journal mode wal")


def _read_database(file: Path) -> tuple[str, str, str | None]:
    """Return the journal mode, the first fault in the file (or 'ok'), and the name of the last migration."""
    connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=SECONDS / 2)
    try:
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
        fault = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        known = connection.execute("SELECT name FROM sqlite_master WHERE name = 'octave_migrations'").fetchone()
        version = connection.execute("SELECT max(version_num) FROM octave_migrations").fetchone()[0] if known else None
    finally:
        connection.close()
    return journal, fault, version


def store(settings: Settings) -> CheckResult:
    """Check that the database can be opened, read and written."""
    # Use a subprocess, because it can be killed while it waits for a lock or another machine. A thread cannot be
    # killed.
    command = [sys.executable, "-c", COMMAND, str(Path(octave_mcp.__file__).parents[1])]
    url = next(setting.value for setting in described(settings) if setting.name == "OCTAVE_DATABASE_URL")
    place = file_of(settings) or url
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SLOW_SECONDS - 1)  # noqa: S603 - the same Python
    except subprocess.TimeoutExpired:
        return CheckResult(
            "failed",
            f"{place} does not answer",
            f"stop the program that has locked the database, or {_remedy(settings)}",
        )
    if ended.returncode == 0:
        return ok(f"{place} can be opened, read and written")
    errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    text, _, fix = (errors[-1].removeprefix("error: ") if errors else ended.stderr[-300:]).partition("; ")
    return CheckResult("failed", text, _remedy(settings) if not fix or fix.startswith(DOCTOR) else fix)


def use() -> None:
    """Open the database, read from it, write to it, and exit. If one of these actions fails, print an error message.

    `store` runs this function in a subprocess.
    """

    async def failure() -> str:
        async with open_app_to_read(PLAIN) as app:
            return (await app.runs.failing()).get(STORE, "")

    try:
        reason = asyncio.run(failure())
    except OctaveError as failed:
        reason = str(failed)
    sys.exit(print_error(reason, FAILED) if reason else DONE)


def file_of(settings: Settings) -> Path | None:
    """Return the path of the database file, or None if the database is on a server."""
    return database_url.file_of(settings.url)


def _aside(file: Path) -> str:
    # The asterisk also moves the -wal and -shm files, which belong to this database and are useless without it.
    damaged = file.parent / "damaged"
    return f"restore a backup, or start with an empty database: mkdir '{damaged}' && mv '{file}'* '{damaged}'"


def _remedy(settings: Settings) -> str:
    file = file_of(settings)
    return (
        "free disk space, or check that the folder of the database is writable"
        if file
        else "check OCTAVE_DATABASE_URL, and that the database server is running"
    )
