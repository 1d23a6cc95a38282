"""Defines the tables of the store. The engine defines its own tables in the same database.

Times are stored as ISO 8601 text in UTC, so that they sort chronologically.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

metadata = MetaData()


def time_text(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


# An empty text as a default value. Alembic cannot compare the default "" with that of a table in SQLite.
EMPTY = text("''")

# This table contains the number of the last migration. Alembic uses this column name and type.
migrations = Table("octave_migrations", metadata, Column("version_num", String(32), primary_key=True))

# The first release has no migrations and opens only databases with schema version 1. Schema version 2 keeps it from
# opening a database that a later release has changed.
RELEASE = 2
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
    # The addresses of the companies as requested, but in lower case, for the search.
    Column("vendor", Text, nullable=False, server_default=EMPTY),
    Column("prospect", Text, nullable=False, server_default=EMPTY),
    Index("runs_by_session", "session_id", "created_at"),
    Index("runs_by_time", "created_at"),
    Index("runs_by_status", "status"),
)

# The journal of finished steps. `epoch` is the number of the execution that finished the step.
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

# Heartbeats of servers. If a server's heartbeat count no longer increases, the server has stopped or is suspended.
# Heartbeats are counters instead of timestamps, because the clocks of servers can differ.
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

# Parts that failed the checks and were dropped from an answer, or '' if no part was dropped.
losses = Table(
    "losses",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("question_id", String(64), primary_key=True),
    Column("dropped", Text, nullable=False),
)

# Versions of playbooks. `run_id` is the run that the playbook belongs to, not the run that made the version.
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

# Links to versions of playbooks. Only a digest of the secret in a link is stored.
shares = Table(
    "shares",
    metadata,
    Column("share_id", String(64), primary_key=True),
    Column("run_id", String(64), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("secret_sha256", String(64), nullable=False, unique=True),
    Column("created_at", String(40), nullable=False),
    Column("expires_at", String(40), nullable=False),
    Column("revoked_at", String(40)),
)

# Sign-ins of browsers. Only digests of the cookie and of the token are stored.
sign_ins = Table(
    "sign_ins",
    metadata,
    Column("secret_sha256", String(64), primary_key=True),
    Column("token_digest", String(64), nullable=False),
    Column("expires_at", String(40), nullable=False),
)

# Random secrets that all servers of a database share, such as the key for the tokens in forms.
secrets = Table(
    "secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("secret", String(64), nullable=False),
)

# The table keeps its old name, because renaming it would require a migration without any benefit for users.
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
    Index("copies_by_time", "kept_at", "bytes"),  # With this index, SUM(bytes) does not have to read the table.
)

leases = Table(
    "copy_leases",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("until", String(40), nullable=False),
)

# Cached pages and robots.txt files that runs have used. When the last run that used a cache entry is deleted, the entry
# is deleted, too.
uses = Table(
    "cache_uses",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("key", String(512), primary_key=True),
    Index("cache_uses_by_key", "key"),
)
