"""The only reader of the environment: flags > environment > `.env` > `OCTAVE_HOME/config.toml` > defaults."""

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

# Masking a shorter one would tear up ordinary words.
MIN_SECRET_LENGTH = 6
CUSTOM_HEADERS = ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS")
# In the folder where the server or the command is started.
ENV_FILE = Path(".env")
PREFIX = "OCTAVE_"

# The providers' own names of their keys, and the model or the source that needs each.
KEYS = {
    provider.needs: provider.name
    for provider in (*MODELS, *SOURCES)
    if provider.needs and not provider.needs.startswith(PREFIX)
}

logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # the doctor names lines that are ignored; once is enough

Origin = Literal["default", "environment", ".env", "config.toml", "flag"]


class Setting(Value):
    """A setting under the name of its variable, with its value as text, '' where it has none, and where that is from.

    A secret is shown as '***', and a database without its user.
    """

    name: str
    value: str
    origin: Origin
    description: str
    is_secret: bool = False


def _split(value: object) -> object:
    """'a, b' as a list, which is how an environment variable gives one."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _home(named: str | None = None) -> Path:
    found = os.environ.get("OCTAVE_HOME") or named or user_data_path("octave-mcp", appauthor=False)
    return _settled(Path(found))


def _settled(path: Path) -> Path:
    """The same place wherever it is read: a client's configuration is seen by no shell, and its folder is anyone's."""
    return path.expanduser().absolute()


UserPath = Annotated[Path, AfterValidator(_settled)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Tokens = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True, defer_build=True
    )
    _flags: frozenset[str] = PrivateAttr(frozenset())

    home: UserPath = Field(default_factory=_home, description="Where runs, pages, playbooks and logs are kept")
    model: str = Field(AUTO, description=f"Who answers: {AUTO}, {', '.join(names(MODELS))}; {AUTO_HELP}")
    fast_model: str = Field("", description="Who reads pages, as 'openai:gpt-6-luna'; for that provider only")
    strong_model: str = Field("", description="Who writes, as 'openai:gpt-6.1-terra'; for that provider only")
    verify_model: str = Field(
        "",
        description="Who judges whether quotations support the claims, as 'openai' or 'openai:gpt-6-luna'; "
        "the run's own fast model if not set, nobody if 'none'",
    )
    fallback: Names = Field((), description="Models that stand in, in this order, for one that cannot be reached")
    specialists_per_ask: int = Field(
        len(READ_KINDS), ge=1, le=len(READ_KINDS), description="Questions about a vendor's pages that one ask puts"
    )
    max_cost_usd: float | None = Field(None, gt=0, description="The most that a run may spend, unless its caller says")
    max_run_asks: int | None = Field(None, ge=1, description="The most asks that a run may make")
    max_run_tokens: int | None = Field(None, ge=1, description="The most tokens that a run may send and get")
    step_timeout_seconds: float = Field(600, gt=0, description="How long one step of a run may take")
    run_timeout_seconds: float = Field(
        1800, gt=0, description="How long a run may take, not counting waits for a slow model; it ends with what it has"
    )
    call_timeout_seconds: float = Field(
        120, gt=0, description="How long a model may take for one answer; restarts when it answers an earlier call"
    )
    max_asks: int = Field(64, ge=1, description="Asks of one model at once, however many runs make them")
    shown_characters: int = Field(
        30_000, ge=1000, description="Characters of a company's pages shown to the host model"
    )
    compat_base_url: str = Field("", description="The address of a server that speaks chat.completions, with its /v1")
    compat_api_key: SecretStr | None = Field(None, description="What that server is asked with, if it asks for a key")
    compat_model: str = Field("", description="The model there that reads and writes")
    sender_name: Line = Field("", description="Who signs the e-mails, unless a request says; merge fields if not set")
    sender_company: Line = Field("", description="The company of the sender")
    sender_title: Line = Field("", description="The job title of the sender")
    sender_sign_off: Line = Field("", description="The line above the name, e.g. 'Best,'")
    source: str = Field(AUTO, description=SOURCE_HELP)
    job_boards: bool = Field(True, description="Whether to read a prospect's open jobs from its job board")
    feeds: bool = Field(True, description="Whether to read a prospect's news from its RSS or Atom feed")
    sister_domains: bool = Field(True, description="Whether to read product pages on the organisation's other sites")
    database_url: SecretStr | None = Field(
        None, description="Where runs are kept: a Postgres URL; a SQLite file in OCTAVE_HOME if not set"
    )
    host: str = Field("127.0.0.1", description="The address HTTP listens on; any but loopback needs OCTAVE_TOKENS")
    port: int = Field(7777, ge=0, le=65535, description="The port that HTTP listens on; 0 takes a free one")
    public_hosts: Names = Field((), description="Names under which HTTP is reached, beside loopback: octave.acme.com")
    tokens: Tokens = Field(
        (),
        description="Tokens for HTTP callers, sent as 'Authorization: Bearer TOKEN'; at least 16 characters if other "
        "machines can call",
    )
    keep_days: int = Field(90, ge=1, description="Days after which a finished run is removed, with its files")
    allow_hosts: Names = Field(
        (), description="Names exempt from the address, port and name rules, with or without :port"
    )
    max_fetches: int = Field(20, ge=1, description="Pages fetched at once per run")
    fetch_timeout_seconds: float = Field(20, gt=0, description="How long one page may take")
    page_max_age_seconds: float = Field(
        86_400, ge=0, description="How long a page that was read is used again before it is asked for anew; 0 never is"
    )
    site_timeout_seconds: float = Field(60, gt=0, description="How long a site may be silent before its run fails")
    max_runs: int = Field(16, ge=1, description="Runs at once")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least that is logged")
    log_file: UserPath | None = Field(None, description="The log file; OCTAVE_HOME/logs/octave.jsonl if not set")

    def __init__(self, **flags: Any) -> None:  # noqa: ANN401 - the fields
        super().__init__(**flags)
        self._flags = frozenset(flags)

    @property
    def config_file(self) -> Path:
        return self.home / "config.toml"

    @property
    def origins(self) -> dict[str, Origin]:
        """Where the fields that have no default value got theirs, found by asking each source anew."""
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
        """The database's, with its password: for those who open it, not for anyone to read.

        Raises:
            SetupError: its form, database or driver is not supported.
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
        named = (source().get("home") for source in (init_settings, env_settings, dotenv_settings))
        home = _settled(Path(next(filter(None, named), _home())))
        toml = TomlConfigSettingsSource(settings_cls, home / "config.toml")
        return init_settings, env_settings, dotenv_settings, toml


def load(**flags: Any) -> Settings:  # noqa: ANN401 - the fields of Settings
    """The settings, with what the caller names before all else.

    Raises:
        SetupError: one of them, or a file of them, cannot be used; its value, which may be a secret, is not told.
    """
    try:
        return Settings(**flags)
    except ValidationError as failed:
        found = "; ".join(f"{_variable(error['loc'])}: {error['msg']}" for error in failed.errors(include_input=False))
        text = f"a setting cannot be used: {found}; correct it in the environment, .env or config.toml"
        raise SetupError(text) from None
    except (SettingsError, OSError, ValueError) as failed:
        found = "; ".join(f"{file}: {why}" for file, why in faults()) or type(failed).__name__
        raise SetupError(f"the settings cannot be read: {found}; correct the file, or move it away") from None


def fallback() -> Settings:
    """The defaults, and OCTAVE_HOME as far as it is known: for those who must go on where `load` has failed."""
    return Settings.model_construct(home=_home())


def described(settings: Settings) -> tuple[Setting, ...]:
    """Every setting, in the order of the fields, as it may be shown to anyone."""
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
    """The keys of others' services, as they may be shown to anyone: '***' or, where there is none, ''."""
    environment, file = _variables()
    return tuple(
        Setting(
            name=name,
            value=MASK if name.lower() in file | environment else "",
            origin=_origin(name.lower(), environment, file),
            description=f"What {adapter} is asked with",
            is_secret=True,
        )
        for name, adapter in KEYS.items()
    )


def value_of(variable: str) -> SecretStr | None:
    """What the environment, or else `.env`, has under this name."""
    environment, file = _variables()
    found = (file | environment).get(variable.lower())
    return SecretStr(found) if found else None


def headers_of(variable: str) -> dict[str, str]:
    """Return the headers in a variable, one 'Name: value' per line, as the providers' SDKs read it."""
    lines = found.get_secret_value().split("\n") if (found := value_of(variable)) else ()
    parts = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, colon, value in parts if colon}


def setting_of(settings: Settings, variable: str) -> str:
    """What is set under the name of a variable, ours or a provider's own; '' where nothing is."""
    if variable.startswith(PREFIX):
        value = getattr(settings, variable.removeprefix(PREFIX).lower())
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
    found = value_of(variable)
    return found.get_secret_value() if found else ""


def secret_values(settings: Settings) -> tuple[str, ...]:
    """All that must not be shown, the parts of a database's URL included."""
    fields = type(settings).model_fields
    own = [one for name, field in fields.items() if _is_secret(field) for one in _secrets(getattr(settings, name))]
    passwords = [match["password"] for url in own if (match := PASSWORD.search(url))]
    headers = [word for name in CUSTOM_HEADERS for value in headers_of(name).values() for word in value.split()]
    return (*own, *passwords, *headers, *(found.get_secret_value() for name in KEYS if (found := value_of(name))))


def _is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def _secrets(value: SecretStr | tuple[SecretStr, ...] | None) -> Iterator[str]:
    """The secret of a field, or each of several; a field that is not set has none."""
    values = value if isinstance(value, tuple) else (value,)
    return (text for one in values if one and not database_url.is_scheme(text := one.get_secret_value()))


def unknown(settings: Settings) -> tuple[str, ...]:
    """Names that look like those of settings, and are none: nothing reads them."""
    fields = {_variable((name,)) for name in Settings.model_fields}
    environment, file = _variables()
    given = {name.upper() for name in file | environment if name.startswith(PREFIX.lower())}
    toml = {_variable((name,)) for name in TomlConfigSettingsSource(Settings, settings.config_file).toml_data}
    return (*sorted(given - fields), *(f"{name} in config.toml" for name in sorted(toml - fields)))


def faults() -> Iterator[tuple[Path, str]]:
    """The files of settings that cannot be read, and why; not what is in them."""
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
    """All that the environment has, and all that `.env` has if it can be read, under names in lower case."""
    environment = _set(EnvSettingsSource(Settings))
    try:
        return environment, _set(DotEnvSettingsSource(Settings))
    except (OSError, ValueError):
        return environment, {}


def _set(source: EnvSettingsSource) -> dict[str, str]:
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
