"""The log file: it may be written by several processes, and its disk may be full."""

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
# How many full log files are kept beside the one being written.
RETENTION = 10


class LogFile:
    """A sink for loguru. While the file cannot be written, lines are lost, and `tell` gets one record that says so.

    loguru itself would print a traceback and the record, with its secrets, for each line. It does not do so for the
    logger of its own that this sink has, which rotates the file; `watch` makes each process follow when another has
    rotated it.
    """

    def __init__(self, path: Path, tell: Callable[[Record], None]) -> None:
        self._path, self._tell, self._is_broken = path, tell, False
        self._lines = copy.deepcopy(logger)
        self._lines.remove()
        self._lines.configure(patcher=_as_it_is)
        self._lines.add(
            path,
            level=0,
            rotation=ROTATION,
            retention=RETENTION,
            encoding="utf-8",
            errors="backslashreplace",
            delay=True,
            watch=True,
            catch=False,
        )

    def write(self, line: Message) -> None:
        try:
            self._lines.opt(raw=True).info(line)
        except OSError as failed:
            self._changed(line.record, f"{self._path} cannot be written: {failed.strerror}", is_broken=True)
        else:
            self._changed(line.record, f"{self._path} is written again", is_broken=False)

    def stop(self) -> None:
        with suppress(OSError):
            self._lines.remove()

    def _changed(self, record: Record, text: str, *, is_broken: bool) -> None:
        if is_broken != self._is_broken:
            self._is_broken = is_broken
            level = logger.level("ERROR" if is_broken else "INFO")
            own = {"level": level, "message": text, "name": __name__, "extra": dict[str, Any](), "exception": None}
            self._tell(cast("Record", {**record, **own}))


def _as_it_is(_: Record) -> None:
    """The line is masked and formatted already."""
