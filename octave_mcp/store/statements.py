"""SQL statements and locks that several modules of the store use."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeVar

from loguru import logger
from pydantic import ValidationError
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    TableValuedAlias,
    cast,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite

from octave_mcp.domain.run import FINAL
from octave_mcp.domain.value import Value
from octave_mcp.errors import Unreadable
from octave_mcp.store.tables import runs

V = TypeVar("V", bound=Value)

# Key of the Postgres advisory lock for the table of texts.
TEXTS_LOCK = 0x7E47


def parsed(kind: type[V], text: str) -> V:
    """Parse a stored value.

    Raises:
        Unreadable: If another release stored the value in another format, or if the value was modified.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError as failed:
        where = "; ".join(".".join(map(str, error["loc"])) for error in failed.errors(include_input=False)[:3])
        raise Unreadable(
            f"a stored {kind.__name__} cannot be read ({where}); another version of octave-mcp may have written it"
        ) from None


def readable(kind: type[V], texts: Iterable[str]) -> Iterator[V]:
    """Yield the values that can be parsed. Log a warning for each value that cannot be parsed."""
    for text in texts:
        try:
            yield parsed(kind, text)
        except Unreadable as failed:
            logger.warning("skipped: {}", str(failed))


def insert_into(db: Connection, table: Table) -> Any:  # noqa: ANN401 - the INSERT types of the dialects differ
    """Return an INSERT statement that supports ON CONFLICT, in the dialect of the database."""
    return (sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert)(table)


def upsert(db: Connection, table: Table, key: dict[str, str], values: dict[str, Any]) -> None:
    row = insert_into(db, table).values(**key, **values)
    db.execute(row.on_conflict_do_update(index_elements=list(key), set_=values))


def as_table(db: Connection, texts: Collection[str]) -> TableValuedAlias:
    """Return the texts as a table with the single column `value`."""
    # Pass the texts as one JSON parameter. For a thousand texts, this is three times as fast as separate parameters.
    listed = literal(json.dumps([*texts]), String)
    if db.dialect.name == "sqlite":
        return func.json_each(listed).table_valued("value")
    return func.json_array_elements_text(cast(listed, JSON)).table_valued("value")


def newest_first(
    found: Select[*tuple[Any, ...]], table: Table, id_: Column[Any], limit: int, after: str | None
) -> Select[*tuple[Any, ...]]:
    """Limit a query to one result page, with the newest row first.

    `after` is the id of the last row on the previous result page.
    """
    # Do not use OFFSET: if a row were added between two requests, the second result page would repeat a row of the
    # first result page.
    found = found.order_by(table.c.created_at.desc(), id_.desc()).limit(limit)
    if after is None:
        return found
    seen = select(table.c.created_at).where(id_ == after).scalar_subquery()
    return found.where((table.c.created_at < seen) | ((table.c.created_at == seen) & (id_ < after)))


def is_writable(db: Connection, run_id: str, epoch: int | None) -> bool:
    """Return whether the run exists and is not final, and whether `epoch` is the number of its latest execution.

    `epoch` is ignored if it is None. The function locks the run's row, so that the result cannot change before the
    transaction ends.
    """
    unfinished = select(runs.c.run_id).where(runs.c.run_id == run_id, runs.c.status.notin_(FINAL), is_latest(epoch))
    return db.execute(unfinished.with_for_update()).first() is not None


def is_latest(epoch: int | None) -> ColumnElement[bool]:
    return true() if epoch is None else runs.c.epoch == epoch


def is_stored(db: Connection, run_id: str) -> bool:
    """Return whether the run is stored.

    The function locks the run's row, so that the run cannot be deleted before the transaction ends.
    """
    return db.execute(select(runs.c.run_id).filter_by(run_id=run_id).with_for_update(read=True)).first() is not None


def lock_texts(db: Connection, *, exclusive: bool) -> None:
    """Lock the table of texts.

    Use an exclusive lock to delete unused texts, and a shared lock to add references to texts.

    SQLite needs no lock, because it has only one writer at a time.
    """
    if db.dialect.name != "sqlite":
        lock = func.pg_advisory_xact_lock if exclusive else func.pg_advisory_xact_lock_shared
        db.execute(select(lock(TEXTS_LOCK)))
