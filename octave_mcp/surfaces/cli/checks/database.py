"""What is kept: the database as a file, and as the store that opens it."""

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
from octave_mcp.surfaces.cli.checks.check import SECONDS, SLOW_SECONDS, Found, ok
from octave_mcp.surfaces.cli.terminal import DONE, FAILED, PLAIN, reading, refuse

COMMAND = "import sys; sys.path.insert(0, sys.argv[1]); from octave_mcp.surfaces.cli.checks.database import use; use()"
# How the advice of an error begins that sends its reader here.
HERE = "'octave-mcp doctor'"


def database_file(settings: Settings) -> Found:
    file = file_of(settings)
    if file is None or not file.exists():
        return ok("none, the database is a server's" if file is None else f"{file} is not there yet")
    try:
        return _looked_at(file)
    except sqlite3.OperationalError as failed:  # locked, or not ours to read: it may well be sound
        fix = "end the program that holds it, or check that you can read and write it and its folder"
        return Found("failed", f"{file} cannot be read: {failed}", fix)
    except sqlite3.DatabaseError as failed:
        return Found("failed", f"{file} cannot be read: {failed}", _aside(file))


def _looked_at(file: Path) -> Found:
    journal, fault, version = _read_database(file)
    if fault != "ok":
        return Found("failed", f"{file} is damaged: {fault}", _aside(file))
    if version is None:
        then = "the first server or command that opens it does that"
        return ok(f"{file} has not been migrated to this release yet; {then}")
    if journal != "wal":
        return Found("warning", f"{file} has no write-ahead log but {journal!r}", "it gets one when a server opens it")
    return ok(f"{file} is sound, schema {version}, with a write-ahead log")


def _read_database(file: Path) -> tuple[str, str, str | None]:
    """Its journal mode, 'ok' or what is wrong with it, and the number of its last migration."""
    connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=SECONDS / 2)
    try:
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
        fault = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        known = connection.execute("SELECT name FROM sqlite_master WHERE name = 'octave_migrations'").fetchone()
        version = connection.execute("SELECT max(version_num) FROM octave_migrations").fetchone()[0] if known else None
    finally:
        connection.close()
    return journal, fault, version


def store(settings: Settings) -> Found:
    """By a process of its own: one that waits for a lock or for another machine can be ended."""
    command = [sys.executable, "-c", COMMAND, str(Path(octave_mcp.__file__).parents[1])]
    place = file_of(settings) or next(one.value for one in described(settings) if one.name == "OCTAVE_DATABASE_URL")
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SLOW_SECONDS - 1)  # noqa: S603 - this very python
    except subprocess.TimeoutExpired:
        return Found("failed", f"{place} does not answer", f"end the program that holds it, or {_remedy(settings)}")
    if ended.returncode == 0:
        return ok(f"{place} opens, and can be read and written")
    said = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    text, _, fix = (said[-1].removeprefix("error: ") if said else ended.stderr[-300:]).partition("; ")
    return Found("failed", text, _remedy(settings) if not fix or fix.startswith(HERE) else fix)


def use() -> None:
    """Open the store, read and write it, and exit: with a message if that fails."""

    async def used() -> str:
        async with reading(PLAIN) as app:
            return (await app.runs.failing()).get(STORE, "")

    try:
        reason = asyncio.run(used())
    except OctaveError as failed:
        reason = str(failed)
    sys.exit(refuse(reason, FAILED) if reason else DONE)


def file_of(settings: Settings) -> Path | None:
    """The file that it is; None where it is a server's."""
    return database_url.file_of(settings.url)


def _aside(file: Path) -> str:
    """With the files beside it, which are of no use without it."""
    damaged = file.parent / "damaged"
    return f"restore a backup, or begin anew: mkdir '{damaged}' && mv '{file}'* '{damaged}'"


def _remedy(settings: Settings) -> str:
    file = file_of(settings)
    return (
        "free space on its disk, or check that its folder can be written"
        if file
        else "check OCTAVE_DATABASE_URL and that its server is running"
    )
