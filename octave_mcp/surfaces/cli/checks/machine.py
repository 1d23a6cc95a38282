"""Checks of the machine: Python, packages, folders, disk, network and clock."""

from __future__ import annotations

import importlib
import shutil
import socket
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile

import octave_mcp
from octave_mcp.asks import prompts
from octave_mcp.concurrency.tls import tls_context
from octave_mcp.settings import Settings
from octave_mcp.surfaces.cli.checks.check import CheckResult, Status, ok
from octave_mcp.surfaces.cli.checks.database import file_of

MIN_PYTHON = (3, 11)
FAILED_BELOW_BYTES, WARNING_BELOW_BYTES = 100 * 2**20, 2**30
# Types of file systems that several machines can share, and on which SQLite's locks can be unreliable.
REMOTE_FILE_SYSTEMS = frozenset("9p afs ceph cifs drvfs fuse.glusterfs fuse.sshfs nfs nfs4 smb3 smbfs vboxsf".split())
PACKAGES = (
    "brotli chardetng_py dbos fastmcp filelock httpx2 idna jinja2 lxml.etree markdown_it mcp prometheus_client protego "
    "psycopg publicsuffixlist py3langid selectolax sqlalchemy sse_starlette stamina starlette uvicorn webencodings"
).split()
PUBLIC_DOMAIN = "example.com"
DAY_SECONDS = 86_400


def python(_: Settings) -> CheckResult:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < MIN_PYTHON:
        return CheckResult(
            "failed", f"{version} at {sys.executable}", "install Python 3.11 or newer, and then octave-mcp"
        )
    return ok(f"{version} at {sys.executable}")


def packages(_: Settings) -> CheckResult:
    broken = [f"{name} ({error})" for name in PACKAGES if (error := _import_error(name))]
    if broken:
        fix = "in a Git checkout, run make clean demo; elsewhere, reinstall with pip install --force-reinstall"
        return CheckResult("failed", f"cannot import {', '.join(broken)}", fix)
    return ok(f"all {len(PACKAGES)} packages can be imported")


def _import_error(name: str) -> str:
    try:
        importlib.import_module(name)
    except (ImportError, OSError) as failed:
        return str(failed)
    return ""


def prompt_files(_: Settings) -> CheckResult:
    names = prompts.names()
    for name in names:
        prompts.load(name)
    if not names:
        return CheckResult("failed", "there are no prompt files", "reinstall octave-playbook")
    return ok(f"all {len(names)} prompt files can be read")


def home(settings: Settings) -> CheckResult:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=settings.home).close()
    except OSError as failed:
        fix = "set OCTAVE_HOME to a writable folder"
        return CheckResult("failed", f"cannot write to {settings.home}: {failed.strerror}", fix)
    return ok(f"{settings.home} is writable")


def log_file(settings: Settings) -> CheckResult:
    path = settings.log_file or settings.home / "logs" / "octave.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as failed:
        fix = f"set {'OCTAVE_LOG_FILE' if settings.log_file else 'OCTAVE_HOME'} to a writable path"
        return CheckResult("failed", f"cannot write to {path}: {failed.strerror}", fix)
    return ok(f"{path} is writable")


def disk(settings: Settings) -> CheckResult:
    free = shutil.disk_usage(_nearest_existing(settings.home)).free
    text = f"{free / 2**30:.1f} GB free for {settings.home}"
    if free < WARNING_BELOW_BYTES:
        status: Status = "failed" if free < FAILED_BELOW_BYTES else "warning"
        return CheckResult(status, text, "free disk space, or set OCTAVE_HOME to a folder on another disk")
    return ok(text)


def file_system(settings: Settings) -> CheckResult:
    """Warn if the database is on a network file system.

    The processes that use SQLite share its write-ahead log through memory, which works only on a single machine.
    """
    if file_of(settings) is None:
        return ok("not needed, because the database is on a server")
    kind = _kind_of_file_system(settings.home)
    if kind in REMOTE_FILE_SYSTEMS:
        text = f"{settings.home} is on {kind}, where two processes can damage the database"
        return CheckResult(
            "warning", text, "set OCTAVE_HOME to a folder on a local disk, or OCTAVE_DATABASE_URL to a Postgres server"
        )
    return ok(f"{settings.home} is on {kind or 'an unknown file system'}")


def _kind_of_file_system(folder: Path) -> str:
    """Return the type of the file system, such as 'ext4' or 'nfs4', or '' on systems without /proc/self/mounts."""
    mounts = Path("/proc/self/mounts")
    if not mounts.is_file():
        return ""
    place = _nearest_existing(folder).resolve()
    lines = (line.split() for line in mounts.read_text("utf-8", "replace").splitlines())
    # In /proc/self/mounts, Linux writes a space in a path as \040.
    kinds = {Path(point.replace("\\040", " ")): kind for _, point, kind, *_ in lines}
    return next((kinds[parent] for parent in (place, *place.parents) if parent in kinds), "")


def dns(_: Settings) -> CheckResult:
    try:
        socket.getaddrinfo(PUBLIC_DOMAIN, 443)
    except OSError as failed:
        text = f"{PUBLIC_DOMAIN} cannot be resolved ({failed.strerror})"
        return CheckResult("warning", text, "connect to the network; only octave-mcp demo works without a network")
    return ok(f"{PUBLIC_DOMAIN} can be resolved")


def certificates(_: Settings) -> CheckResult:
    tls_context()
    return ok("trusted certificates can be loaded")


def clock(_: Settings) -> CheckResult:
    now = time.time()
    if Path(octave_mcp.__file__).stat().st_mtime > now + DAY_SECONDS:
        return CheckResult(
            "warning", "the clock is wrong: it shows a time before octave-mcp was installed", "set the clock"
        )
    return ok(f"{time.strftime('%Y-%m-%d %H:%M %z', time.localtime(now))}")


def _nearest_existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
