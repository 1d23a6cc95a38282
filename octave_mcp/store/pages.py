"""Stores the pages that runs have read. Runs share the texts of pages, so each text is stored only once."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, literal, select

from octave_mcp.domain.page import Page
from octave_mcp.errors import Unreadable
from octave_mcp.store.database import Database
from octave_mcp.store.statements import is_writable, lock_texts, parsed, upsert
from octave_mcp.store.tables import pages, texts


class Pages(Database):
    async def put_pages(self, run_id: str, pages: Sequence[Page]) -> tuple[str, ...]:
        def work(db: Connection) -> tuple[str, ...]:
            rows = [_row_of(page) for page in pages]
            if is_writable(db, run_id, self.epoch):
                _put_pages(db, run_id, rows)
            return tuple(row.key for row in rows)

        return await self._write(work)

    async def pages(self, run_id: str, keys: Sequence[str]) -> tuple[Page, ...]:
        query = (
            select(pages.c.key, pages.c.page, texts.c.utf8)
            .join(texts, texts.c.sha256 == pages.c.sha256)
            .where(pages.c.run_id == run_id, pages.c.key.in_(keys))
        )

        def work(db: Connection) -> dict[str, Page]:
            return {key: _page(page, utf8) for key, page, utf8 in db.execute(query)}

        stored = await self._read(work)
        if missing := [key for key in keys if key not in stored]:
            raise Unreadable(f"pages of run {run_id!r} are missing in the database: {', '.join(missing)}")
        return tuple(stored[key] for key in keys)

    async def copy_pages(self, from_run: str, to_run: str, sha256s: Collection[str]) -> bool:
        source_rows = select(literal(to_run), pages.c.key, pages.c.sha256, pages.c.page).where(
            pages.c.run_id == from_run, pages.c.sha256.in_(sha256s)
        )

        def work(db: Connection) -> bool:
            # Lock the texts first. Otherwise, a text could be deleted between the SELECT and the INSERT below.
            lock_texts(db, exclusive=False)
            digests = set(db.execute(select(source_rows.subquery().c.sha256)).scalars())
            if digests != {*sha256s} or not is_writable(db, to_run, self.epoch):
                return False
            own = select(pages.c.key).where(pages.c.run_id == to_run)
            db.execute(
                insert(pages).from_select(
                    ["run_id", "key", "sha256", "page"], source_rows.where(pages.c.key.notin_(own))
                )
            )
            return True

        return await self._write(work)

    async def pages_with_texts(self, sha256s: Collection[str]) -> dict[str, Page]:
        # Several pages can have the same text. Select one of them, because the result has only one page per text.
        keys = select(func.min(pages.c.key)).where(pages.c.sha256.in_(sha256s)).group_by(pages.c.sha256)
        query = (
            select(pages.c.sha256, pages.c.page, texts.c.utf8)
            .join(texts, texts.c.sha256 == pages.c.sha256)
            .where(pages.c.key.in_(keys))
        )

        def work(db: Connection) -> dict[str, Page]:
            rows = {sha256: (page, utf8) for sha256, page, utf8 in db.execute(query)}
            return {sha256: _page(*row) for sha256, row in rows.items()}

        return await self._read(work)

    async def page_text(self, sha256: str) -> str | None:
        query = select(texts.c.utf8).where(texts.c.sha256 == sha256)
        utf8 = await self._read(lambda db: db.execute(query).scalar_one_or_none())
        return None if utf8 is None else utf8.decode()


class _Row(NamedTuple):
    """The stored form of a page. `body` is the page as JSON, without its `text`. `key` is the digest of `body`."""

    key: str
    sha256: str
    body: str
    utf8: bytes


def _row_of(page: Page) -> _Row:
    body = page.model_dump_json(exclude={"text"})
    return _Row(sha256(body.encode()).hexdigest(), page.ref.sha256, body, page.text.encode())


def _put_pages(db: Connection, run_id: str, rows: Sequence[_Row]) -> None:
    lock_texts(db, exclusive=False)
    # The rows are sorted, because two writers that lock the same rows in different orders could deadlock.
    rows = sorted(rows, key=lambda row: row.sha256)
    upsert(db, texts, [{"sha256": row.sha256, "utf8": row.utf8} for row in rows])
    upsert(db, pages, [{"run_id": run_id, "key": row.key, "sha256": row.sha256, "page": row.body} for row in rows])


def _page(body: str, utf8: bytes) -> Page:
    return parsed(Page, json.dumps(json.loads(body) | {"text": utf8.decode()}))
