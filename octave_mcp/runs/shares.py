"""Creates, lists, opens and revokes links to playbooks."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from octave_mcp.domain.shares import Share, digest
from octave_mcp.errors import NotFound
from octave_mcp.ports import Store
from octave_mcp.runs.versions import Versions, no_run


class Shares:
    def __init__(self, store: Store, versions: Versions) -> None:
        self._store, self._versions = store, versions

    async def create(self, run_id: str, version: int | None, days: int) -> tuple[Share, str]:
        """Create a link to a version of a finished run's playbook, and return it with its secret.

        The default is the newest version. The secret cannot be found out again, because only its digest is stored.

        Raises:
            NotFound, NotFinished, UnknownName: See `Versions.one`.
        """
        number, now = (await self._versions.one(run_id, version)).number, datetime.now(UTC)
        secret = secrets.token_urlsafe(32)
        share = Share(
            share_id=f"share_{secrets.token_hex(16)}",
            run_id=await self._owner(run_id),
            version=number,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        if not await self._store.put_share(share, digest(secret)):
            raise no_run(run_id)
        return share, secret

    async def listed(self, run_id: str) -> list[Share]:
        """Return all links to the run's playbook, newest first, including links that no longer work.

        Raises:
            NotFound: If there is no such run.
        """
        return await self._store.shares(await self._owner(run_id))

    async def revoke(self, share_id: str) -> Share:
        """Make the link stop working, and return it. A link that was revoked before does not change.

        Raises:
            NotFound: If there is no such link.
        """
        share = await self._store.revoke_share(share_id, datetime.now(UTC))
        if share is None:
            raise NotFound(f"there is no link {share_id!r}, or its run was deleted; list_shares shows a run's links")
        return share

    async def opened(self, secret: str) -> Share | None:
        """Return the link with this secret, or None if there is none, it has expired, or it was revoked."""
        share = await self._store.share_with(digest(secret))
        return share if share and share.is_open(datetime.now(UTC)) else None

    async def _owner(self, run_id: str) -> str:
        """Return the id of the run that the playbook belongs to, so that the playbook has one list of links.

        It differs from `run_id` if that run is a revision or a refresh.
        """
        record = await self._store.get_run(run_id)
        if record is None:
            raise no_run(run_id)
        return record.playbook_of
