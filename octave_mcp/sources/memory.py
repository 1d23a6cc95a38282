"""Gives a run access to the cache in the store."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from octave_mcp.ports import Memory


@dataclass(frozen=True, slots=True)
class RunMemory:
    """The store, and the id of the run that uses it. `run_id` is empty outside a run."""

    store: Memory
    run_id: str = ""

    async def use(self, keys: Collection[str]) -> None:
        """Record that the run uses these cache entries. An entry is deleted together with the last run that uses it.

        Call this method before reading or storing the entries. Otherwise, deleting another run could remove the entries
        before this run uses them.
        """
        if self.run_id:
            await self.store.use_cached([*keys], self.run_id)
