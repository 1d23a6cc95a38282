"""The install command: its output, the files that it writes, and the files that it leaves unchanged."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest
from conftest import CLIENT, Ended, command, names_in, octave, read_json

from octave_mcp.surfaces.cli import install as surface

FILES = {
    "claude-desktop": "config/Claude/claude_desktop_config.json",
    "claude-code": "project/.mcp.json",
    "cursor": ".cursor/mcp.json",
}
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": CLIENT}
ELSEWHERE = """
import sys
import platformdirs
from platformdirs import windows
from octave_mcp.surfaces.cli.main import main
sys.platform = "darwin"
on_a_mac = main()
sys.platform = "win32"
windows.get_win_folder = windows.get_win_folder_from_env_vars
platformdirs.PlatformDirs = windows.Windows
sys.exit(on_a_mac or main())
"""


@pytest.fixture(autouse=True)
def user_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home folder, which contains nothing but a project folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "roaming"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.delenv("OCTAVE_HOME")
    monkeypatch.setattr(surface, "LOCATE_TIMEOUT_SECONDS", 86_400)
    (tmp_path / "project").mkdir()
    return tmp_path


async def install(user_home: Path, *arguments: str) -> Ended:
    return await octave("install", *arguments, cwd=user_home / "project")


async def entry_for(user_home: Path, client: str, *arguments: str) -> dict[str, Any]:
    ended = await install(user_home, client, "--json", *arguments)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["entry"]


def servers(file: Path) -> dict[str, Any]:
    return read_json(file)["mcpServers"]


@pytest.mark.parametrize("client", FILES)
async def test_without_write_only_the_entry_is_printed_and_no_file_is_changed(client: str, user_home: Path) -> None:
    ended = await install(user_home, client)

    assert ended.code == 0
    entry = json.loads(ended.out)["mcpServers"]["octave"]
    assert Path(entry["command"]).is_absolute()
    assert entry["env"] == {"OCTAVE_MODEL": "host"}
    assert str(user_home / FILES[client]) in ended.err
    assert f"octave-mcp install {client} --write" in ended.err
    assert not (user_home / FILES[client]).exists()


async def test_a_written_entry_starts_a_working_server_from_any_folder(user_home: Path) -> None:
    """Desktop programs inherit no variables of a shell, so the written entry must contain all that the server needs."""
    written = {client: await install(user_home, client, "--write") for client in FILES}
    first, *others = (servers(user_home / file)["octave"] for file in FILES.values())
    (user_home / "elsewhere").mkdir()
    (user_home / "elsewhere" / "json.py").write_text("raise SystemExit('a module of the project itself')")
    process = await asyncio.create_subprocess_exec(
        first["command"],
        *first["args"],
        cwd=user_home / "elsewhere",
        env={"HOME": str(user_home), "PATH": os.environ["PATH"], **first["env"]},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(json.dumps(HELLO).encode() + b"\n")

    assert [(ended.code, ended.out) for ended in written.values()] == [
        (0, f"written: {user_home / file}\n") for file in FILES.values()
    ]
    assert json.loads(out)["result"]["serverInfo"]["name"] == "octave", err
    assert process.returncode == 0
    assert all(first == {name: entry[name] for name in first} for entry in others)


async def test_the_entry_for_claude_code_has_a_type_and_comes_with_its_own_command(user_home: Path) -> None:
    entry = await entry_for(user_home, "claude-code")
    ended = await install(user_home, "claude-code")

    assert entry["type"] == "stdio"
    line = next(line for line in ended.err.splitlines() if "claude mcp add" in line)
    words = shlex.split(line[line.index("claude mcp add") :])
    assert words[:6] == ["claude", "mcp", "add", "octave", "--scope", "user"]
    assert words[6:] == ["--env=OCTAVE_MODEL=host", "--", entry["command"], *entry["args"]]


async def test_writing_the_same_entry_again_changes_nothing_and_makes_no_backup(user_home: Path) -> None:
    await install(user_home, "cursor", "--write")
    before = (user_home / FILES["cursor"]).stat().st_mtime_ns
    ended = await install(user_home, "cursor", "--write")

    assert (ended.code, ended.out) == (0, f"unchanged: {user_home / FILES['cursor']}\n")
    assert names_in(user_home / ".cursor") == {"mcp.json"}
    assert (user_home / FILES["cursor"]).stat().st_mtime_ns == before


async def test_other_settings_keep_their_order_and_a_backup_is_made(user_home: Path) -> None:
    file = user_home / FILES["cursor"]
    file.parent.mkdir()
    others = {"zeta": {"url": "https://acme.com/mcp"}, "alpha": {"command": "x", "env": {"KEY": "grün"}}}
    before = json.dumps({"theme": "dark", "mcpServers": others, "more": [1, 2.5, None]}, ensure_ascii=False)
    file.write_text(before, "utf-8")
    file.chmod(0o640)
    ended = await install(user_home, "cursor", "--write", "--json")

    after = read_json(file)
    assert [*after] == ["theme", "mcpServers", "more"]
    assert [*after["mcpServers"]] == ["zeta", "alpha", "octave"]
    assert after["mcpServers"] | others == after["mcpServers"]
    assert after["more"] == [1, 2.5, None]
    backup = file.parent / Path(json.loads(ended.out)["backup"]).name
    assert backup.read_text("utf-8") == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert names_in(file.parent) == {file.name, backup.name}


async def test_an_existing_entry_is_updated_and_keeps_what_the_user_added(user_home: Path) -> None:
    file = user_home / FILES["cursor"]
    file.parent.mkdir()
    variables = {"OPENAI_API_KEY": "sk-of-the-user", "OCTAVE_MODEL": "host", "OCTAVE_PORT": "1"}
    old = {"url": "http://127.0.0.1:7777/mcp", "timeout": 600, "command": "gone", "env": variables}
    file.write_text(json.dumps({"mcpServers": {"octave": old}}))
    ended = await octave("install", "cursor", "--write", cwd=user_home / "project")

    entry = servers(file)["octave"]
    assert entry["timeout"] == 600
    assert entry["command"] != "gone"
    assert entry["env"] == variables
    assert "url" not in entry
    assert "sk-of-the-user" not in ended.out + ended.err


@pytest.mark.parametrize("content", [b"", b" \n", b"\xef\xbb\xbf{}", b"{}"], ids=repr)
async def test_an_empty_file_and_one_with_a_byte_order_mark_are_filled(content: bytes, user_home: Path) -> None:
    file = user_home / FILES["claude-desktop"]
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    ended = await install(user_home, "claude-desktop", "--write")

    assert ended.code == 0, ended.err
    assert servers(file).keys() == {"octave"}


async def test_a_symbolic_link_stays_a_symbolic_link(user_home: Path) -> None:
    (user_home / "dotfiles").mkdir()
    (user_home / "dotfiles" / "mcp.json").write_text("{}")
    (user_home / ".cursor").mkdir()
    (user_home / FILES["cursor"]).symlink_to(user_home / "dotfiles" / "mcp.json")
    ended = await install(user_home, "cursor", "--write")

    assert ended.code == 0
    assert (user_home / FILES["cursor"]).is_symlink()
    assert servers(user_home / "dotfiles" / "mcp.json").keys() == {"octave"}


async def test_a_new_file_is_readable_by_the_user_only(user_home: Path) -> None:
    await install(user_home, "claude-desktop", "--write")

    assert stat.S_IMODE((user_home / FILES["claude-desktop"]).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"mcpServers": {}', "is not valid JSON (Expecting ',' delimiter: line 1, column 18)"),
        (b"// comment\n{}", "is not valid JSON"),
        (b"[]", "is not a configuration of MCP servers"),
        (b'{"mcpServers": []}', "is not a configuration of MCP servers"),
        (b"\xff{}", "('utf-8' codec"),
        (b"[" * 100_000, "cannot read"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_a_file_that_cannot_be_parsed_is_left_unchanged(content: bytes, reason: str, user_home: Path) -> None:
    file = user_home / FILES["cursor"]
    file.parent.mkdir()
    file.write_bytes(content)
    ended = await install(user_home, "cursor", "--write")

    assert ended.code == 3
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert reason in ended.err
    assert file.read_bytes() == content
    assert names_in(file.parent) == {file.name}


@pytest.mark.parametrize("taken", [".cursor", ".cursor/mcp.json"])
async def test_a_file_that_cannot_be_written_is_named(taken: str, user_home: Path) -> None:
    if taken == ".cursor":
        (user_home / taken).write_text("a file")
    else:
        (user_home / taken).mkdir(parents=True)
    ended = await install(user_home, "cursor", "--write")

    assert ended.code == 3
    assert ended.err.startswith("error: cannot ")
    assert str(user_home / FILES["cursor"]) in ended.err
    assert ended.err.count("\n") == 1


async def test_current_settings_are_copied_to_the_entry_with_absolute_paths(
    user_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_HOME", "kept")
    (user_home / "project" / ".env").write_text(
        "OCTAVE_MODEL=extractive\nOCTAVE_ALLOW_HOSTS=a, b\nOCTAVE_NO_SETTING=1\n"
    )
    entry = await entry_for(user_home, "cursor")

    home = str(user_home / "project" / "kept")
    assert entry["env"] == {"OCTAVE_HOME": home, "OCTAVE_MODEL": "extractive", "OCTAVE_ALLOW_HOSTS": "a,b"}


async def test_a_model_set_in_the_configuration_file_is_not_repeated_in_the_entry(
    user_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_HOME", str(user_home / "kept"))
    (user_home / "kept").mkdir()
    (user_home / "kept" / "config.toml").write_text("model = 'extractive'\n")
    entry = await entry_for(user_home, "cursor")

    assert entry["env"] == {"OCTAVE_HOME": str(user_home / "kept")}


async def test_secrets_are_written_only_on_request_and_are_named_otherwise(
    user_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    monkeypatch.setenv("OCTAVE_DATABASE_URL", "postgresql://me:hunter22@db/octave")
    ended = await install(user_home, "cursor", "--write")
    without = servers(user_home / FILES["cursor"])["octave"]["env"]
    with_keys = await install(user_home, "cursor", "--write", "--with-keys")
    entry = servers(user_home / FILES["cursor"])["octave"]["env"]

    assert "not written: OPENAI_API_KEY, OCTAVE_DATABASE_URL; to include these secrets, use --with-keys" in ended.err
    assert not {"OPENAI_API_KEY", "OCTAVE_DATABASE_URL"} & without.keys()
    assert without["OCTAVE_MODEL"] == "host"
    assert "OCTAVE_MODEL" not in entry
    assert entry["OPENAI_API_KEY"] == "sk-0123456789"
    assert entry["OCTAVE_DATABASE_URL"] == "postgresql://me:hunter22@db/octave"
    assert not any(
        secret in ended.out + ended.err + with_keys.out + with_keys.err for secret in ("0123456789", "hunter22")
    )


async def test_a_key_that_no_model_uses_counts_as_no_key(user_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a model key, the entry sets OCTAVE_MODEL=host, so that runs work without a key.

    A Firecrawl key does not count as a model key.
    """
    monkeypatch.setenv("FIRECRAWL_API_KEY", "fc-0123456789")
    entry = await entry_for(user_home, "cursor")
    ended = await install(user_home, "cursor")

    assert entry["env"] == {"OCTAVE_MODEL": "host"}
    assert "OCTAVE_MODEL=host needs no API key" in ended.err


async def test_quiet_omits_the_hints(user_home: Path) -> None:
    ended = await install(user_home, "cursor", "--quiet")

    assert json.loads(ended.out)["mcpServers"].keys() == {"octave"}
    assert ended.err == ""


async def test_the_server_may_have_another_name(user_home: Path) -> None:
    await install(user_home, "cursor", "--write", "--name", "octave-2")
    await install(user_home, "cursor", "--write")

    assert [*servers(user_home / FILES["cursor"])] == ["octave-2", "octave"]


@pytest.mark.long
async def test_the_entry_for_claude_desktop_goes_where_it_looks_on_macos_and_windows(user_home: Path) -> None:
    ended = await command("-c", ELSEWHERE, "install", "claude-desktop", "--json", cwd=user_home)

    assert ended.code == 0, ended.err
    folders = (user_home / "Library" / "Application Support", user_home / "roaming")
    expected = [str(folder / "Claude" / "claude_desktop_config.json") for folder in folders]
    assert re.findall('"file": "(.+)"', ended.out) == expected


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        ((), 2, "CLIENT"),
        (("emacs",), 2, "emacs"),
        (("cursor", "vim"), 2, "vim"),
        (("cursor", "--name", "two words"), 2, "invalid server name 'two words'"),
        (("cursor", "--write", "some"), 2, "some"),
    ],
    ids=str,
)
async def test_an_invalid_argument_is_named_in_one_line(
    arguments: tuple[str, ...], code: int, named: str, user_home: Path
) -> None:
    ended = await install(user_home, *arguments)

    assert ended.code == code
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert named in ended.err


async def test_with_invalid_settings_the_exit_code_is_3_and_nothing_is_written(
    user_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_PORT", "any")
    ended = await install(user_home, "cursor", "--write")

    assert ended.code == 3
    assert "OCTAVE_PORT" in ended.err
    assert not (user_home / ".cursor").exists()
