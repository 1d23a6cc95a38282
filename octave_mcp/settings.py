"""Settings, and the code that reads them.

Sources, highest precedence first: flags, environment, `.env`, `OCTAVE_HOME/config.toml`, defaults.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from platformdirs import user_data_path
from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from octave_mcp.domain import database_url
from octave_mcp.domain.choices import AUTO, AUTO_HELP, MODELS, SOURCE_HELP, SOURCES, names
from octave_mcp.domain.masking import MASK, PASSWORD, without_user, without_user_in
from octave_mcp.domain.sender import Line, Sender
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import READ_KINDS
from octave_mcp.errors import SetupError

# Shorter secrets are not masked, because masking 'dev' would garble every 'device' in the logs.
MIN_SECRET_LENGTH = 6
CUSTOM_HEADERS = ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS")
ENV_FILE = Path(".env")
PREFIX = "OCTAVE_"

KEYS = {
    provider.needs: provider.name
    for provider in (*MODELS, *SOURCES)
    if provider.needs and not provider.needs.startswith(PREFIX)
}

# Silence python-dotenv's warnings about invalid lines of `.env`, because `octave-mcp doctor` reports such lines.
logging.getLogger("dotenv.main").setLevel(logging.ERROR)

Origin = Literal["default", "environment", ".env", "config.toml", "flag"]


class Setting(Value):
    """A setting that is safe to show: '***' replaces secrets, and also the user name and password in a URL.

    `name` is the environment variable; `value` is '' if the variable is not set.
    """

    name: str
    value: str
    origin: Origin
    description: str
    is_secret: bool = False


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _home(named: str | None = None) -> Path:
    folder = os.environ.get("OCTAVE_HOME") or named or user_data_path("octave-mcp", appauthor=False)
    return _absolute(Path(folder))


def _absolute(path: Path) -> Path:
    # Expand paths here, because MCP clients pass settings without a shell and can start the server in any folder.
    return path.expanduser().absolute()


UserPath = Annotated[Path, AfterValidator(_absolute)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Tokens = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    # `extra` is 'ignore', so that a misspelt setting does not stop the server. The function `unknown` lists such
    # settings for a warning.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True, defer_build=True
    )
    _flags: frozenset[str] = PrivateAttr(frozenset())

    home: UserPath = Field(default_factory=_home, description="Folder for runs, pages, playbooks and logs")
    model: str = Field(AUTO, description=f"Model to use: {AUTO}, {', '.join(names(MODELS))}; {AUTO_HELP}")
    fast_model: str = Field("", description="Model that reads pages; 'openai:gpt-6-luna' is used only in OpenAI runs")
    strong_model: str = Field("", description="Model that writes; 'openai:gpt-6.1-terra' is used only in OpenAI runs")
    verify_model: str = Field(
        "",
        description="Model that judges whether quotations support the claims, such as 'openai' or 'openai:gpt-6-luna'; "
        "default: the run's fast model; 'none' leaves the judgement to the rules",
    )
    fallback: Names = Field((), description="Models to use, in this order, if the chosen model is unavailable")
    specialists_per_ask: int = Field(
        6, ge=1, le=len(READ_KINDS), description="Kinds of findings per ask about the vendor; half for the prospect"
    )
    max_cost_usd: float | None = Field(None, gt=0, description="Spending limit of a run if the request sets no limit")
    max_run_asks: int | None = Field(None, ge=1, description="Maximum number of asks per run")
    max_run_tokens: int | None = Field(None, ge=1, description="Maximum number of tokens per run, input plus output")
    step_timeout_seconds: float = Field(600, gt=0, description="Time limit for each step of a run")
    run_timeout_seconds: float = Field(
        1800, gt=0, description="Time limit for a run, excluding waits for a slow model; the run keeps finished parts"
    )
    call_timeout_seconds: float = Field(
        120, gt=0, description="Time limit for a model call; if the model answers another call, the time starts again"
    )
    max_asks: int = Field(64, ge=1, description="Maximum number of concurrent asks per model, across all runs")
    shown_characters: int = Field(
        30_000, ge=1000, description="Maximum characters of a company's pages that the connected client's model sees"
    )
    compat_base_url: str = Field("", description="Base URL of a server with a chat completions API, including /v1")
    compat_api_key: SecretStr | None = Field(None, description="API key for OCTAVE_COMPAT_BASE_URL, if it needs a key")
    compat_model: str = Field("", description="Model that the server at OCTAVE_COMPAT_BASE_URL runs")
    sender_name: Line = Field("", description="Name of the sender; if not set, e-mails have a merge field")
    sender_company: Line = Field("", description="Company of the sender")
    sender_title: Line = Field("", description="Job title of the sender")
    sender_sign_off: Line = Field("", description="Line above the sender's name, such as 'Best,'")
    source: str = Field(AUTO, description=SOURCE_HELP)
    job_boards: bool = Field(True, description="Whether to read a prospect's open jobs from its job board")
    feeds: bool = Field(True, description="Whether to read a prospect's news from its RSS or Atom feed")
    sister_domains: bool = Field(True, description="Whether to read product pages on the organisation's other sites")
    database_url: SecretStr | None = Field(None, description="Postgres URL; default: a SQLite file in OCTAVE_HOME")
    host: str = Field("127.0.0.1", description="HTTP listen address; if it is not loopback, set OCTAVE_TOKENS")
    port: int = Field(7777, ge=0, le=65535, description="HTTP listen port; 0 picks a free port")
    public_hosts: Names = Field((), description="Host names that HTTP callers are allowed to use, like octave.acme.com")
    tokens: Tokens = Field(
        (),
        description="Tokens that HTTP callers send as 'Authorization: Bearer TOKEN', and that people sign in with; at "
        "least 16 characters each if other machines can reach the server",
    )
    keep_days: int = Field(90, ge=1, description="Days until a finished run and its files are deleted")
    allow_hosts: Names = Field(
        (), description="Hosts to allow although they are not public, like 'intranet' or 'intranet:8080'"
    )
    max_fetches: int = Field(20, ge=1, description="Maximum number of concurrent page fetches per run")
    fetch_timeout_seconds: float = Field(20, gt=0, description="Time limit for one page")
    page_max_age_seconds: float = Field(86_400, ge=0, description="How long a fetched page is reused; 0 disables reuse")
    site_timeout_seconds: float = Field(60, gt=0, description="How long to wait for a site before the run fails")
    max_runs: int = Field(16, ge=1, description="Maximum number of concurrent runs")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Minimum level of log messages")
    log_file: UserPath | None = Field(None, description="Log file; default: OCTAVE_HOME/logs/octave.jsonl")
    traces: bool = Field(False, description="Whether to send OpenTelemetry traces to OTEL_EXPORTER_OTLP_ENDPOINT")

    def __init__(self, **flags: Any) -> None:  # noqa: ANN401 - the fields
        super().__init__(**flags)
        self._flags = frozenset(flags)

    @property
    def config_file(self) -> Path:
        return self.home / "config.toml"

    @property
    def origins(self) -> dict[str, Origin]:
        """The source of each field whose value is not the default."""
        sources: tuple[tuple[Origin, Iterable[str]], ...] = (
            ("config.toml", TomlConfigSettingsSource(type(self), self.config_file)()),
            (".env", DotEnvSettingsSource(type(self))()),
            ("environment", EnvSettingsSource(type(self))()),
            ("flag", self._flags),
        )
        return {name: origin for origin, names in sources for name in names}

    @property
    def sender(self) -> Sender:
        return Sender(**{name: getattr(self, f"sender_{name}") for name in Sender.model_fields})

    @property
    def url(self) -> str:
        """The database URL, with its password: never log or show it.

        Raises:
            SetupError: If the URL is malformed, or its database or driver is not supported.
        """
        given = self.database_url.get_secret_value().strip() if self.database_url else ""
        return database_url.canonical(given) if given else database_url.of_file(self.home / "octave.db")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic-settings'
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # config.toml is in OCTAVE_HOME, so find out first whether another source sets OCTAVE_HOME.
        homes = (source().get("home") for source in (init_settings, env_settings, dotenv_settings))
        home = _absolute(Path(next(filter(None, homes), _home())))
        toml = TomlConfigSettingsSource(settings_cls, home / "config.toml")
        return init_settings, env_settings, dotenv_settings, toml


def load(**flags: Any) -> Settings:  # noqa: ANN401 - the fields of Settings
    """Return the settings. `flags` take precedence over all other sources.

    Raises:
        SetupError: If a setting is invalid or a file is unreadable. The message omits values, which can be secret.
    """
    try:
        return Settings(**flags)
    except ValidationError as failed:
        errors = "; ".join(f"{_variable(error['loc'])}: {error['msg']}" for error in failed.errors(include_input=False))
        text = f"invalid setting: {errors}; correct it in the environment, .env or config.toml"
        raise SetupError(text) from None
    except (SettingsError, OSError, ValueError) as failed:
        reasons = "; ".join(f"{file}: {why}" for file, why in faults()) or type(failed).__name__
        raise SetupError(f"cannot read the settings: {reasons}; correct or remove the file") from None


def fallback() -> Settings:
    """Return the defaults with the current OCTAVE_HOME, for callers that must continue after `load` has failed."""
    return Settings.model_construct(home=_home())


def described(settings: Settings) -> tuple[Setting, ...]:
    """Return all settings in the order of the fields, without secret values."""
    origins = settings.origins
    return tuple(
        Setting(
            name=_variable((name,)),
            value=_shown(getattr(settings, name)),
            origin=origins.get(name, "default"),
            description=field.description or "",
            is_secret=_is_secret(field),
        )
        for name, field in Settings.model_fields.items()
    )


def keys() -> tuple[Setting, ...]:
    """Return the providers' API keys as settings whose value is '***', or '' if the key is not set."""
    environment, file = _variables()
    return tuple(
        Setting(
            name=name,
            value=MASK if name.lower() in file | environment else "",
            origin=_origin(name.lower(), environment, file),
            description=f"API key for {adapter}",
            is_secret=True,
        )
        for name, adapter in KEYS.items()
    )


def value_of(variable: str) -> SecretStr | None:
    """Return the value of a variable from the environment, or from `.env` if the environment does not have it."""
    environment, file = _variables()
    value = (file | environment).get(variable.lower())
    return SecretStr(value) if value else None


def headers_of(variable: str) -> dict[str, str]:
    """Parse a variable with one HTTP header per line ('Name: value'), as the providers' SDKs do."""
    lines = headers.get_secret_value().split("\n") if (headers := value_of(variable)) else ()
    parts = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, colon, value in parts if colon}


def setting_of(settings: Settings, variable: str) -> str:
    """Return the value of one of our settings or of a provider's environment variable; '' if not set."""
    if variable.startswith(PREFIX):
        value = getattr(settings, variable.removeprefix(PREFIX).lower())
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
    key = value_of(variable)
    return key.get_secret_value() if key else ""


def secret_values(settings: Settings) -> tuple[str, ...]:
    """Return all texts to mask in logs: secret settings, keys, the database's password and custom headers."""
    fields = type(settings).model_fields
    own = [text for name, field in fields.items() if _is_secret(field) for text in _secrets(getattr(settings, name))]
    passwords = [match["password"] for url in own if (match := PASSWORD.search(url))]
    # Mask each word of a header value such as 'Bearer TOKEN' separately, because a message can contain TOKEN alone.
    headers = [word for name in CUSTOM_HEADERS for value in headers_of(name).values() for word in value.split()]
    return (*own, *passwords, *headers, *(key.get_secret_value() for name in KEYS if (key := value_of(name))))


def _is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def _secrets(value: SecretStr | tuple[SecretStr, ...] | None) -> Iterator[str]:
    values = value if isinstance(value, tuple) else (value,)
    # A database URL that is only a scheme ('sqlite://') is not secret, and masking it would garble the error about it.
    return (text for secret in values if secret and not database_url.is_scheme(text := secret.get_secret_value()))


def unknown(settings: Settings) -> tuple[str, ...]:
    """Return the OCTAVE_ variables and config.toml entries that do not match a setting, such as misspelt names."""
    valid = {_variable((name,)) for name in Settings.model_fields}
    environment, file = _variables()
    given = {name.upper() for name in file | environment if name.startswith(PREFIX.lower())}
    toml = {_variable((name,)) for name in TomlConfigSettingsSource(Settings, settings.config_file).toml_data}
    return (*sorted(given - valid), *(f"{name} in config.toml" for name in sorted(toml - valid)))


def faults() -> Iterator[tuple[Path, str]]:
    """Yield each settings file that cannot be read, with a reason that quotes nothing from the file."""
    named = None
    try:
        named = DotEnvSettingsSource(Settings).env_vars.get("octave_home")
    except (OSError, ValueError) as failed:
        yield ENV_FILE.absolute(), _why(failed)
    file = _home(named) / "config.toml"
    try:
        TomlConfigSettingsSource(Settings, file)
    except (OSError, ValueError) as failed:
        yield file, _why(failed)


def _why(failed: OSError | ValueError) -> str:
    return (failed.strerror if isinstance(failed, OSError) else None) or str(failed)


def _variables() -> tuple[dict[str, str], dict[str, str]]:
    environment = _non_empty(EnvSettingsSource(Settings))
    try:
        return environment, _non_empty(DotEnvSettingsSource(Settings))
    except (OSError, ValueError):
        return environment, {}


def _non_empty(source: EnvSettingsSource) -> dict[str, str]:
    return {name: value for name, value in source.env_vars.items() if value}


def _origin(name: str, environment: dict[str, str], file: dict[str, str]) -> Origin:
    return "environment" if name in environment else ".env" if name in file else "default"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_shown, cast("tuple[object, ...]", value)))
    if isinstance(value, SecretStr):
        return without_user(value.get_secret_value())
    return "" if value is None else without_user_in(str(value))


def _variable(location: tuple[int | str, ...]) -> str:
    return f"{PREFIX}{location[0]}".upper() if location else "settings"
