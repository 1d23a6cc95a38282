"""Named steps: a table for them, an epoch for each run, and how often each server has said that it is alive."""

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
    op.execute("update octave_schema set version = 2")  # so that the release before refuses the database
