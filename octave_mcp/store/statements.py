"""SQL statements and locks that several modules of the store use."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
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
    and_,
    bindparam,
    cast,
    func,
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

# Frequent statements are built once, because building a statement takes longer than executing it.
UNFINISHED = and_(*(runs.c.status != status for status in sorted(FINAL)))
WRITABLE = select(runs.c.run_id).where(runs.c.run_id == bindparam("run_id"), UNFINISHED).with_for_update()
WRITABLE_BY_EXECUTION = WRITABLE.where(runs.c.epoch == bindparam("epoch"))
STORED = select(runs.c.run_id).where(runs.c.run_id == bindparam("run_id")).with_for_update(read=True)


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


def insert_into(dialect: str, table: Table) -> Any:  # noqa: ANN401 - the INSERT types of the dialects differ
    """Return an INSERT statement that supports ON CONFLICT, in the dialect of the database."""
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)


def upsert(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows with a value for each column. Each row replaces the stored row that has the same primary key."""
    if rows:
        db.execute(_upsert(db.dialect.name, table), rows)


@cache
def _upsert(dialect: str, table: Table) -> Any:  # noqa: ANN401 - see `insert_into`
    row = insert_into(dialect, table)
    values = {column.name: row.excluded[column.name] for column in table.columns if not column.primary_key}
    return row.on_conflict_do_update(index_elements=[*table.primary_key], set_=values)


@cache
def given_texts(dialect: str) -> TableValuedAlias:
    """Return a table whose single column `value` contains the texts that `texts_parameter` passes to the query."""
    # Pass the texts as one JSON parameter. For a thousand texts, this is three times as fast as separate parameters.
    listed = bindparam("texts", type_=String)
    if dialect == "sqlite":
        return func.json_each(listed).table_valued("value")
    return func.json_array_elements_text(cast(listed, JSON)).table_valued("value")


def texts_parameter(texts: Collection[str]) -> dict[str, str]:
    return {"texts": json.dumps([*texts])}


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
    query = WRITABLE if epoch is None else WRITABLE_BY_EXECUTION
    return db.execute(query, {"run_id": run_id, "epoch": epoch}).first() is not None


def is_latest(epoch: int | None) -> ColumnElement[bool]:
    return true() if epoch is None else runs.c.epoch == epoch


def is_stored(db: Connection, run_id: str) -> bool:
    """Return whether the run is stored.

    The function locks the run's row, so that the run cannot be deleted before the transaction ends.
    """
    return db.execute(STORED, {"run_id": run_id}).first() is not None


def lock_texts(db: Connection, *, exclusive: bool) -> None:
    """Lock the table of texts.

    Use an exclusive lock to delete unused texts, and a shared lock to add references to texts.

    SQLite needs no lock, because it has only one writer at a time.
    """
    if db.dialect.name != "sqlite":
        lock = func.pg_advisory_xact_lock if exclusive else func.pg_advisory_xact_lock_shared
        db.execute(select(lock(TEXTS_LOCK)))
