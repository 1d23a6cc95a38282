"""Looks at everything that has to be right, and says what is not, why, and what to do."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterable

from octave_mcp.domain.value import Value
from octave_mcp.errors import OctaveError, SetupError
from octave_mcp.observability import logs
from octave_mcp.settings import Settings, fallback, load, secret_values
from octave_mcp.surfaces.cli.checks import CHECKS
from octave_mcp.surfaces.cli.checks.check import Check, Found, Status
from octave_mcp.surfaces.cli.terminal import DONE, FAILED, PLAIN, Output

FORESEEN = (OctaveError, OSError, ImportError, ValueError, subprocess.SubprocessError)


class Finding(Value):
    """What a check found; `fix` is the command or the setting that helps."""

    name: str
    status: Status
    found: str
    fix: str = ""


class Diagnosis(Value):
    """`status` is the worst of the findings."""

    status: Status
    findings: tuple[Finding, ...]


def doctor(*, output: Output = PLAIN) -> int:
    """Check what octave-mcp needs; each failure with its cause and what to do. Exits with 1 if something failed."""
    findings = examine(CHECKS, _settings())
    statuses = {finding.status for finding in findings}
    worst: Status = "failed" if "failed" in statuses else "warning" if "warning" in statuses else "ok"
    output.result(Diagnosis(status=worst, findings=findings), lambda: _text(findings))
    return FAILED if worst == "failed" else DONE


def _settings() -> Settings:
    try:
        return load()
    except SetupError:
        return fallback()


def examine(checks: Iterable[Check], settings: Settings) -> tuple[Finding, ...]:
    """Side by side. One that hangs is left behind, in a thread that does not keep the process."""
    scrub = logs.scrubber(secret_values(settings))
    began = time.monotonic()
    looking = [(check, *_begin(check, settings)) for check in checks]
    found: list[Finding] = []
    for check, thread, results in looking:
        thread.join(max(0, began + check.seconds - time.monotonic()))
        one = results[0] if results else Found("failed", *_silent(check, thread))
        found.append(Finding(name=check.name, status=one.status, found=scrub(one.text), fix=scrub(one.fix)))
    return tuple(found)


def _begin(check: Check, settings: Settings) -> tuple[threading.Thread, list[Found]]:
    results: list[Found] = []

    def look() -> None:
        try:
            results.append(check.look(settings))
        except FORESEEN as failed:
            text, _, fix = str(failed).partition("; ")
            results.append(Found("failed", text or type(failed).__name__, fix))

    thread = threading.Thread(target=look, name=check.name, daemon=True)
    thread.start()
    return thread, results


def _silent(check: Check, thread: threading.Thread) -> tuple[str, str]:
    if thread.is_alive():
        return f"no answer within {check.seconds:.0f} s", "try again; if it stays so, restart what it waits for"
    return "the check itself failed", "report the lines above"


def _text(findings: tuple[Finding, ...]) -> str:
    width = max(len(finding.name) for finding in findings)
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.status:<7}  {finding.name:<{width}}  {finding.found}")
        if finding.fix:
            lines.append(f"{'':<7}  {'':<{width}}  -> {finding.fix}")
    counts = Counter(finding.status for finding in findings)
    summary = ", ".join(f"{counts[status]} {status}" for status in ("ok", "warning", "failed") if counts[status])
    return "\n".join((*lines, "", summary))
