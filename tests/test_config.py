"""The command `octave-mcp config` shows the value and origin of every setting, and masks secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import command, octave
from pydantic import SecretStr

from octave_mcp.observability.logs import scrubber
from octave_mcp.settings import KEYS, Settings, described, load, secret_values, setting_of

LOADED = """
import sys
from octave_mcp.surfaces.cli.main import main
for arguments in (["--help"], ["config"], ["install", "cursor"]):
    sys.argv[1:] = arguments
    code = main()
    loaded = [name for name in ("fastmcp", "dbos", "sqlalchemy", "starlette") if name in sys.modules]
    if code or loaded:
        sys.exit(f"{arguments} ended with {code} and has loaded {loaded}")
"""


async def settings(cwd: Path) -> dict[str, tuple[str, str]]:
    ended = await octave("config", "--json", cwd=cwd)
    assert ended.code == 0, ended.err
    return {setting["name"]: (setting["value"], setting["origin"]) for setting in json.loads(ended.out)["settings"]}


async def test_every_setting_and_key_is_shown_on_one_screen(tmp_path: Path) -> None:
    ended = await octave("config", cwd=tmp_path)

    assert ended.code == 0
    assert ended.err == ""
    names = [line.split()[0] for line in ended.out.split("\n\n")[0].splitlines()]
    assert names == [*(f"OCTAVE_{name.upper()}" for name in Settings.model_fields), *KEYS]
    assert ended.out.count("\n") <= 48


async def test_settings_that_are_not_set_show_their_default(tmp_path: Path) -> None:
    found = await settings(tmp_path)

    assert found["OCTAVE_PORT"] == ("7777", "default")
    assert found["OCTAVE_DATABASE_URL"] == ("", "default")
    assert found["OPENAI_API_KEY"] == ("", "default")


async def test_the_environment_overrides_dotenv_and_dotenv_overrides_config_toml(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (home / "config.toml").write_text("port = 8001\nhost = '127.0.0.2'\nkeep_days = 7\nallow_hosts = ['a', 'b']\n")
    (tmp_path / ".env").write_text("OCTAVE_PORT=8002\nOCTAVE_HOST=127.0.0.3\nOPENAI_API_KEY=sk-of-the-file\n")
    monkeypatch.setenv("OCTAVE_PORT", "8003")
    found = await settings(tmp_path)

    assert found["OCTAVE_PORT"] == ("8003", "environment")
    assert found["OCTAVE_HOST"] == ("127.0.0.3", ".env")
    assert found["OCTAVE_KEEP_DAYS"] == ("7", "config.toml")
    assert found["OCTAVE_ALLOW_HOSTS"] == ("a,b", "config.toml")
    assert found["OCTAVE_HOME"] == (str(home), "environment")
    assert found["OPENAI_API_KEY"] == ("***", ".env")


def test_a_flag_has_the_highest_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_PORT", "8001")
    found = {setting.name: (setting.value, setting.origin) for setting in described(load(port=8002))}

    assert found["OCTAVE_PORT"] == ("8002", "flag")


async def test_config_toml_is_read_from_the_home_set_in_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCTAVE_HOME")
    (tmp_path / ".env").write_text("OCTAVE_HOME=there\n")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "config.toml").write_text("port = 8001\n")
    found = await settings(tmp_path)

    assert found["OCTAVE_HOME"] == (str(tmp_path / "there"), ".env")
    assert found["OCTAVE_PORT"] == ("8001", "config.toml")


async def test_an_empty_variable_counts_as_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OCTAVE_PORT", "OCTAVE_LOG_FILE", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "")
    found = await settings(tmp_path)

    assert found["OCTAVE_PORT"] == ("7777", "default")
    assert found["OCTAVE_LOG_FILE"] == ("", "default")
    assert found["OPENAI_API_KEY"] == ("", "default")


async def test_a_tilde_is_expanded_without_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("OCTAVE_HOME", "~/octave")
    found = await settings(tmp_path)

    assert found["OCTAVE_HOME"] == (str(tmp_path / "me" / "octave"), "environment")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hunter22@db.acme.com:5432/octave", "postgresql://***@db.acme.com:5432/octave"),
        ("postgres://me:hunter22@db/octave?sslmode=require&password=hunter22", "postgres://***@db/octave"),
        ("postgresql+psycopg://me:hunter22@[::1]:5432/octave", "postgresql+psycopg://***@[::1]:5432/octave"),
        ("postgresql://me:hunter22@one:1,two:2/octave", "postgresql://***@one:1,two:2/octave"),
        ("postgresql:///octave?host=/run&user=hunter22", "postgresql:///octave"),
        ("sqlite:////var/octave.db", "sqlite:////var/octave.db"),
        ("postgresql://me:hunter22@x/y@db/octave", "***"),
        ("postgresql://me:hunter22?x@db/octave", "***"),
        ("postgresql://me:hunter22#x@db/octave", "***"),
        ("postgresql://me:hunter22", "***"),
        ("hunter22", "***"),
    ],
    ids=str,
)
async def test_a_database_url_is_shown_without_its_credentials(
    url: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_DATABASE_URL", url)
    found = await settings(tmp_path)

    assert found["OCTAVE_DATABASE_URL"] == (shown, "environment")


async def test_each_secret_is_masked_separately(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_TOKENS", "first-of-them, second-of-them")
    monkeypatch.setenv("FIRECRAWL_API_KEY", "fc-0123456789")
    ended = await octave("config", cwd=tmp_path)
    found = await settings(tmp_path)

    assert found["OCTAVE_TOKENS"] == ("***,***", "environment")
    assert found["FIRECRAWL_API_KEY"] == ("***", "environment")
    assert "of-them" not in ended.out
    assert "0123456789" not in ended.out


class ExtendedSettings(Settings):
    """Settings with an additional provider, whose API key is in the environment variable OCTAVE_CROW_API_KEY."""

    crow_api_key: SecretStr | None = None


@pytest.mark.usefixtures("home")
def test_the_key_of_an_additional_provider_is_masked_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    assert setting_of(ExtendedSettings.model_validate({}), "OCTAVE_CROW_API_KEY") == ""

    monkeypatch.setenv("OCTAVE_CROW_API_KEY", "feathers in the nest")
    found = ExtendedSettings.model_validate({})

    assert scrubber(secret_values(found))("asked with feathers in the nest") == "asked with ***"
    assert setting_of(found, "OCTAVE_CROW_API_KEY") == "feathers in the nest"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("home/config.toml", b"port 8001", "home/config.toml: Expected '='"),
        ("home/config.toml", b"\xff\xfe", "home/config.toml: 'utf-8' codec"),
        (".env", b"OCTAVE_PORT=\xff", "/.env: 'utf-8' codec"),
        (".env", b"OCTAVE_PORT=hunter22", "OCTAVE_PORT: Input should be a valid integer"),
        ("home/config.toml", b"log_level = 'hunter22'", "OCTAVE_LOG_LEVEL: Input should be"),
    ],
    ids=str,
)
async def test_unreadable_settings_are_named_without_their_values_and_exit_with_3(
    file: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / file).write_bytes(content)
    ended = await octave("config", cwd=tmp_path)

    assert ended.code == 3
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert message in ended.err
    assert "hunter22" not in ended.err


async def test_commands_without_a_server_do_not_import_one(tmp_path: Path) -> None:
    ended = await command("-c", LOADED, cwd=tmp_path)

    assert ended.code == 0, ended.err
