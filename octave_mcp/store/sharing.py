"""Shared links, sign-ins of browsers, and secrets that all servers share."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from octave_mcp.domain.shares import Share
from octave_mcp.store.database import Database
from octave_mcp.store.statements import insert_into, is_stored
from octave_mcp.store.tables import secrets, shares, sign_ins, time_text

_SHARE = [column for column in shares.c if column.name in Share.model_fields]


class Sharing(Database):
    async def put_share(self, share: Share, secret_sha256: str) -> bool:
        times = {name: time_text(getattr(share, name)) for name in ("created_at", "expires_at")}
        row = {"share_id": share.share_id, "run_id": share.run_id, "version": share.version, **times}

        def work(db: Connection) -> bool:
            stored = is_stored(db, share.run_id)
            if stored:
                db.execute(insert(shares).values(secret_sha256=secret_sha256, **row))
            return stored

        return await self._write(work)

    async def shares(self, run_id: str) -> list[Share]:
        newest = shares.c.created_at.desc(), shares.c.share_id
        query = select(*_SHARE).where(shares.c.run_id == run_id).order_by(*newest)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [*map(_share, rows)]

    async def share_with(self, secret_sha256: str) -> Share | None:
        query = select(*_SHARE).where(shares.c.secret_sha256 == secret_sha256)
        row = await self._read(lambda db: db.execute(query).mappings().one_or_none())
        return _share(row) if row else None

    async def revoke_share(self, share_id: str, at: datetime) -> Share | None:
        mine = shares.c.share_id == share_id

        def work(db: Connection) -> Share | None:
            db.execute(update(shares).where(mine, shares.c.revoked_at.is_(None)).values(revoked_at=time_text(at)))
            row = db.execute(select(*_SHARE).where(mine)).mappings().one_or_none()
            return _share(row) if row else None

        return await self._write(work)

    async def put_sign_in(self, secret_sha256: str, token_digest: str, *, now: datetime, expires_at: datetime) -> None:
        row = {"secret_sha256": secret_sha256, "token_digest": token_digest, "expires_at": time_text(expires_at)}

        def work(db: Connection) -> None:
            db.execute(delete(sign_ins).where(sign_ins.c.expires_at <= time_text(now)))
            db.execute(insert(sign_ins).values(row))

        await self._write(work)

    async def sign_in(self, secret_sha256: str, *, now: datetime) -> str | None:
        valid = sign_ins.c.secret_sha256 == secret_sha256, sign_ins.c.expires_at > time_text(now)
        return await self._read(
            lambda db: db.execute(select(sign_ins.c.token_digest).where(*valid)).scalar_one_or_none()
        )

    async def end_sign_ins(self, *, secret_sha256: str = "", token_digest: str = "") -> None:
        ended = (sign_ins.c.secret_sha256 == secret_sha256) | (sign_ins.c.token_digest == token_digest)
        await self._write(lambda db: db.execute(delete(sign_ins).where(ended)))

    async def secret(self, name: str, new: str) -> str:
        """Return the secret with this name. If there is none yet, store `new`."""
        query = select(secrets.c.secret).where(secrets.c.name == name)
        stored = await self._read(lambda db: db.execute(query).scalar_one_or_none())
        if stored is not None:
            return stored

        def work(db: Connection) -> str:
            row = insert_into(db.dialect.name, secrets).values(name=name, secret=new)
            db.execute(row.on_conflict_do_nothing())
            return db.execute(query).scalar_one()

        return await self._write(work)


def _share(row: RowMapping) -> Share:
    return Share.model_validate(dict(row))
