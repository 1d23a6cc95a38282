"""The only reader of the environment: flags > environment > `.env` > `OCTAVE_HOME/config.toml` > defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from octave_mcp.errors import SetupError


def _split(value: object) -> object:
    """'a, b' as a list, which is how an environment variable gives one."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _home() -> Path:
    return Path(os.environ.get("OCTAVE_HOME") or user_data_path("octave-mcp", appauthor=False))


Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="OCTAVE_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(default_factory=_home, description="Where runs, pages, playbooks and logs are kept")
    model: str = Field("auto", description="Who answers: the name of a model, or auto")
    source: str = Field("auto", description="Where pages come from: the name of a source, or auto")
    allow_hosts: Hosts = Field(
        (), description="Hosts exempt from the address, port and name rules, with or without :port"
    )
    max_fetches: int = Field(20, ge=1, description="Pages fetched at once per run")
    fetch_timeout_seconds: float = Field(20, gt=0, description="How long one page may take")
    site_timeout_seconds: float = Field(60, gt=0, description="How long a site may be silent before its run fails")
    max_runs: int = Field(16, ge=1, description="Runs at once")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least that is logged")
    log_file: Path | None = Field(None, description="The log file; OCTAVE_HOME/logs/octave.jsonl if not set")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic-settings'
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, _home() / "config.toml")
        return init_settings, env_settings, dotenv_settings, toml


def load(**flags: Any) -> Settings:  # noqa: ANN401 - the fields of Settings
    """The settings, with what the caller names before all else.

    Raises:
        SetupError: one of them cannot be used; its value, which may be a secret, is not told.
    """
    try:
        return Settings(**flags)
    except ValidationError as failed:
        found = "; ".join(f"{_variable(error['loc'])}: {error['msg']}" for error in failed.errors(include_input=False))
        text = f"a setting cannot be used: {found}; correct it in the environment, .env or config.toml"
        raise SetupError(text) from None


def _variable(location: tuple[int | str, ...]) -> str:
    return f"OCTAVE_{location[0]}".upper() if location else "settings"
