"""The id of the run that the current task belongs to, for log records, including those of libraries."""

from contextvars import ContextVar

RUN_ID: ContextVar[str | None] = ContextVar("run_id", default=None)
