"""The configuration of DBOS: its database connections, polling intervals and log records."""

from __future__ import annotations

import logging
import sqlite3
import time
from typing import Any

from dbos import (
    DBOSClient,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    _scheduler,  # pyright: ignore[reportPrivateUsage]
    _workflow_commands,  # pyright: ignore[reportPrivateUsage]
    error,
)
from sqlalchemy import Engine, create_engine

# DBOS recovers only workflows of its own application version. By default, DBOS computes this version from the code of
# the workflows. Use the same version in all releases, because the journal finds steps by name, no matter which release
# recorded them.
APPLICATION_VERSION = "named-steps"

# If a transaction is idle for this long, Postgres ends its session, so that a suspended process frees its row locks. On
# SQLite, a suspended process keeps its locks until it resumes or ends.
IDLE_TRANSACTION_SECONDS = 30.0
# How often DBOS polls for notifications (on SQLite) or sends them (on Postgres), although octave-mcp uses none. The
# interval is short because shutdown waits for its end.
NOTIFICATION_POLL_SECONDS = 0.2
# How often DBOS polls for queued and delayed workflows and for schedules, which octave-mcp never creates.
UNUSED_POLL_SECONDS = 60.0
# Maximum number of threads in DBOS's executor, in which most of its queries run. More threads would mostly compete for
# the GIL and the database.
MAX_EXECUTOR_THREADS = 4
APPLICATION_NAME = "octave"


def config(url: str, executor_id: str) -> DBOSConfig:
    chosen = DBOSConfig(
        name=APPLICATION_NAME,
        system_database_url=url,
        executor_id=executor_id,
        application_version=APPLICATION_VERSION,
        log_level="ERROR",
        max_executor_threads=MAX_EXECUTOR_THREADS,
        run_migrations=False,
        sys_db_idle_transaction_timeout_sec=IDLE_TRANSACTION_SECONDS,
        serializer=DBOSPortableJSONSerializer(),
        notification_listener_polling_interval_sec=NOTIFICATION_POLL_SECONDS,
        notification_coalesce_sec=NOTIFICATION_POLL_SECONDS,
        scheduler_polling_interval_sec=UNUSED_POLL_SECONDS,
    )
    if _is_sqlite(url):
        chosen["db_engine_kwargs"] = {"connect_args": {"factory": _Sqlite}}
    return chosen


def slow_down(dbos: Any) -> None:  # noqa: ANN401 - DBOS has no setting for this
    """Make DBOS poll its internal queue, delayed workflows and schedules less often than once a second."""
    # octave-mcp uses none of them. Polling for them every second would take a third of the CPU time of an idle process.
    # DBOS polls for schedules every second only during its first minute.
    _workflow_commands._BACKGROUND_JOBS_INTERVAL_SEC = UNUSED_POLL_SECONDS  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    _scheduler._STARTUP_FAST_POLL_INTERVAL_SEC = UNUSED_POLL_SECONDS  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    dbos._registry.get_internal_queue()._polling_interval_sec = UNUSED_POLL_SECONDS  # noqa: SLF001


def database_of(url: str) -> Engine:
    """Return a SQLAlchemy engine for the database, to be passed to `client`."""
    # DBOS does not configure the connections of an engine that it did not create, so SQLite needs our connection class.
    return create_engine(url, connect_args={"factory": _Sqlite} if _is_sqlite(url) else {})


def client(database: Engine) -> DBOSClient:
    return DBOSClient(
        system_database_engine=database, serializer=DBOSPortableJSONSerializer(), application_name=APPLICATION_NAME
    )


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def hand_over_logs() -> None:
    """Send the log records of DBOS to our log instead of to DBOS's own handler, which writes to stderr."""
    dbos_logger = logging.getLogger("dbos")
    dbos_logger.handlers, dbos_logger.propagate = [], True
    dbos_logger.addFilter(_is_relevant)


def _is_relevant(record: logging.LogRecord) -> bool:
    # Drop the errors that DBOS logs when another process cancels or adopts a run of this process. The journal already
    # reports these events.
    failed = record.exc_info[1] if record.exc_info else None
    return not isinstance(failed, error.DBOSAwaitedWorkflowCancelledError | error.DBOSNonExistentWorkflowError)


class _Sqlite(sqlite3.Connection):
    """A SQLite connection with the settings that DBOS uses and some additional settings."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - sqlite3's own
        super().__init__(*args, **kwargs)
        # DBOS itself uses this setting. Each transaction that sqlite3 begins then takes the write lock at once, and
        # waits for it up to the busy timeout.
        self.isolation_level = "IMMEDIATE"
        for setting in (
            "busy_timeout=30000",
            "foreign_keys=ON",
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
        ):
            self.execute(f"PRAGMA {setting}")
        # With Python 3.12 or later, DBOS calls unixepoch('subsec'). In SQLite before 3.42, as in Debian 12, the result
        # is NULL, and no run could be stored.
        if sqlite3.sqlite_version_info < (3, 42):
            self.create_function("unixepoch", 1, _seconds_now)


def _seconds_now(_: str) -> float:
    return round(time.time(), 3)
