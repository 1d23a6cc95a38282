"""Links that let people without access to the server read one version of a playbook."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from octave_mcp.domain.value import Value


def digest(secret: str) -> str:
    """Return the SHA-256 digest of a random secret, which is stored in its place."""
    return sha256(secret.encode()).hexdigest()


class Share(Value):
    """A link to one version of a playbook. The secret in the link is not stored, only a digest of it."""

    share_id: str
    run_id: str
    version: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def is_open(self, at: datetime) -> bool:
        """Whether the link works at this time."""
        return self.revoked_at is None and at < self.expires_at
