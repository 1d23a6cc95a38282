"""Stores the page cache, which all runs share, and leases on URLs that are being fetched. Pages are compressed JSON."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, String, bindparam, delete, func, select

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.page import CacheEntry
from octave_mcp.ports import CACHE_MAX_AGE
from octave_mcp.store.database import Database
from octave_mcp.store.statements import insert_into, is_stored, upsert
from octave_mcp.store.tables import copies, key_values, leases, time_text, uses

# Key of the Postgres advisory lock for writing to the cache.
LOCK = 0xC091E5
MAX_BYTES = 500_000_000
# If the cache exceeds `MAX_BYTES`, entries are evicted until at most this size is left. This size is well below
# `MAX_BYTES`, so that evictions are rare.
LEFT_BYTES = 450_000_000
# Maximum number of keys in one DELETE statement, because databases limit the number of parameters.
BATCH = 500

KEYS: BindParameter[str] = bindparam("keys", expanding=True)
COPIES = select(copies.c.key, copies.c.body).where(copies.c.key.in_(KEYS), copies.c.kept_at >= bindparam("since"))
COPIES_BEFORE = delete(copies).where(copies.c.kept_at < bindparam("before"))
BYTES = select(func.coalesce(func.sum(copies.c.bytes), 0))
LEASED = select(leases.c.key).where(leases.c.key.in_(KEYS), leases.c.owner == bindparam("owner"))
RELEASE = delete(leases).where(leases.c.key.in_(KEYS), leases.c.owner == bindparam("owner"))
LEASES_BEFORE = delete(leases).where(leases.c.until < bindparam("before"))


class PageCache(Database):
    async def cached(self, keys: Sequence[str], *, since: datetime | None = None) -> dict[str, CacheEntry]:
        given = {"keys": keys, "since": time_text(since) if since else ""}
        rows = await self._read(lambda db: db.execute(COPIES, given).all())
        return await computed(lambda: {key: _unpacked(body) for key, body in rows})

    async def lease(self, keys: Sequence[str], owner: str, *, seconds: float) -> frozenset[str]:
        return await self._write(lambda db: _lease(db, keys, owner, seconds))

    async def put_cached(
        self, copies: Mapping[str, CacheEntry], *, owner: str, leased: Sequence[str], run_id: str = ""
    ) -> None:
        rows = await computed(_packed, copies)

        def work(db: Connection) -> None:
            # If the run was deleted while its pages were fetched, do not cache these pages.
            if not run_id or is_stored(db, run_id):
                _put(db, rows)
            db.execute(RELEASE, {"keys": leased, "owner": owner})

        await self._write(work)

    async def use_cached(self, keys: Sequence[str], run_id: str) -> None:
        used = [{"run_id": run_id, "key": key} for key in sorted(keys)]

        def work(db: Connection) -> None:
            if used and is_stored(db, run_id):
                db.execute(_use(db.dialect.name), used)

        await self._write(work)


@cache
def _use(dialect: str) -> Any:  # noqa: ANN401 - see `insert_into`
    return insert_into(dialect, uses).on_conflict_do_nothing()


def delete_unused(db: Connection) -> None:
    """Delete cached pages and cached robots.txt files that no stored run has used."""
    _lock(db)
    used = select(uses.c.key)
    db.execute(delete(copies).where(copies.c.key.notin_(used)))
    db.execute(delete(key_values).where(key_values.c.key.startswith("http"), key_values.c.key.notin_(used)))


def _unpacked(body: bytes) -> CacheEntry:
    return CacheEntry.model_validate_json(zlib.decompress(body))


def _packed(found: Mapping[str, CacheEntry]) -> dict[str, tuple[str, bytes]]:
    return {
        key: (time_text(copy.kept_at), zlib.compress(copy.model_dump_json().encode(), 1)) for key, copy in found.items()
    }


def _put(db: Connection, rows: Mapping[str, tuple[str, bytes]]) -> None:
    _lock(db)
    upsert(
        db,
        copies,
        [{"key": key, "kept_at": at, "bytes": len(body), "body": body} for key, (at, body) in rows.items()],
    )
    if rows:
        _make_room(db)


def _lease(db: Connection, keys: Sequence[str], owner: str, seconds: float) -> frozenset[str]:
    _lock(db)
    now = datetime.now(UTC)
    until = time_text(now + timedelta(seconds=seconds))
    if keys:
        db.execute(
            _lease_if_free(db.dialect.name),
            [{"key": key, "owner": owner, "until": until, "now": time_text(now)} for key in keys],
        )
    return frozenset(db.execute(LEASED, {"keys": keys, "owner": owner}).scalars())


@cache
def _lease_if_free(dialect: str) -> Any:  # noqa: ANN401 - see `insert_into`
    row = insert_into(dialect, leases)
    is_free = (leases.c.until < bindparam("now", type_=String)) | (leases.c.owner == row.excluded.owner)
    values = {"owner": row.excluded.owner, "until": row.excluded.until}
    return row.on_conflict_do_update(index_elements=["key"], set_=values, where=is_free)


def _lock(db: Connection) -> None:
    """Lock the cache for other writers, because two writers that lock the same rows in different orders would deadlock.

    SQLite needs no lock, because it has only one writer at a time.
    """
    if db.dialect.name != "sqlite":
        db.execute(select(func.pg_advisory_xact_lock(LOCK)))


def _make_room(db: Connection) -> None:
    """Evict expired entries and, if the cache is still too large, the oldest entries."""
    now = datetime.now(UTC)
    db.execute(COPIES_BEFORE, {"before": time_text(now - CACHE_MAX_AGE)})
    db.execute(LEASES_BEFORE, {"before": time_text(now - timedelta(days=1))})
    total: int = db.execute(BYTES).scalar_one()
    if total <= MAX_BYTES:
        return
    evicted: list[str] = []
    for key, size in db.execute(select(copies.c.key, copies.c.bytes).order_by(copies.c.kept_at)):
        if total <= LEFT_BYTES:
            break
        evicted.append(key)
        total -= size
    for start in range(0, len(evicted), BATCH):
        db.execute(delete(copies).where(copies.c.key.in_(evicted[start : start + BATCH])))
