"""Runs the migrations on a given connection. Alembic executes this file."""

from __future__ import annotations

from alembic import context

from octave_mcp.store.tables import metadata, migrations


def run() -> None:
    db = context.config.attributes["connection"]
    context.configure(connection=db, target_metadata=metadata, version_table=migrations.name)
    context.run_migrations()


if __name__ == "env_py":  # Alembic imports this file as 'env_py'; any other import must not run migrations.
    run()
