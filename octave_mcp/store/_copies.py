"""What sources found, kept as compressed JSON, and whose turn it is to fetch what is not kept."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from octave_mcp.domain.page import Copy
from octave_mcp.ports import COPIES_KEPT
from octave_mcp.store._tables import copies, leases, time_text

LOCK = 0xC091E5
MOST_BYTES = 500_000_000
LEFT_BYTES = 450_000_000
"""What is left when the oldest went, so that this is seldom."""


def unpacked(body: bytes) -> Copy:
    return Copy.model_validate_json(zlib.decompress(body))


def packed(found: Mapping[str, Copy]) -> dict[str, tuple[str, bytes]]:
    return {
        key: (time_text(copy.kept_at), zlib.compress(copy.model_dump_json().encode(), 1)) for key, copy in found.items()
    }


def bodies(db: Connection, keys: Sequence[str]) -> dict[str, bytes]:
    rows = db.execute(select(copies.c.key, copies.c.body).where(copies.c.key.in_(keys)))
    return {key: body for key, body in rows}  # noqa: C416 - rows are not pairs to the type checker


def put(db: Connection, rows: Mapping[str, tuple[str, bytes]]) -> None:
    _lock(db)
    for key, (kept_at, body) in rows.items():
        values = {"kept_at": kept_at, "bytes": len(body), "body": body}
        row = _insert(db)(copies).values(key=key, **values)
        db.execute(row.on_conflict_do_update(index_elements=["key"], set_=values))
    if rows:
        _make_room(db)


def take(db: Connection, keys: Sequence[str], owner: str, seconds: float) -> frozenset[str]:
    """The keys that are leased to the owner now: those that were nobody's, or whose lease has run out."""
    _lock(db)
    now = datetime.now(UTC)
    until = time_text(now + timedelta(seconds=seconds))
    rows = _insert(db)(leases).values([{"key": key, "owner": owner, "until": until} for key in keys])
    free = (leases.c.until < time_text(now)) | (leases.c.owner == owner)
    taken = rows.on_conflict_do_update(
        index_elements=["key"], set_={"owner": owner, "until": until}, where=free
    ).returning(leases.c.key)
    return frozenset(db.execute(taken).scalars())


def give_up(db: Connection, keys: Sequence[str], owner: str) -> None:
    db.execute(delete(leases).where(leases.c.key.in_(keys), leases.c.owner == owner))


def _insert(db: Connection):  # noqa: ANN202 - one of two generics
    return sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert


def _lock(db: Connection) -> None:
    """One writer at a time, as in SQLite anyway: rows that are locked in different orders would wait for each other."""
    if db.dialect.name != "sqlite":
        db.execute(select(func.pg_advisory_xact_lock(LOCK)))


def _make_room(db: Connection) -> None:
    """Removes what is too old to be used, and if that is not enough, the oldest."""
    now = datetime.now(UTC)
    db.execute(delete(copies).where(copies.c.kept_at < time_text(now - COPIES_KEPT)))
    db.execute(delete(leases).where(leases.c.until < time_text(now - timedelta(days=1))))
    total: int = db.execute(select(func.coalesce(func.sum(copies.c.bytes), 0))).scalar_one()
    if total <= MOST_BYTES:
        return
    gone: list[str] = []
    for key, size in db.execute(select(copies.c.key, copies.c.bytes).order_by(copies.c.kept_at)):
        if total <= LEFT_BYTES:
            break
        gone.append(key)
        total -= size
    for at in range(0, len(gone), 500):
        db.execute(delete(copies).where(copies.c.key.in_(gone[at : at + 500])))
