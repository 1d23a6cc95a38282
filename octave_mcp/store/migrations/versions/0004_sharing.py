"""Adds shared links, sign-ins of browsers and the server's secret, and columns to search runs by company."""

from __future__ import annotations

import json

from alembic import op
from sqlalchemy import Column, Integer, String, Text, column, table, text

revision = "0004"
down_revision = "0003"

_RUNS = table("runs", column("run_id"), column("record"), column("vendor"), column("prospect"))


def upgrade() -> None:
    op.create_table(
        "shares",
        Column("share_id", String(64), primary_key=True),
        Column("run_id", String(64), nullable=False, index=True),
        Column("version", Integer, nullable=False),
        Column("secret_sha256", String(64), nullable=False, unique=True),
        Column("created_at", String(40), nullable=False),
        Column("expires_at", String(40), nullable=False),
        Column("revoked_at", String(40)),
    )
    op.create_table(
        "sign_ins",
        Column("secret_sha256", String(64), primary_key=True),
        Column("token_digest", String(64), nullable=False),
        Column("expires_at", String(40), nullable=False),
    )
    op.create_table(
        "secrets",
        Column("name", String(64), primary_key=True),
        Column("secret", String(64), nullable=False),
    )
    op.add_column("runs", Column("vendor", Text, nullable=False, server_default=text("''")))
    op.add_column("runs", Column("prospect", Text, nullable=False, server_default=text("''")))
    db = op.get_bind()
    for run_id in db.execute(_RUNS.select().with_only_columns(_RUNS.c.run_id)).scalars().all():
        # Read one record at a time, because all records together might not fit into memory.
        request = json.loads(db.execute(_RUNS.select().where(_RUNS.c.run_id == run_id)).one().record)["request"]
        names = {name: str(request.get(name) or "").lower() for name in ("vendor", "prospect")}
        db.execute(_RUNS.update().where(_RUNS.c.run_id == run_id).values(**names))
