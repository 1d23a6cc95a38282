"""Configures logging: JSON lines on stderr and in a file, or plain text on a terminal, with secrets masked.

Nothing is logged to stdout.
"""

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
from typing import TYPE_CHECKING, Any, TextIO, cast

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
RENDERED, _EVENT = "rendered", "run_event"
# The log names the function that emitted an event. Usually, that function is this many stack frames above `log_event`.
EVENT_DEPTH = 4
# Remove the handlers of these libraries and turn on propagation, so that all of their records reach the root logger.
LIBRARY_LOGGERS = (
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

# Maximum characters per field. Short lines are usually written in a single system call, so that lines from several
# processes rarely mix.
MAX_TEXT_LENGTH = 4000
CUT_TRACEBACK = "Traceback (most recent call last):\n  ...\n"

# Matches secrets that are not in our settings, such as a key that a provider's error quotes.
SECRET_SHAPES = (
    # API keys: OpenAI's 'sk-proj-...', Anthropic's 'sk-ant-...' and Firecrawl's 'fc-...'.
    (re.compile(r"\b(?:sk|fc)-[\w-]{6,}"), MASK),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    # Matches, for example, "token": "abc" in JSON. Only 'abc' is masked; the name 'token' shows what kind of secret it
    # was.
    (
        re.compile(r"((?:api[_-]?key|token|secret|password)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;(){}]+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    (re.compile(r"(://)[^\s/@]+@"), rf"\1{MASK}@"),
)

EVENT_LINES: dict[EventName, tuple[str, str]] = {
    "run_started": ("INFO", "run started"),
    "run_resumed": ("INFO", "run resumed"),
    "run_finished": ("INFO", "run finished"),
    "step_started": ("INFO", "step started"),
    "step_finished": ("INFO", "step finished"),
    "call_finished": ("DEBUG", "call finished"),
    "progress": ("DEBUG", "progress"),
    "waiting": ("INFO", "waiting for answers"),
    "answered": ("INFO", "answered"),
    "call_failed": ("WARNING", "call failed"),
    "fetched": ("INFO", "fetched"),
    "found": ("DEBUG", "found"),
}
COLOURS = {"DEBUG": "2", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}


def configure(settings: Settings, *, stderr_level: str | None = None, secrets: tuple[str, ...] = ()) -> None:
    """Send all logs of this process, including those of the standard library, to stderr and to the log file.

    `stderr_level` replaces the level in the settings for stderr only. `secrets` are masked in addition to the
    secrets in the settings.
    """
    scrub = scrubber((*secrets, *secret_values(settings)))
    logger.remove()
    logger.configure(patcher=_patcher(scrub))
    render = _renderer(sys.stderr)
    file = LogFile(_writable_file(settings), lambda record: _to_stderr(f"{render(record, None)}\n"))
    _add(_to_stderr, stderr_level or settings.log_level, _template(render, scrub))
    _add(file, settings.log_level, _template(_as_json, scrub))
    _route_standard_logging(settings.log_level)
    _log_uncaught()


def warn_about_unknown(settings: Settings) -> None:
    """Log a warning if there are unknown settings, which are usually misspelt."""
    if names := unknown(settings):
        text = "unknown settings have no effect: {}; check the spelling (octave-mcp config lists the valid names)"
        logger.warning(text, ", ".join(names))


def _add(sink: Any, level: str, template: Callable[[Record], str]) -> None:  # noqa: ANN401 - loguru takes several kinds
    # With `diagnose`, loguru would print the values of local variables, which can be secrets.
    logger.add(sink, level=level, format=template, diagnose=False, backtrace=False)


def _renderer(stream: TextIO) -> Callable[[Record, str | None], str]:
    if stream.isatty():
        return _as_text
    # If the encoding of stderr is not UTF-8, write only ASCII, because Python could write 'é' as '\xe9', which JSON
    # does not allow.
    is_utf8 = (stream.encoding or "utf-8").lower().replace("-", "") == "utf8"
    return partial(_as_json, ascii_only=not is_utf8)


def log_event(event: Event) -> None:
    """Log an event of a run. If a call failed with an exception other than `OctaveError`, also log the traceback."""
    level, message = EVENT_LINES[event.event]
    # A `call_failed` event does not contain the exception, but is emitted in the exception handler, so
    # `sys.exception()` returns the exception.
    failure = sys.exception() if event.event == "call_failed" else None
    unexpected = failure if isinstance(failure, Exception) and not isinstance(failure, OctaveError) else None
    # The patcher replaces the event with its fields. loguru calls the patcher only if a handler accepts the level, so
    # no time is spent on events that are not logged.
    log = logger.bind(**{_EVENT: event}).opt(exception=unexpected, depth=EVENT_DEPTH)
    log.log("ERROR" if unexpected else level, message)


def _fields(event: Event) -> dict[str, Any]:
    fields = event.model_dump(exclude={"at", "message", "call", "fetch"}) | {"detail": event.message}
    for part in (event.call, event.fetch):
        fields |= part.model_dump() if part else {}
    return fields


def scrubber(secrets: tuple[str, ...]) -> Callable[[str], str]:
    """Return a function that masks the given secrets and everything that looks like a secret."""
    # Mask the longest secrets first, so that a secret that starts with another secret is masked as a whole.
    known = sorted({secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH}, key=len, reverse=True)
    values = re.compile("|".join(map(re.escape, known))) if known else None

    def scrub(text: str) -> str:
        if values:
            text = values.sub(MASK, text)
        for shape, mask in SECRET_SHAPES:
            text = shape.sub(mask, text)
        return text

    return scrub


def _patcher(scrub: Callable[[str], str]) -> Callable[[Record], None]:
    def patch(record: Record) -> None:
        record["message"] = scrub(record["message"])[:MAX_TEXT_LENGTH]
        extra = record["extra"]
        event: Event | None = extra.pop(_EVENT, None)
        extra |= _fields(event) if event else {}
        extra.update({name: _scrubbed(value, scrub) for name, value in extra.items()})

    return patch


def _scrubbed(value: object, scrub: Callable[[str], str]) -> object:
    """Return a value that JSON can represent.

    Finite numbers, bools and None stay unchanged, and tuples become lists. All other values become text in which
    secrets are masked.
    """
    if isinstance(value, tuple):
        return [_scrubbed(one, scrub) for one in cast("tuple[object, ...]", value)]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return scrub(str(value))[:MAX_TEXT_LENGTH]


def _exception(record: Record, scrub: Callable[[str], str]) -> str | None:
    """Return the record's traceback, if any.

    A long traceback is cut at the start, because its end contains the error message.
    """
    failed = record["exception"]
    if failed is None or failed.type is None:
        return None
    text = scrub("".join(traceback.format_exception(failed.type, failed.value, failed.traceback)))
    return text if len(text) <= MAX_TEXT_LENGTH else f"{CUT_TRACEBACK}{text[len(CUT_TRACEBACK) - MAX_TEXT_LENGTH :]}"


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


def _template(render: Callable[[Record, str | None], str], scrub: Callable[[str], str]) -> Callable[[Record], str]:
    """Return a format function. It returns a template, because loguru does not accept a finished line."""

    def template(record: Record) -> str:
        # The line is passed as an extra, because loguru would interpret braces in the line as fields of the template.
        record["extra"].pop(RENDERED, None)
        record["extra"][RENDERED] = render(record, _exception(record, scrub))
        return f"{{extra[{RENDERED}]}}\n"

    return template


def _to_stderr(line: str) -> None:
    # `sys.stderr` is looked up for each line, because a progress bar may have replaced the stream. If the stream is
    # closed or the disk is full, ignore the error, because there is no place left to report it.
    with suppress(OSError, ValueError):
        sys.stderr.write(line)


def log_path(settings: Settings) -> Path:
    return settings.log_file or settings.home / "logs" / "octave.jsonl"


def _writable_file(settings: Settings) -> Path:
    """Return the path of the log file after creating its folder.

    Raises:
        SetupError: If the file cannot be written.
    """
    path = log_path(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as failed:
        text = f"cannot write to {str(path.parent)!r} ({failed.strerror}); set OCTAVE_HOME to a writable folder"
        raise SetupError(text) from None
    return path


class _Forward(logging.Handler):
    """Forwards the records of the standard library's `logging` to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        def set_origin(ours: Record) -> None:
            ours["name"], ours["function"], ours["line"] = record.name, record.funcName, record.lineno

        # stamina logs each retry as a warning. Log retries as INFO, because a retry that can still succeed should not
        # alarm the user of a terminal.
        level = "INFO" if record.name == "stamina" else record.levelname
        more = {name: value for name, value in vars(record).items() if name in RETRY_FIELDS} | {"run_id": RUN_ID.get()}
        logger.bind(**more).patch(set_origin).opt(exception=record.exc_info).log(
            level if level in LEVELS else record.levelno, _text(record)
        )


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, LookupError):  # arguments that do not match the format must not crash the caller
        return f"{record.msg} {record.args}"


def _route_standard_logging(level: str) -> None:
    """Route the standard library's loggers through the root logger to loguru.

    Messages below WARNING from libraries are logged only if our log level is DEBUG.
    """
    root = logging.getLogger()
    root.handlers = [_Forward()]
    root.setLevel("DEBUG" if level == "DEBUG" else "WARNING")
    for name in LIBRARY_LOGGERS:
        library = logging.getLogger(name)
        # The NullHandler is for DBOS, which adds its own handler to its logger if the logger has none.
        library.handlers, library.propagate = [logging.NullHandler()], True
        library.setLevel(logging.NOTSET)
    logging.captureWarnings(capture=True)


def _log_uncaught() -> None:
    """Log uncaught exceptions instead of letting Python print them.

    Hooks that a debugger has installed stay in place.
    """
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
