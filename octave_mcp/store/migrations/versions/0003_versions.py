"""Adds versions of playbooks. Existing playbooks become version 1. Their drafts were not stored."""

from __future__ import annotations

import json

from alembic import op
from sqlalchemy import Column, Connection, Integer, String, Text, column, table

revision = "0003"
down_revision = "0002"

_OLD = table("playbooks", column("run_id"), column("playbook"))
_NEW = table("versions", column("run_id"), column("number"), column("made_at"), column("meta"), column("playbook"))
_RUNS = table("runs", column("run_id"), column("created_at"), column("finished_at"))


def upgrade() -> None:
    op.create_table(
        "versions",
        Column("run_id", String(64), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("made_at", String(40), nullable=False),
        Column("meta", Text, nullable=False),
        Column("playbook", Text, nullable=False),
        Column("drafts", Text),
    )
    db = op.get_bind()
    for run_id in db.execute(_OLD.select().with_only_columns(_OLD.c.run_id)).scalars().all():
        _first_version(db, run_id)
    op.drop_table("playbooks")


def _first_version(db: Connection, run_id: str) -> None:
    """Convert one playbook at a time, because all playbooks together might not fit into memory."""
    run = db.execute(_RUNS.select().where(_RUNS.c.run_id == run_id)).first()
    text = db.execute(_OLD.select().where(_OLD.c.run_id == run_id)).one().playbook
    playbook = json.loads(text)
    made_at = (run.finished_at or run.created_at) if run else playbook["generated_at"]
    meta = {"number": 1, "made": "generated", "based_on": None, "by": playbook["model"], "at": made_at}
    values = {"made_at": made_at, "meta": json.dumps(meta | {"run_id": run_id}), "playbook": text}
    db.execute(_NEW.insert().values(run_id=run_id, number=1, **values))
