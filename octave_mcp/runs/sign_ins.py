"""Sign-ins of browsers. A person enters a token of the server once, and the browser keeps a random secret."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from octave_mcp.domain.shares import digest
from octave_mcp.ports import Store

SIGN_IN_HOURS = 12
# The name of the stored key for the tokens in forms and for the digests of the server's tokens.
FORM_KEY = "forms"


class SignIns:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = b""

    async def begin(self, token: str) -> str:
        """Start a sign-in that was made with one of the server's tokens, and return its secret."""
        secret, now = secrets.token_urlsafe(32), datetime.now(UTC)
        expires_at = now + timedelta(hours=SIGN_IN_HOURS)
        await self._store.put_sign_in(digest(secret), await self._token_digest(token), now=now, expires_at=expires_at)
        return secret

    async def is_valid(self, secret: str, tokens: Sequence[str]) -> bool:
        """Whether the sign-in has neither expired nor ended, and was made with one of these tokens.

        If a token is removed from the settings, the sign-ins that were made with it are no longer valid.
        """
        made_with = await self._store.sign_in(digest(secret), now=datetime.now(UTC))
        return made_with is not None and made_with in [await self._token_digest(token) for token in tokens]

    async def end(self, secret: str) -> None:
        await self._store.end_sign_ins(secret_sha256=digest(secret))

    async def end_all(self, secret: str) -> None:
        """End all sign-ins that were made with the same token."""
        if made_with := await self._store.sign_in(digest(secret), now=datetime.now(UTC)):
            await self._store.end_sign_ins(token_digest=made_with)

    async def form_key(self) -> bytes:
        """Return the server's key for the tokens in forms. All servers of a database have the same key."""
        if not self._key:
            self._key = bytes.fromhex(await self._store.secret(FORM_KEY, secrets.token_hex(32)))
        return self._key

    async def _token_digest(self, token: str) -> str:
        return hmac.new(await self.form_key(), token.encode(), sha256).hexdigest()
