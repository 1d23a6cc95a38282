"""Reads a log and its rotated files, one line at a time, and counts the lines that cannot be read."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from octave_mcp.domain.value import Value
from octave_mcp.errors import NotFound, SetupError
from octave_mcp.observability.log_file import RETENTION, ROTATION

# The lines that octave-mcp writes are shorter, because it cuts the text of each field.
MAX_LINE_BYTES = 1_000_000
# The text that loguru inserts into the name of a rotated file: the time, and a number if the name is taken.
ROTATED = r"\.\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{6}(?:\.\d+)?"

# The limits of these types keep sums and dates in the range of Python's types.
Time = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(9000, 1, 1, tzinfo=UTC))]
Count = Annotated[int, Field(ge=0, le=10**12)]
Amount = Annotated[float, Field(ge=0, le=1e12)]


class LogLine(BaseModel):
    """The fields of a log line that reports use.

    A line about a model call has `prompt`, and a line about a fetch has `fetched`. `caused_by` and `wait_for` describe
    a retry, as stamina logs it.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, defer_build=True)

    timestamp: Time
    level: str
    message: str
    run_id: str | None = None
    session_id: str | None = None
    step: str | None = None
    company: str | None = None
    event: str | None = None
    detail: str | None = None
    duration_ms: Amount | None = None
    success: bool | None = None
    error: str | None = None
    exception: str | None = None
    model: str | None = None
    prompt: str | None = None
    attempt: Count = 1
    wait_seconds: Amount | None = None
    input_tokens: Count = 0
    cached_tokens: Count = 0
    output_tokens: Count = 0
    usd: Amount | None = None
    reused: bool = False
    is_correction: bool = False
    fetched: str | None = None
    pages: Count = 0
    failed_pages: Count = 0
    cached_pages: Count = 0
    caused_by: str | None = Field(None, alias="stamina.caused_by")
    wait_for: Amount | None = Field(None, alias="stamina.wait_for")

    @property
    def seconds(self) -> float | None:
        return None if self.duration_ms is None else self.duration_ms / 1000


class UnreadableLines(Value):
    """The number of lines that could not be read, and the names of the files that contain them."""

    lines: int = 0
    files: tuple[str, ...] = ()


class Log:
    """A log file with its rotated files.

    After `lines` has been read to the end, `starts_at` is the time of the first line, and `unreadable` describes the
    lines that were skipped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.starts_at: datetime | None = None
        self._skipped = Counter[str]()

    @property
    def unreadable(self) -> UnreadableLines:
        return UnreadableLines(lines=self._skipped.total(), files=tuple(self._skipped))

    def lines(self) -> Iterator[LogLine]:
        """Yield the lines, those of the oldest file first. Only one line at a time is in memory.

        Raises:
            NotFound: If there is no log.
            SetupError: If a file cannot be read.
        """
        try:
            for path, file in self._files():
                with closing(file):
                    yield from self._lines_of(path, file)
        except OSError as failed:
            raise SetupError(
                f"cannot read the log {str(self.path)!r}: {failed.strerror}; name a log file that you can read with "
                "--file, or run the command as the user that runs the server"
            ) from None

    def _files(self) -> Iterator[tuple[Path, BinaryIO]]:
        # Open the current file before the rotated files are listed. If it is rotated in the meantime, the list contains
        # it, too, and it is not read twice.
        current = _opened(self.path)
        rotated = _rotated(self.path)
        if current is None and not rotated:
            raise NotFound(
                f"there is no log file {str(self.path)!r}; start a run, or name another log file with --file "
                "(octave-mcp config shows OCTAVE_HOME and OCTAVE_LOG_FILE)"
            )
        for path in rotated:
            if file := _opened(path):
                if current and os.path.sameopenfile(file.fileno(), current.fileno()):
                    file.close()
                else:
                    yield path, file
        if current:
            yield self.path, current

    def _lines_of(self, path: Path, file: BinaryIO) -> Iterator[LogLine]:
        for raw in _raw_lines(file):
            line = parsed(raw)
            if line:
                self.starts_at = min(self.starts_at or line.timestamp, line.timestamp)
                yield line
            elif raw is None or raw.strip():
                self._skipped[path.name] += 1


def parsed(raw: bytes | None) -> LogLine | None:
    """Return the line, or None if it was not written by octave-mcp or is damaged. `raw` is None if it is too long."""
    try:
        if raw and re.search(rb"\\u[dD]", raw):  # JSON of a lone surrogate, which pydantic and terminals do not accept
            raw = json.dumps(json.loads(raw), ensure_ascii=False).encode("utf-8", "replace")
        return LogLine.model_validate_json(raw) if raw else None
    except (ValueError, RecursionError):
        return None


def _raw_lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Yield each line, or None for a line that is too long."""
    while raw := file.readline(MAX_LINE_BYTES):
        is_whole = raw.endswith(b"\n") or len(raw) < MAX_LINE_BYTES
        yield raw if is_whole else None
        while not is_whole:
            rest = file.readline(MAX_LINE_BYTES)
            is_whole = rest.endswith(b"\n") or len(rest) < MAX_LINE_BYTES


def _opened(path: Path) -> BinaryIO | None:
    # A rotated file can be deleted at any time, because only the newest files are kept.
    with suppress(FileNotFoundError):
        return path.open("rb")
    return None


def _rotated(path: Path) -> list[Path]:
    """Return the rotated files, oldest first."""
    name = re.compile(f"{re.escape(path.stem)}{ROTATED}{re.escape(path.suffix)}")
    with suppress(FileNotFoundError):
        return sorted(sibling for sibling in path.parent.iterdir() if name.fullmatch(sibling.name))
    return []


def retention() -> str:
    return f"the log keeps only its newest {RETENTION + 1} files of {ROTATION}"
