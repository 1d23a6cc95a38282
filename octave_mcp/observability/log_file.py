"""A log file that several processes can write to, and that recovers from a full disk."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from loguru import logger

if TYPE_CHECKING:
    from loguru import Message, Record

ROTATION = "10 MB"
RETENTION = 10


class LogFile:
    """A loguru sink that writes to a rotated file.

    Lines are lost while the file cannot be written. `report` receives a record when writing starts to fail, and another
    record when writing works again.
    """

    def __init__(self, path: Path, report: Callable[[Record], None]) -> None:
        self._path, self._report, self._is_failing = path, report, False
        # If loguru's own file sink cannot write a line, it prints the record, in which the exception is not masked. A
        # separate logger with catch=False prints nothing: it raises the OSError, which `write` handles.
        self._lines = copy.deepcopy(logger)
        self._lines.remove()
        self._lines.configure(patcher=_unchanged)
        self._lines.add(
            path,
            level=0,
            rotation=ROTATION,
            retention=RETENTION,
            encoding="utf-8",
            errors="backslashreplace",
            delay=True,
            watch=True,  # reopen the file after another process has rotated it
            catch=False,
        )

    def write(self, line: Message) -> None:
        try:
            self._lines.opt(raw=True).info(line)
        except OSError as failed:
            self._report_change(line.record, f"cannot write to {self._path}: {failed.strerror}", is_failing=True)
        else:
            self._report_change(line.record, f"can write to {self._path} again", is_failing=False)

    def stop(self) -> None:
        with suppress(OSError):
            self._lines.remove()

    def _report_change(self, record: Record, text: str, *, is_failing: bool) -> None:
        if is_failing != self._is_failing:
            self._is_failing = is_failing
            level = logger.level("ERROR" if is_failing else "INFO")
            own = {"level": level, "message": text, "name": __name__, "extra": dict[str, Any](), "exception": None}
            # `report` must not use loguru. A sink cannot log while it handles a record, because loguru rejects such
            # records to avoid a deadlock.
            self._report(cast("Record", {**record, **own}))


def _unchanged(_: Record) -> None:
    """Leave the record unchanged. The lines are already masked, so the copied logger must not mask them again."""
