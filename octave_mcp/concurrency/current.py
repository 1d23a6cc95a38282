"""The id of the run that the current task works for, so that log records of libraries carry it, too."""

from contextvars import ContextVar

RUN_ID: ContextVar[str | None] = ContextVar("run_id", default=None)
