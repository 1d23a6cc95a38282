"""Migrations of the database schema. When the database of an older release is opened, the missing migrations run.

In a new database, all tables are created directly, without Alembic. A test checks that a migrated database has the same
schema as a new database.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, func, insert, inspect, select

from octave_mcp.errors import SetupError
from octave_mcp.store.tables import RELEASE, metadata, migrations, schema

FOLDER = Path(__file__).parent
# Key of the Postgres advisory lock for migrations.
LOCK = 0x0C7A7E
# Migration number for databases of the first release, which had no migrations.
UNNUMBERED = "0000"


@cache
def known() -> tuple[str, ...]:
    """Return the numbers of all migrations, sorted. A number is the first four characters of a file name."""
    return tuple(sorted(file.name[:4] for file in (FOLDER / "versions").glob("[0-9]*.py")))


def prepare(db: Connection) -> None:
    """Create or upgrade the tables. If another process is already upgrading the tables, the function waits.

    Raises:
        SetupError: If a newer release has written the database.
    """
    if db.dialect.name != "sqlite":
        db.execute(select(func.pg_advisory_xact_lock(LOCK)))
    number, newest = _number(db), known()[-1]
    if number is None:
        metadata.create_all(db)
        db.execute(insert(schema).values(version=RELEASE))
        db.execute(insert(migrations).values(version_num=newest))
    elif number not in {UNNUMBERED, *known()}:
        raise SetupError(
            f"a newer octave-mcp wrote this database (its schema is {number}, this release supports up to {newest}); "
            "upgrade octave-mcp, or set OCTAVE_HOME or OCTAVE_DATABASE_URL to another location"
        )
    elif number != newest:
        upgrade(db)


def _number(db: Connection) -> str | None:
    """Return the number of the last migration that the database has, or None if the database is empty."""
    tables = inspect(db)
    if tables.has_table(migrations.name):
        return db.execute(select(func.max(migrations.c.version_num))).scalar()
    if not tables.has_table(schema.name):
        return None
    release = db.execute(select(func.max(schema.c.version))).scalar()
    return UNNUMBERED if release in {None, 1} else f"{release:04}"


def upgrade(db: Connection) -> None:
    """Run the missing migrations in the current transaction of the connection."""
    from alembic import command  # noqa: PLC0415 - takes half a second, only for old databases
    from alembic.config import Config  # noqa: PLC0415 - ditto

    config = Config(attributes={"connection": db})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    command.upgrade(config, "head")
