"""What the current task works for: its run, and the caller's trace."""

from __future__ import annotations

import re
from contextvars import ContextVar

# This ID is added to all log records, including records written by libraries.
RUN_ID: ContextVar[str | None] = ContextVar("run_id", default=None)
# When the run began to read pages, as a time of the event loop. The computing thread executes the jobs of runs in this
# order. Before that time, and outside of runs, it is None.
READING_SINCE: ContextVar[float | None] = ContextVar("reading_since", default=None)
# The W3C trace context of the request that is being answered or, in the task of a run, of the request that started it.
TRACE_PARENT: ContextVar[str | None] = ContextVar("trace_parent", default=None)

_VALID = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def valid_trace_parent(header: object) -> str | None:
    """Return the value of a header 'traceparent', or None if it is missing or invalid. Invalid values are ignored."""
    return header if isinstance(header, str) and _VALID.fullmatch(header) else None
