"""Adds the column `runs.epoch`, and tables for finished steps, servers' heartbeats and runs' cache entries."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, String, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("runs", Column("epoch", Integer, nullable=False, server_default="0"))
    op.create_table(
        "steps",
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
    op.create_table(
        "servers",
        Column("server_id", String(64), primary_key=True),
        Column("beats", Integer, nullable=False),
    )
    op.create_table(
        "cache_uses",
        Column("run_id", String(64), primary_key=True),
        Column("key", String(512), primary_key=True),
        if_not_exists=True,  # Databases of unreleased versions can already have `cache_uses`.
    )
    op.create_index("cache_uses_by_key", "cache_uses", ["key"], if_not_exists=True)
    op.execute("update octave_schema set version = 2")  # The first release opens only version 1.
