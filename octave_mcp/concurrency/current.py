"""Which run the code at hand works for: what libraries log on the way is logged with it."""

from contextvars import ContextVar

RUN_ID: ContextVar[str | None] = ContextVar("run_id", default=None)
