"""Setup of a provider: its API key, its base URL, and its models for the two tiers."""

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
    """Return the API key in this environment variable.

    Raises:
        SetupError: If the key is missing or malformed.
    """
    if value := value_of(variable):
        return sendable(variable, value)
    raise SetupError(f"{variable} not found: set it in the environment or in .env; {WITHOUT_KEY}")


def address_of(variable: str, default: str) -> str:
    """Return the base URL in this environment variable, or else the provider's own base URL.

    Raises:
        SetupError: If the value is not a web address.
    """
    value = value_of(variable)
    return reachable(variable, value.get_secret_value()) if value else default


def reachable(variable: str, address: str) -> str:
    """Return the address without a trailing slash.

    Raises:
        SetupError: If the address is not a web address. The error text omits the address, which can contain a password.
    """
    if is_web_address(address):
        return address.rstrip("/")
    raise SetupError(
        f"{variable} is not a web address: include the scheme, and use a port below 65536, "
        "for example 'http://localhost:11434/v1'"
    )


def models_of(settings: Settings, provider: str, defaults: Mapping[str, str]) -> dict[Tier, str]:
    """Return the provider's models for the two tiers: the models in the settings, or else the defaults.

    A setting for another provider is ignored.

    Raises:
        SetupError: If a setting has no provider prefix.
    """
    return {
        "fast": _tier("OCTAVE_FAST_MODEL", settings.fast_model, provider) or defaults["fast"],
        "strong": _tier("OCTAVE_STRONG_MODEL", settings.strong_model, provider) or defaults["strong"],
    }


def _tier(variable: str, setting: str, provider: str) -> str:
    named_provider, colon, model = setting.partition(":")
    if setting and not (colon and model):
        raise SetupError(
            f"{variable} is {setting!r}: put the provider in front of the model, for example 'openai:gpt-6-luna'"
        )
    return model if named_provider == provider else ""
