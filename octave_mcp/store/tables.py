"""The tables; the engine has its own in the same database. Times are ISO 8601 in UTC, which sort as text does."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()


def time_text(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


# The number of the last migration, in the form that Alembic gives it.
migrations = Table("octave_migrations", metadata, Column("version_num", String(32), primary_key=True))

RELEASE = 2
# Tells the release without migrations, which knows version 1, not to open this database.
schema = Table("octave_schema", metadata, Column("version", Integer, primary_key=True))

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String(64), primary_key=True),
    Column("created_at", String(40), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("session_id", String(64), nullable=False),
    Column("request_id", String(255), unique=True),
    Column("status", String(16), nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("finished_at", String(40)),
    Column("record", Text, nullable=False),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Index("runs_by_session", "session_id", "created_at"),
    Index("runs_by_time", "created_at"),
    Index("runs_by_status", "status"),
)

# What runs have done. `epoch` is that of the execution which did it.
steps = Table(
    "steps",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("began_at", String(40), nullable=False),
    Column("ended_at", String(40), nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
)

# How often each server has said that it is alive: one whose number stands still has stopped.
servers = Table(
    "servers",
    metadata,
    Column("server_id", String(64), primary_key=True),
    Column("beats", Integer, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("event", Text, nullable=False),
)

questions = Table(
    "questions",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("question_id", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("question", Text, nullable=False),
    Column("handed_at", String(40), nullable=False),
    Column("answer", Text),
    Column("wrong", Text),
)

# What was dropped of the answers to questions.
losses = Table(
    "losses",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("question_id", String(64), primary_key=True),
    Column("dropped", Text, nullable=False),
)

# The versions of the playbook of each run.
versions = Table(
    "versions",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("made_at", String(40), nullable=False),
    Column("meta", Text, nullable=False),
    Column("playbook", Text, nullable=False),
    Column("drafts", Text),
)

pages = Table(
    "pages",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("page", Text, nullable=False),
    Index("pages_by_text", "sha256"),
)

texts = Table(
    "texts",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("utf8", LargeBinary, nullable=False),
)

# The table keeps its old name: a migration of every database would gain nothing.
key_values = Table(
    "notes",
    metadata,
    Column("key", String(512), primary_key=True),
    Column("put_at", String(40), nullable=False),
    Column("text", Text, nullable=False),
)

copies = Table(
    "copies",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("kept_at", String(40), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("copies_by_time", "kept_at", "bytes"),  # their sum is read from the index alone
)

leases = Table(
    "copy_leases",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("until", String(40), nullable=False),
)

# Which runs have used what is cached: copies, and the notes on hosts.
uses = Table(
    "cache_uses",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("key", String(512), primary_key=True),
    Index("cache_uses_by_key", "key"),
)
