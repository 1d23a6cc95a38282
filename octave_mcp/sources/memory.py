"""The store as one run uses it for caching."""

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
        """Record that the run uses these entries, so that they are deleted with the last run that does.

        Call this before reading or storing the entries. Otherwise, the deletion of another run might remove them in
        between.
        """
        if self.run_id:
            await self.store.use_cached([*keys], self.run_id)
