"""Who may call over HTTP: other machines only with a token that nobody guesses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from pydantic import SecretStr

from octave_mcp.errors import SetupError
from octave_mcp.settings import Settings

# In characters; a shorter one lets in nobody but this machine.
MIN_TOKEN_LENGTH = 16
MAKE_ONE = "'openssl rand -hex 16' makes one"


def check_access(settings: Settings, addresses: Iterable[str]) -> bool:
    """Whether other machines can call where HTTP listens at these addresses.

    Raises:
        SetupError: they could without a token, or with one that is too short.
    """
    is_open = not all(map(is_loopback, addresses))
    if is_open and not settings.tokens:
        raise SetupError(
            f"HTTP at {settings.host!r} is open to other machines and has no token; set OCTAVE_TOKENS ({MAKE_ONE}), "
            "or OCTAVE_HOST to 127.0.0.1"
        )
    if (is_open or settings.public_hosts) and len(safe_tokens(settings.tokens)) < len(settings.tokens):
        raise SetupError(
            f"a token in OCTAVE_TOKENS has fewer than {MIN_TOKEN_LENGTH} characters, and remote callers can reach this "
            f"server; replace it ({MAKE_ONE})"
        )
    return is_open or bool(settings.public_hosts)


def safe_tokens(tokens: Sequence[SecretStr]) -> tuple[SecretStr, ...]:
    """Those that are long enough for callers from other machines."""
    return tuple(token for token in tokens if len(token.get_secret_value()) >= MIN_TOKEN_LENGTH)


def is_loopback(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_loopback
