"""The machine: Python and packages, folders, the disk, the network, the clock."""

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
from octave_mcp.surfaces.cli.checks.check import Found, Status, ok
from octave_mcp.surfaces.cli.checks.database import file_of

OLDEST_PYTHON = (3, 11)
MIN_BYTES, FEW_BYTES = 100 * 2**20, 2**30
# File systems of other machines, on which SQLite's locks do not hold.
REMOTE = frozenset("9p afs ceph cifs drvfs fuse.glusterfs fuse.sshfs nfs nfs4 smb3 smbfs vboxsf".split())
PACKAGES = (
    "brotli chardetng_py dbos fastmcp filelock httpx2 idna jinja2 lxml.etree markdown_it mcp prometheus_client protego "
    "psycopg publicsuffixlist py3langid selectolax sqlalchemy sse_starlette stamina starlette uvicorn webencodings"
).split()
PUBLIC_NAME = "example.com"
DAY_SECONDS = 86_400


def python(_: Settings) -> Found:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        return Found("failed", f"{version} at {sys.executable}", "install Python 3.11 or newer, and octave-mcp with it")
    return ok(f"{version} at {sys.executable}")


def packages(_: Settings) -> Found:
    broken = [f"{name} ({why})" for name in PACKAGES if (why := _import_fault(name))]
    if broken:
        fix = "make clean demo in a checkout; elsewhere pip install --force-reinstall from the same place as before"
        return Found("failed", f"cannot be loaded: {', '.join(broken)}", fix)
    return ok(f"all {len(PACKAGES)} can be loaded")


def _import_fault(name: str) -> str:
    try:
        importlib.import_module(name)
    except (ImportError, OSError) as failed:
        return str(failed)
    return ""


def prompt_files(_: Settings) -> Found:
    found = prompts.names()
    for name in found:
        prompts.load(name)
    return (
        ok(f"all {len(found)} can be read") if found else Found("failed", "there are none", "reinstall octave-playbook")
    )


def home(settings: Settings) -> Found:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=settings.home).close()
    except OSError as failed:
        fix = "set OCTAVE_HOME to a folder that can be written"
        return Found("failed", f"cannot write to {settings.home}: {failed.strerror}", fix)
    return ok(f"{settings.home} can be written")


def log_file(settings: Settings) -> Found:
    path = settings.log_file or settings.home / "logs" / "octave.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as failed:
        fix = f"set {'OCTAVE_LOG_FILE' if settings.log_file else 'OCTAVE_HOME'} to a place that can be written"
        return Found("failed", f"cannot write to {path}: {failed.strerror}", fix)
    return ok(f"{path} can be written")


def disk(settings: Settings) -> Found:
    free = shutil.disk_usage(_there(settings.home)).free
    text = f"{free / 2**30:.1f} GB free for {settings.home}"
    if free < FEW_BYTES:
        status: Status = "failed" if free < MIN_BYTES else "warning"
        return Found(status, text, "free some space, or set OCTAVE_HOME to another disk")
    return ok(text)


def file_system(settings: Settings) -> Found:
    """A write-ahead log is shared through memory, which two machines do not have in common."""
    if file_of(settings) is None:
        return ok("not needed: the database is a server's")
    kind = _kind_of_file_system(settings.home)
    if kind in REMOTE:
        text = f"{settings.home} is on {kind}, where two processes may damage the database"
        return Found("warning", text, "set OCTAVE_HOME to a local disk, or OCTAVE_DATABASE_URL to a Postgres server")
    return ok(f"{settings.home} is on {kind or 'a disk'}")


def _kind_of_file_system(folder: Path) -> str:
    """As Linux names it; '' elsewhere."""
    mounts = Path("/proc/self/mounts")
    if not mounts.is_file():
        return ""
    place = _there(folder).resolve()
    found = (line.split() for line in mounts.read_text("utf-8", "replace").splitlines())
    kinds = {Path(point.replace("\\040", " ")): kind for _, point, kind, *_ in found}
    return next((kinds[above] for above in (place, *place.parents) if above in kinds), "")


def dns(_: Settings) -> Found:
    try:
        socket.getaddrinfo(PUBLIC_NAME, 443)
    except OSError as failed:
        text = f"{PUBLIC_NAME} is not found ({failed.strerror})"
        return Found("warning", text, "connect to the network; octave-mcp demo works without")
    return ok(f"{PUBLIC_NAME} is found")


def certificates(_: Settings) -> Found:
    tls_context()
    return ok("can be read")


def clock(_: Settings) -> Found:
    now = time.time()
    if Path(octave_mcp.__file__).stat().st_mtime > now + DAY_SECONDS:
        return Found("warning", "the clock is behind: octave-mcp was installed in its future", "set the clock")
    return ok(f"{time.strftime('%Y-%m-%d %H:%M %z', time.localtime(now))}")


def _there(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())
