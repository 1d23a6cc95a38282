"""How DBOS is set up: on our database, quietly, and with its records in our log."""

from __future__ import annotations

import logging
import sqlite3
from typing import Any

from dbos import (
    DBOSClient,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    _workflow_commands,  # pyright: ignore[reportPrivateUsage]
    error,
)
from sqlalchemy import Engine, create_engine

# DBOS executes workflows of its own version alone. This one never changes: steps are found by name.
VERSION = "named-steps"

# How long a process suspended in a transaction keeps its locks on rows; on SQLite, until it resumes or ends.
IDLE_SECONDS = 30.0
# How often DBOS looks for notifications, which nothing here sends; it takes as long to end.
NOTIFICATION_SECONDS = 0.2
UNUSED_SECONDS = 60.0
# Of those in which DBOS uses its tables: more would only contend for the interpreter, and the database.
THREADS = 4
NAME = "octave"


def config(url: str, id_: str) -> DBOSConfig:
    chosen = DBOSConfig(
        name=NAME,
        system_database_url=url,
        executor_id=id_,
        application_version=VERSION,
        log_level="ERROR",
        max_executor_threads=THREADS,
        run_migrations=False,
        sys_db_idle_transaction_timeout_sec=IDLE_SECONDS,
        serializer=DBOSPortableJSONSerializer(),
        notification_listener_polling_interval_sec=NOTIFICATION_SECONDS,
        notification_coalesce_sec=NOTIFICATION_SECONDS,
    )
    if _is_sqlite(url):
        chosen["db_engine_kwargs"] = {"connect_args": {"factory": _Sqlite}}
    return chosen


def slow_down(dbos: Any) -> None:  # noqa: ANN401 - DBOS has no setting for this
    """Has DBOS look once a minute, not once a second, for work that it never gets: in its own queue, or with a delay.

    With nothing to do, that would be a third of what this process costs.
    """
    _workflow_commands._BACKGROUND_JOBS_INTERVAL_SEC = UNUSED_SECONDS  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    dbos._registry.get_internal_queue()._polling_interval_sec = UNUSED_SECONDS  # noqa: SLF001


def database_of(url: str) -> Engine:
    """For a client, which sets nothing on the connections of an engine that it is given."""
    return create_engine(url, connect_args={"factory": _Sqlite} if _is_sqlite(url) else {})


def client(database: Engine) -> DBOSClient:
    return DBOSClient(system_database_engine=database, serializer=DBOSPortableJSONSerializer(), application_name=NAME)


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def hand_over_logs() -> None:
    """DBOS writes to stderr by a handler of its own; its records go where all others go."""
    theirs = logging.getLogger("dbos")
    theirs.handlers, theirs.propagate = [], True
    theirs.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Not that a run which another process cancelled or deleted did not go on here."""
    failed = record.exc_info[1] if record.exc_info else None
    return not isinstance(failed, error.DBOSAwaitedWorkflowCancelledError | error.DBOSNonExistentWorkflowError)


class _Sqlite(sqlite3.Connection):
    """What DBOS sets on its own connections, and what we add."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - sqlite3's own
        super().__init__(*args, **kwargs)
        self.isolation_level = "IMMEDIATE"
        for setting in (
            "busy_timeout=30000",
            "foreign_keys=ON",
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
        ):
            self.execute(f"PRAGMA {setting}")
