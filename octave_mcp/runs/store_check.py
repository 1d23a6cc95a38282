"""Checks that the store works, by writing and reading a value. The check fails if the disk is full, for example."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

from octave_mcp.runs.adapters import Adapters

STORE = "store"
KEY = "check of the store"
# Number of bytes to write. A few bytes would not be enough, because they can fit into the last block of a file even if
# the disk is full.
WRITTEN_BYTES = 16_384
# How long the result of a check is reused. If every call of /readyz caused a check, anybody could keep the disk busy,
# because /readyz needs no token.
VALID_SECONDS = 1.0


class StoreCheck:
    def __init__(self, adapters: Adapters) -> None:
        self._store, self._supervisor = adapters.store, adapters.supervisor
        self._checking: asyncio.Task[str] | None = None
        self._checked_at = 0.0

    async def __call__(self) -> str:
        """Return '' if the store works, otherwise the error. Concurrent calls share one check."""
        now = asyncio.get_running_loop().time()
        if self._checking is None or (self._checking.done() and now - self._checked_at > VALID_SECONDS):
            self._checking = self._supervisor.once(STORE, self._check)
        return await asyncio.shield(self._checking)

    async def _check(self) -> None:
        try:
            await self._store.put_value(KEY, secrets.token_hex(WRITTEN_BYTES // 2))
            await self._store.get_value(KEY, since=datetime.now(UTC) - timedelta(days=1))
        finally:
            self._checked_at = asyncio.get_running_loop().time()
