"""If other machines can reach a server, the server needs a token that cannot be guessed."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from pydantic import SecretStr

from octave_mcp.errors import SetupError
from octave_mcp.settings import Settings

# Shorter tokens are accepted only on loopback addresses.
MIN_TOKEN_LENGTH = 16
GENERATOR_HINT = "'openssl rand -hex 16' generates a token"


def check_access(settings: Settings, addresses: Iterable[str]) -> bool:
    """Return whether other machines can reach a server that listens at these addresses.

    Raises:
        SetupError: If other machines could call the server without a token, or with a token that is too short.
    """
    is_open = not all(map(is_loopback, addresses))
    if is_open and not settings.tokens:
        raise SetupError(
            f"other machines can reach {settings.host!r} and no token is set; set OCTAVE_TOKENS ({GENERATOR_HINT}), "
            "or set OCTAVE_HOST to 127.0.0.1"
        )
    if (is_open or settings.public_hosts) and len(safe_tokens(settings.tokens)) < len(settings.tokens):
        raise SetupError(
            f"a token in OCTAVE_TOKENS has fewer than {MIN_TOKEN_LENGTH} characters, and remote callers can reach this "
            f"server; replace the token ({GENERATOR_HINT})"
        )
    return is_open or bool(settings.public_hosts)


def safe_tokens(tokens: Sequence[SecretStr]) -> tuple[SecretStr, ...]:
    """Return the tokens that are long enough for callers on other machines."""
    return tuple(token for token in tokens if len(token.get_secret_value()) >= MIN_TOKEN_LENGTH)


def is_token(sent: str, tokens: Sequence[SecretStr]) -> bool:
    # Compare every token, even after a match, so that the response time does not reveal which token matches.
    matches = [hmac.compare_digest(sent.encode(), token.get_secret_value().encode()) for token in tokens]
    return any(matches)


def is_this_machine(host: str) -> bool:
    """Whether a host in an address always means the machine of whoever opens it."""
    return host in {"127.0.0.1", "::1", "localhost"}


def is_loopback(address: str) -> bool:
    # Remove the name of the network interface from an IPv6 address such as fe80::1%eth0.
    return ip_address(address.partition("%")[0]).is_loopback
