"""The playbook of each run."""

from __future__ import annotations

from sqlalchemy import Connection, select

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.playbook import Playbook
from octave_mcp.store.database import Database
from octave_mcp.store.statements import is_writable, parsed, upsert
from octave_mcp.store.tables import playbooks


class Playbooks(Database):
    async def put_playbook(self, run_id: str, playbook: Playbook) -> None:
        text = await computed(playbook.model_dump_json)

        def work(db: Connection) -> None:
            if is_writable(db, run_id, self.epoch):
                upsert(db, playbooks, {"run_id": run_id}, {"playbook": text})

        await self._write(work)

    async def get_playbook(self, run_id: str) -> Playbook | None:
        found = select(playbooks.c.playbook).where(playbooks.c.run_id == run_id)
        text = await self._read(lambda db: db.execute(found).scalar_one_or_none())
        return None if text is None else await computed(parsed, Playbook, text)
