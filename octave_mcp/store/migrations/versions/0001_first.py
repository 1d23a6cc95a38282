"""Creates the tables of the first release.

A database of the first release already has some of the tables, because that release had no migrations.
"""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import Column, Integer, LargeBinary, String, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    _schema_and_runs()
    _of_runs()
    _pages()
    _shared()


def _run_id() -> Column[str]:
    return Column("run_id", String(64), primary_key=True)


def _table(name: str, *columns: Column[Any]) -> None:
    op.create_table(name, *columns, if_not_exists=True)


def _index(name: str, table: str, *columns: str) -> None:
    op.create_index(name, table, list(columns), if_not_exists=True)


def _schema_and_runs() -> None:
    _table("octave_schema", Column("version", Integer, primary_key=True))
    _table(
        "sessions",
        Column("session_id", String(64), primary_key=True),
        Column("created_at", String(40), nullable=False),
    )
    _table(
        "runs",
        _run_id(),
        Column("session_id", String(64), nullable=False),
        Column("request_id", String(255), unique=True),
        Column("status", String(16), nullable=False),
        Column("created_at", String(40), nullable=False),
        Column("finished_at", String(40)),
        Column("record", Text, nullable=False),
    )
    _index("runs_by_session", "runs", "session_id", "created_at")
    _index("runs_by_time", "runs", "created_at")
    _index("runs_by_status", "runs", "status")


def _of_runs() -> None:
    _table("events", _run_id(), Column("number", Integer, primary_key=True), Column("event", Text, nullable=False))
    _table(
        "questions",
        _run_id(),
        Column("question_id", String(64), primary_key=True),
        Column("number", Integer, nullable=False),
        Column("question", Text, nullable=False),
        Column("handed_at", String(40), nullable=False),
        Column("answer", Text),
        Column("wrong", Text),
    )
    _table(
        "losses",
        _run_id(),
        Column("question_id", String(64), primary_key=True),
        Column("dropped", Text, nullable=False),
    )
    _table("playbooks", _run_id(), Column("playbook", Text, nullable=False))


def _pages() -> None:
    _table(
        "pages",
        _run_id(),
        Column("key", String(64), primary_key=True),
        Column("sha256", String(64), nullable=False),
        Column("page", Text, nullable=False),
    )
    _index("pages_by_text", "pages", "sha256")
    _table("texts", Column("sha256", String(64), primary_key=True), Column("utf8", LargeBinary, nullable=False))


def _shared() -> None:
    _table(
        "notes",
        Column("key", String(512), primary_key=True),
        Column("put_at", String(40), nullable=False),
        Column("text", Text, nullable=False),
    )
    _table(
        "copies",
        Column("key", String(64), primary_key=True),
        Column("kept_at", String(40), nullable=False),
        Column("bytes", Integer, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    _index("copies_by_time", "copies", "kept_at", "bytes")
    _table(
        "copy_leases",
        Column("key", String(64), primary_key=True),
        Column("owner", String(64), nullable=False),
        Column("until", String(40), nullable=False),
    )
