"""Stores playbooks and their versions."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, insert, select

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.drafts import Drafts
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import FINAL, RunRecord
from octave_mcp.domain.version_meta import VersionMeta
from octave_mcp.domain.versions import Version, check_base
from octave_mcp.store.database import Database
from octave_mcp.store.statements import parsed
from octave_mcp.store.tables import runs, time_text, versions

# Clients poll runs with this statement. It is built only once, because that takes longer than executing it.
_RUN_WITH_VERSIONS = (
    select(runs.c.record, versions.c.meta)
    .outerjoin_from(runs, versions, runs.c.run_id == versions.c.run_id)
    .where(runs.c.run_id == bindparam("run_id"))
    .order_by(versions.c.number)
)


class Playbooks(Database):
    async def put_version(self, run_id: str, version: Version) -> Version | None:
        row, meta = await computed(_row_of, run_id, version), version.meta

        def work(db: Connection) -> VersionMeta | None:
            if not self._may_write(db, run_id, meta.run_id):
                return None
            known = [parsed(VersionMeta, text) for text in db.execute(_metas(run_id)).scalars()]
            # A run makes only one version. A resumed run can have stored its version before it was interrupted.
            if meta.run_id and (own := [known_meta for known_meta in known if known_meta.run_id == meta.run_id]):
                return own[0]
            check_base(run_id, meta.based_on or 0, known)
            db.execute(insert(versions).values(row._asdict()))
            return meta

        stored = await self._write(work)
        if stored is None or stored is meta:
            return stored and version
        return await self.get_version(run_id, stored.number)

    def _may_write(self, db: Connection, run_id: str, made_by: str | None) -> bool:
        """Return whether the version can be stored.

        The playbook's run must exist. The run that made the version must not be final, and the execution that
        stores the version must be the run's latest. The rows of the two runs are locked, so that the result cannot
        change before the transaction ends.
        """
        # The run ids are sorted, because two writers that lock the two rows in different orders could deadlock.
        wanted = sorted({run_id, made_by or run_id})
        rows = select(runs.c.run_id, runs.c.status, runs.c.epoch).where(runs.c.run_id.in_(wanted))
        found = {row.run_id: row for row in db.execute(rows.order_by(runs.c.run_id).with_for_update())}
        if run_id not in found or made_by is None:
            return run_id in found
        maker = found.get(made_by)
        return maker is not None and maker.status not in FINAL and self.epoch in {None, maker.epoch}

    async def versions(self, run_id: str) -> list[VersionMeta]:
        texts = await self._read(lambda db: db.execute(_metas(run_id)).scalars().all())
        return [parsed(VersionMeta, text) for text in texts]

    async def run_and_versions(self, run_id: str) -> tuple[RunRecord, list[VersionMeta]] | None:
        def work(db: Connection) -> tuple[RunRecord, list[VersionMeta]] | None:
            rows = db.execute(_RUN_WITH_VERSIONS, {"run_id": run_id}).all()
            if not rows:
                return None
            record = parsed(RunRecord, rows[0].record)
            texts = [row.meta for row in rows if row.meta is not None]
            if record.playbook_of != run_id:
                texts = [*db.execute(_metas(record.playbook_of)).scalars()]
            return record, [parsed(VersionMeta, text) for text in texts] if record.is_final else []

        return await self._read(work)

    async def get_version(self, run_id: str, number: int | None = None) -> Version | None:
        found = _version_of(select(versions.c.meta, versions.c.playbook, versions.c.drafts), run_id, number)
        row = await self._read(lambda db: db.execute(found).one_or_none())
        return None if row is None else await computed(_version, row)

    async def get_playbook(self, run_id: str, number: int | None = None) -> Playbook | None:
        found = _version_of(select(versions.c.playbook), run_id, number)
        text = await self._read(lambda db: db.execute(found).scalar_one_or_none())
        return None if text is None else await computed(parsed, Playbook, text)


class _Row(NamedTuple):
    run_id: str
    number: int
    made_at: str
    meta: str
    playbook: str
    drafts: str | None


def _row_of(run_id: str, version: Version) -> _Row:
    meta, drafts = version.meta, version.drafts
    texts = (meta.model_dump_json(), version.playbook.model_dump_json(), drafts.model_dump_json() if drafts else None)
    return _Row(run_id, meta.number, time_text(meta.at), *texts)


def _version(row: Row[Any]) -> Version:
    return Version(
        meta=parsed(VersionMeta, row.meta),
        playbook=parsed(Playbook, row.playbook),
        drafts=None if row.drafts is None else parsed(Drafts, row.drafts),
    )


def _metas(run_id: str) -> Select[str]:
    return select(versions.c.meta).where(versions.c.run_id == run_id).order_by(versions.c.number)


def _version_of(found: Select[*tuple[Any, ...]], run_id: str, number: int | None) -> Select[*tuple[Any, ...]]:
    """Limit a query to the version with this number, or to the newest version if `number` is None."""
    found = found.where(versions.c.run_id == run_id).order_by(versions.c.number.desc()).limit(1)
    return found if number is None else found.where(versions.c.number == number)
