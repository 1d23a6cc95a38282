"""The command `doctor`, which runs all checks and prints how to fix the problems that they find."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

from octave_mcp.domain.value import Value
from octave_mcp.errors import OctaveError, SetupError
from octave_mcp.observability import logs
from octave_mcp.settings import Settings, fallback, load, secret_values
from octave_mcp.surfaces.cli.checks import CHECKS
from octave_mcp.surfaces.cli.checks.check import Check, CheckResult, Status
from octave_mcp.surfaces.cli.terminal import DONE, FAILED, PLAIN, Output, counted

# If a check raises one of these errors, the check's result is the message of the error. Any other exception is a bug in
# the check, and the check's thread prints its traceback.
EXPECTED_ERRORS = (OctaveError, OSError, ImportError, ValueError, subprocess.SubprocessError)


class DiagnosisEntry(Value):
    """The result of one check, as printed. `fix`: the command or setting that solves the problem."""

    name: str
    status: Status
    found: str
    fix: str = ""


class Diagnosis(Value):
    """The results of all checks. `status` is the worst status; a check of something that is not set up counts as ok."""

    status: Status
    findings: tuple[DiagnosisEntry, ...]


def doctor(*, output: Output = PLAIN) -> int:
    """Check the installation, the settings and the environment, and print how to fix each problem.

    A check that failed found a problem, and a warning is worth a look. If something is not set up, you can do without
    it. Exits with 1 if a check failed.
    """
    entries = examine(CHECKS, _settings())
    statuses = {entry.status for entry in entries}
    worst: Status = "failed" if "failed" in statuses else "warning" if "warning" in statuses else "ok"
    output.result(Diagnosis(status=worst, findings=entries), lambda: _text(entries))
    return FAILED if worst == "failed" else DONE


def _settings() -> Settings:
    try:
        return load()
    except SetupError:
        return fallback()


def examine(checks: Iterable[Check], settings: Settings) -> tuple[DiagnosisEntry, ...]:
    """Run the checks in parallel and return their results in order, with secrets masked."""
    # Wait for a check only until its timeout. The thread of a check that timed out can continue, because a daemon
    # thread does not keep the process from exiting.
    scrub = logs.scrubber(secret_values(settings))
    started_at = time.monotonic()
    running = [(check, *_start(check, settings)) for check in checks]
    entries: list[DiagnosisEntry] = []
    for check, thread, results in running:
        thread.join(max(0, started_at + check.seconds - time.monotonic()))
        result = results[0] if results else CheckResult("failed", *_without_result(check, thread))
        entries.append(
            DiagnosisEntry(name=check.name, status=result.status, found=scrub(result.text), fix=scrub(result.fix))
        )
    return tuple(entries)


def _start(check: Check, settings: Settings) -> tuple[threading.Thread, list[CheckResult]]:
    results: list[CheckResult] = []

    def look() -> None:
        try:
            results.append(check.look(settings))
        except EXPECTED_ERRORS as failed:
            # Our error messages have the form "what is wrong; what to do".
            text, _, fix = str(failed).partition("; ")
            results.append(CheckResult("failed", text or type(failed).__name__, fix))

    thread = threading.Thread(target=look, name=check.name, daemon=True)
    thread.start()
    return thread, results


def _without_result(check: Check, thread: threading.Thread) -> tuple[str, str]:
    if thread.is_alive():
        return (
            f"no answer within {check.seconds:.0f} s",
            "try again; if it happens again, restart the program or server that is being checked",
        )
    return "the check itself crashed", "report the traceback above as a bug"


def _text(entries: tuple[DiagnosisEntry, ...]) -> str:
    width, status_width = (max(map(len, column)) for column in zip(*((e.name, e.status) for e in entries), strict=True))
    lines: list[str] = []
    for entry in entries:
        lines.append(f"{entry.status:<{status_width}}  {entry.name:<{width}}  {entry.found}")
        if entry.fix:
            lines.append(f"{'':<{status_width}}  {'':<{width}}  -> {entry.fix}")
    counts = Counter[Status](entry.status for entry in entries)
    return "\n".join((*lines, "", ", ".join(_counted(counts))))


def _counted(counts: Counter[Status]) -> Iterator[str]:
    """Yield how many checks have each status, as in '2 warnings'."""
    for status in get_args(Status):
        if number := counts[status]:
            yield counted(number, status) if status == "warning" else f"{number} {status}"
