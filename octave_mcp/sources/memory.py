"""What a source caches, and for which run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from octave_mcp.ports import Memory


@dataclass(frozen=True, slots=True)
class RunMemory:
    """The store as the source of one run uses it; `run_id` is empty outside a run."""

    store: Memory
    run_id: str = ""

    async def use(self, keys: Collection[str]) -> None:
        """Has these entries deleted with the last run that uses them. Called before they are read or stored."""
        if self.run_id:
            await self.store.use_cached([*keys], self.run_id)
