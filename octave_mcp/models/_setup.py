"""What the settings say of a provider: its key, and its models for the two tiers."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from octave_mcp.domain.asks import Tier
from octave_mcp.errors import SetupError
from octave_mcp.settings import KEYLESS, Settings, value_of


def key_of(variable: str) -> SecretStr:
    """The key of this name.

    Raises:
        SetupError: there is none.
    """
    if found := value_of(variable):
        return found
    raise SetupError(f"{variable} not found: set it in the environment or in .env; {KEYLESS}")


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
