"""Logs: one JSON object a line on stderr and in a file, plain lines on a terminal; secrets never, on stdout nothing."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from loguru import logger

from octave_mcp.concurrency.current import RUN_ID
from octave_mcp.domain.events import Event, EventName
from octave_mcp.domain.masking import MASK
from octave_mcp.errors import OctaveError, SetupError
from octave_mcp.observability.log_file import LogFile
from octave_mcp.settings import MIN_SECRET_LENGTH, Settings, secret_values, unknown

if TYPE_CHECKING:
    from loguru import Record

FIELDS = ("run_id", "session_id", "step", "company", "duration_ms", "success", "event")
RENDERED = "rendered"
# How many calls an event passes through on its way here: the line that is logged is the one that told it.
TELLERS = 4
# Loggers that may have handlers of their own, or keep their records from the root.
HAVE_THEIR_OWN = (
    "fastmcp",
    "mcp",
    "dbos",
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "asyncio",
    "httpx2",
    "stamina",
)

LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
RETRY_FIELDS = frozenset({"stamina.retry_num", "stamina.caused_by", "stamina.wait_for"})

# No field is longer, so that a line is written in one go and lines of several processes do not mix.
LONGEST_TEXT = 4000
# How one begins whose outermost calls would make it too long.
CUT_TRACEBACK = "Traceback (most recent call last):\n  ...\n"

SHAPES = (
    (re.compile(r"\b(?:sk|fc)-[\w-]{6,}"), MASK),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (
        re.compile(r"((?:api[_-]?key|token|secret|password)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;(){}]+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    (re.compile(r"(://)[^\s/@]+@"), rf"\1{MASK}@"),
)

HOW: dict[EventName, tuple[str, str]] = {
    "run_started": ("INFO", "run started"),
    "run_resumed": ("INFO", "run resumed"),
    "run_finished": ("INFO", "run finished"),
    "step_started": ("INFO", "step started"),
    "step_finished": ("INFO", "step finished"),
    "progress": ("DEBUG", "progress"),
    "waiting": ("INFO", "waiting for answers"),
    "answered": ("INFO", "answered"),
    "call_failed": ("WARNING", "call failed"),
}
COLOURS = {"DEBUG": "2", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}


def configure(settings: Settings, *, stderr_level: str | None = None, secrets: tuple[str, ...] = ()) -> None:
    """Sends every log of this process, the standard library's included, to stderr and to the file.

    `stderr_level` is the least that stderr shows, else that of the settings; the file has what the settings say.
    `secrets` are masked wherever they stand, and so are the secret settings.
    """
    scrub = scrubber((*secrets, *secret_values(settings)))
    logger.remove()
    logger.configure(patcher=_patcher(scrub))
    shown = _shown_on(sys.stderr)
    file = LogFile(_writable(settings), lambda record: _to_stderr(f"{shown(record, None)}\n"))
    _add(_to_stderr, stderr_level or settings.log_level, _form(shown, scrub))
    _add(file, settings.log_level, _form(_as_json, scrub))
    _route_standard_logging(settings.log_level)
    _log_uncaught()


def warn_of_unknown(settings: Settings) -> None:
    """Warns of names that look like settings but are not: who set them believes that they work."""
    if found := unknown(settings):
        logger.warning("unknown settings: {}; octave-mcp config lists the valid ones", ", ".join(found))


def _add(sink: Any, level: str, form: Callable[[Record], str]) -> None:  # noqa: ANN401 - loguru takes several kinds
    logger.add(sink, level=level, format=form, diagnose=False, backtrace=False)


def _shown_on(stream: TextIO) -> Callable[[Record, str | None], str]:
    """How a record is written there: characters that the stream cannot encode would be no JSON."""
    if stream.isatty():
        return _as_text
    is_utf8 = (stream.encoding or "utf-8").lower().replace("-", "") == "utf8"
    return partial(_as_json, ascii_only=not is_utf8)


def log_event(event: Event) -> None:
    """Logs what happened in a run.

    A failure that is none of ours is one nobody foresaw: told while it is handled, it is logged with its traceback.
    """
    level, message = HOW[event.event]
    failure = sys.exception() if event.event == "call_failed" else None
    unforeseen = failure if isinstance(failure, Exception) and not isinstance(failure, OctaveError) else None
    called = event.call.model_dump() if event.call else {}
    fields = event.model_dump(exclude={"at", "message", "call"}) | {"detail": event.message} | called
    logger.bind(**fields).opt(exception=unforeseen, depth=TELLERS).log("ERROR" if unforeseen else level, message)


def scrubber(secrets: tuple[str, ...]) -> Callable[[str], str]:
    """What masks these secrets, and whatever has the shape of one."""
    known = sorted({secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH}, key=len, reverse=True)
    values = re.compile("|".join(map(re.escape, known))) if known else None

    def scrub(text: str) -> str:
        if values:
            text = values.sub(MASK, text)
        for shape, mask in SHAPES:
            text = shape.sub(mask, text)
        return text

    return scrub


def _patcher(scrub: Callable[[str], str]) -> Callable[[Record], None]:
    def patch(record: Record) -> None:
        record["message"] = scrub(record["message"])[:LONGEST_TEXT]
        record["extra"].update({name: _scrubbed(value, scrub) for name, value in record["extra"].items()})

    return patch


def _scrubbed(value: object, scrub: Callable[[str], str]) -> object:
    """The value without secrets, as what JSON has; anything that it has not becomes its text."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return scrub(str(value))[:LONGEST_TEXT]


def _exception(record: Record, scrub: Callable[[str], str]) -> str | None:
    """The end of the traceback, which names the failure; None where there is none."""
    failed = record["exception"]
    if failed is None or failed.type is None:
        return None
    told = scrub("".join(traceback.format_exception(failed.type, failed.value, failed.traceback)))
    return told if len(told) <= LONGEST_TEXT else f"{CUT_TRACEBACK}{told[len(CUT_TRACEBACK) - LONGEST_TEXT :]}"


def _as_json(record: Record, exception: str | None, *, ascii_only: bool = False) -> str:
    extra = record["extra"]
    line: dict[str, Any] = {
        "timestamp": record["time"].astimezone(UTC).isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "message": record["message"],
        "module": record["name"],
        "function": record["function"],
        "line": record["line"],
    }
    line |= {name: extra.get(name) for name in FIELDS}
    line |= {name: value for name, value in extra.items() if name not in (*FIELDS, RENDERED)}
    return json.dumps(line | {"exception": exception}, ensure_ascii=ascii_only)


def _as_text(record: Record, exception: str | None) -> str:
    level = record["level"].name
    extra = {name: value for name, value in record["extra"].items() if value not in (None, "", 0) and name != RENDERED}
    fields = " ".join(f"{name}={value}" for name, value in extra.items())
    text = f"{record['time']:%H:%M:%S} {level:<7} {record['message']} {fields}".rstrip()
    if level in COLOURS and not os.environ.get("NO_COLOR"):
        text = f"\x1b[{COLOURS[level]}m{text}\x1b[0m"
    return text if exception is None else f"{text}\n{exception.rstrip()}"


def _form(form: Callable[[Record, str | None], str], scrub: Callable[[str], str]) -> Callable[[Record], str]:
    """What loguru asks of a format: a template. The line itself stands among the extras, where braces are harmless."""

    def template(record: Record) -> str:
        record["extra"].pop(RENDERED, None)
        record["extra"][RENDERED] = form(record, _exception(record, scrub))
        return f"{{extra[{RENDERED}]}}\n"

    return template


def _to_stderr(line: str) -> None:
    """Looked up anew for each line: a progress bar, or a test, puts its own stream in that place."""
    with suppress(OSError, ValueError):  # closed, or on a full disk: there is nowhere to say so
        sys.stderr.write(line)


def _writable(settings: Settings) -> Path:
    """The log file, in a folder that is there.

    Raises:
        SetupError: it cannot be written.
    """
    path = settings.log_file or settings.home / "logs" / "octave.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as failed:
        text = (
            f"cannot write to {str(path.parent)!r} ({failed.strerror}); set OCTAVE_HOME to a folder that can be written"
        )
        raise SetupError(text) from None
    return path


class _Forward(logging.Handler):
    """The standard library's logs, as ours. A retry is news for the file, not for someone who watches a terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        def say_where(ours: Record) -> None:
            ours["name"], ours["function"], ours["line"] = record.name, record.funcName, record.lineno

        level = "INFO" if record.name == "stamina" else record.levelname
        more = {name: value for name, value in vars(record).items() if name in RETRY_FIELDS} | {"run_id": RUN_ID.get()}
        logger.bind(**more).patch(say_where).opt(exception=record.exc_info).log(
            level if level in LEVELS else record.levelno, _text(record)
        )


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, LookupError):  # its arguments do not fit: whoever logs it must not fail for that
        return f"{record.msg} {record.args}"


def _route_standard_logging(level: str) -> None:
    """Every logger hands its records up to the root, and the root to us; others' notes below WARNING only for DEBUG."""
    root = logging.getLogger()
    root.handlers = [_Forward()]
    root.setLevel("DEBUG" if level == "DEBUG" else "WARNING")
    for name in HAVE_THEIR_OWN:
        theirs = logging.getLogger(name)
        theirs.handlers, theirs.propagate = [logging.NullHandler()], True  # DBOS adds its own where there is none
        theirs.setLevel(logging.NOTSET)
    logging.captureWarnings(capture=True)


def _log_uncaught() -> None:
    """What Python would print. A hook that somebody else has set, such as a debugger, stays."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _uncaught_in_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisable


def _uncaught(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, value, trace)
    else:
        logger.opt(exception=(kind, value, trace)).critical("uncaught exception")


def _uncaught_in_thread(failed: threading.ExceptHookArgs) -> None:
    if not issubclass(failed.exc_type, SystemExit):
        name = failed.thread.name if failed.thread else "unknown"
        exception = failed.exc_type, failed.exc_value, failed.exc_traceback
        logger.opt(exception=exception).error("uncaught exception in thread {}", name)


def _unraisable(failed: sys.UnraisableHookArgs) -> None:
    where = f"{failed.err_msg or 'exception ignored in'}: {failed.object!r}"
    logger.opt(exception=(failed.exc_type, failed.exc_value, failed.exc_traceback)).error("{}", where)
