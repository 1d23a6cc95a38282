"""Stores the epochs of runs, the journals of their steps, and the heartbeats of servers."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import cache
from typing import Self

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from octave_mcp.domain.steps import StepEntry, StepRecord
from octave_mcp.store.database import Database
from octave_mcp.store.statements import UNFINISHED, given_texts, is_writable, texts_parameter, upsert
from octave_mcp.store.tables import runs, servers, steps, time_text


class Executions(Database):
    def of_execution(self, epoch: int) -> Self:
        store = copy(self)
        store.epoch = epoch
        return store

    async def epoch_of(self, run_id: str) -> int | None:
        query = select(runs.c.epoch).where(runs.c.run_id == run_id, UNFINISHED)
        return await self._read(lambda db: db.execute(query).scalar())

    async def begin_execution(self, run_id: str, after: int) -> bool:
        # The update is a compare-and-set on the epoch, so only one of two competing servers begins the execution.
        current = (runs.c.run_id == run_id) & UNFINISHED & (runs.c.epoch == after)
        begin = update(runs).where(current).values(epoch=after + 1)
        return await self._write(lambda db: bool(db.execute(begin).rowcount))

    async def lost(self, epochs: Mapping[str, int]) -> list[str]:
        def work(db: Connection) -> list[str]:
            # First compare only two totals with `epochs`: the number of unfinished runs and the sum of their epochs. A
            # run is lost if it is final or deleted, or if its epoch has increased. These changes cannot cancel each
            # other out.
            if db.execute(_totals(db.dialect.name), given).one() == expected:
                return []
            same = _is_given_and_unfinished(db.dialect.name)
            current = dict(db.execute(select(runs.c.run_id, runs.c.epoch).where(same), given).all())
            return [run_id for run_id, epoch in epochs.items() if current.get(run_id) != epoch]

        given, expected = texts_parameter(epochs), (len(epochs), sum(epochs.values()))
        return await self._read(work)

    async def steps(self, run_id: str) -> list[StepEntry]:
        columns = (steps.c[name] for name in StepEntry.model_fields)
        query = select(*columns).where(steps.c.run_id == run_id)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [StepEntry.model_validate(dict(row)) for row in rows]

    async def put_step(self, run_id: str, step: StepRecord) -> bool:
        times = {name: time_text(getattr(step, name)) for name in ("began_at", "ended_at")}
        row = {**step.model_dump(), **times, "epoch": self.epoch or 0, "run_id": run_id}

        def work(db: Connection) -> bool:
            if not is_writable(db, run_id, self.epoch):
                return False
            upsert(db, steps, [row])
            return True

        return await self._write(work)

    async def beat(self, server_id: str) -> dict[str, int]:
        def work(db: Connection) -> dict[str, int]:
            increment = update(servers).where(servers.c.server_id == server_id).values(beats=servers.c.beats + 1)
            if not db.execute(increment).rowcount:
                db.execute(insert(servers).values(server_id=server_id, beats=1))
            return {row.server_id: row.beats for row in db.execute(select(servers))}

        return await self._write(work)

    async def remove_server(self, server_id: str) -> None:
        await self._write(lambda db: db.execute(delete(servers).where(servers.c.server_id == server_id)))


def _is_given_and_unfinished(dialect: str) -> ColumnElement[bool]:
    return (runs.c.run_id == given_texts(dialect).c.value) & UNFINISHED


@cache
def _totals(dialect: str) -> Select[int, int]:
    return select(func.count(), func.sum(runs.c.epoch)).where(_is_given_and_unfinished(dialect))
