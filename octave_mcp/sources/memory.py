"""The store as used by one run for caching."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from octave_mcp.ports import Memory


@dataclass(frozen=True, slots=True)
class RunMemory:
    """The store, and the run that uses its entries; `run_id` is empty outside a run."""

    store: Memory
    run_id: str = ""

    async def use(self, keys: Collection[str]) -> None:
        """Record that the run uses these entries. An entry is deleted with the last run that uses it.

        Call this before reading or storing the entries. Otherwise, the deletion of another run might remove the entries
        in between.
        """
        if self.run_id:
            await self.store.use_cached([*keys], self.run_id)
