"""The ID of the current task's run, which is added to all log records, including records written by libraries."""

from contextvars import ContextVar

RUN_ID: ContextVar[str | None] = ContextVar("run_id", default=None)
