"""What the settings say of a provider: its key, its address, and its models for the two tiers."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from octave_mcp.domain.addresses import is_web_address
from octave_mcp.domain.asks import Tier
from octave_mcp.domain.choices import WITHOUT_KEY
from octave_mcp.domain.keys import sendable
from octave_mcp.errors import SetupError
from octave_mcp.settings import Settings, value_of


def key_of(variable: str) -> SecretStr:
    """The key of this name.

    Raises:
        SetupError: there is none, or it cannot be one.
    """
    if found := value_of(variable):
        return sendable(variable, found)
    raise SetupError(f"{variable} not found: set it in the environment or in .env; {WITHOUT_KEY}")


def address_of(variable: str, own: str) -> str:
    """The address of this name, or the provider's own.

    Raises:
        SetupError: it is no address.
    """
    found = value_of(variable)
    return reachable(variable, found.get_secret_value()) if found else own


def reachable(variable: str, address: str) -> str:
    """The address, without a slash at its end.

    Raises:
        SetupError: it is no web address; the text does not tell it, since a password may be in it.
    """
    if is_web_address(address):
        return address.rstrip("/")
    raise SetupError(
        f"{variable} is no web address: give one with its scheme, and a port below 65536 if any, "
        "like 'http://localhost:11434/v1'"
    )


def models_of(settings: Settings, provider: str, defaults: Mapping[str, str]) -> dict[Tier, str]:
    """The provider's models for the two tiers: those that the settings name for it, else the defaults.

    Raises:
        SetupError: a setting names no provider.
    """
    return {
        "fast": _tier("OCTAVE_FAST_MODEL", settings.fast_model, provider) or defaults["fast"],
        "strong": _tier("OCTAVE_STRONG_MODEL", settings.strong_model, provider) or defaults["strong"],
    }


def _tier(variable: str, given: str, provider: str) -> str:
    whose, colon, model = given.partition(":")
    if given and not (colon and model):
        raise SetupError(f"{variable} is {given!r}: name the provider too, as 'openai:gpt-6-luna'")
    return model if whose == provider else ""
