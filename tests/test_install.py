"""How clients are told to start the server: what is printed, what is written, and what is left alone."""

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
def me(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home folder, with nothing in it but a project."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "roaming"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.delenv("OCTAVE_HOME")
    monkeypatch.setattr(surface, "LOCATE_TIMEOUT_SECONDS", 86_400)
    (tmp_path / "project").mkdir()
    return tmp_path


async def install(me: Path, *arguments: str) -> Ended:
    return await octave("install", *arguments, cwd=me / "project")


async def entry_for(me: Path, client: str, *arguments: str) -> dict[str, Any]:
    ended = await install(me, client, "--json", *arguments)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["entry"]


def servers(file: Path) -> dict[str, Any]:
    return read_json(file)["mcpServers"]


@pytest.mark.parametrize("client", FILES)
async def test_the_entry_alone_is_printed_and_nothing_is_touched(client: str, me: Path) -> None:
    ended = await install(me, client)

    assert ended.code == 0
    entry = json.loads(ended.out)["mcpServers"]["octave"]
    assert Path(entry["command"]).is_absolute()
    assert entry["env"] == {"OCTAVE_MODEL": "host"}
    assert str(me / FILES[client]) in ended.err
    assert f"octave-mcp install {client} --write" in ended.err
    assert not (me / FILES[client]).exists()


async def test_a_written_entry_starts_a_working_server_from_any_folder(me: Path) -> None:
    """With no variables but those that the entry says, as a desktop starts programs."""
    written = {client: await install(me, client, "--write") for client in FILES}
    first, *others = (servers(me / file)["octave"] for file in FILES.values())
    (me / "elsewhere").mkdir()
    (me / "elsewhere" / "json.py").write_text("raise SystemExit('a module of the project itself')")
    process = await asyncio.create_subprocess_exec(
        first["command"],
        *first["args"],
        cwd=me / "elsewhere",
        env={"HOME": str(me), "PATH": os.environ["PATH"], **first["env"]},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(json.dumps(HELLO).encode() + b"\n")

    assert [(ended.code, ended.out) for ended in written.values()] == [
        (0, f"written: {me / file}\n") for file in FILES.values()
    ]
    assert json.loads(out)["result"]["serverInfo"]["name"] == "octave", err
    assert process.returncode == 0
    assert all(first == {name: entry[name] for name in first} for entry in others)


async def test_claude_code_is_told_the_type_and_its_own_command_too(me: Path) -> None:
    entry = await entry_for(me, "claude-code")
    ended = await install(me, "claude-code")

    assert entry["type"] == "stdio"
    line = next(line for line in ended.err.splitlines() if "claude mcp add" in line)
    words = shlex.split(line[line.index("claude mcp add") :])
    assert words[:6] == ["claude", "mcp", "add", "octave", "--scope", "user"]
    assert words[6:] == ["--env=OCTAVE_MODEL=host", "--", entry["command"], *entry["args"]]


async def test_written_again_it_is_unchanged_and_no_second_backup_is_made(me: Path) -> None:
    await install(me, "cursor", "--write")
    before = (me / FILES["cursor"]).stat().st_mtime_ns
    ended = await install(me, "cursor", "--write")

    assert (ended.code, ended.out) == (0, f"unchanged: {me / FILES['cursor']}\n")
    assert names_in(me / ".cursor") == {"mcp.json"}
    assert (me / FILES["cursor"]).stat().st_mtime_ns == before


async def test_everything_else_stays_in_its_order_and_a_copy_is_kept(me: Path) -> None:
    file = me / FILES["cursor"]
    file.parent.mkdir()
    others = {"zeta": {"url": "https://acme.com/mcp"}, "alpha": {"command": "x", "env": {"KEY": "grün"}}}
    before = json.dumps({"theme": "dark", "mcpServers": others, "more": [1, 2.5, None]}, ensure_ascii=False)
    file.write_text(before, "utf-8")
    file.chmod(0o640)
    ended = await install(me, "cursor", "--write", "--json")

    after = read_json(file)
    assert [*after] == ["theme", "mcpServers", "more"]
    assert [*after["mcpServers"]] == ["zeta", "alpha", "octave"]
    assert after["mcpServers"] | others == after["mcpServers"]
    assert after["more"] == [1, 2.5, None]
    backup = file.parent / Path(json.loads(ended.out)["backup"]).name
    assert backup.read_text("utf-8") == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert names_in(file.parent) == {file.name, backup.name}


async def test_an_entry_that_is_there_is_brought_up_to_date_and_keeps_what_the_user_added(me: Path) -> None:
    file = me / FILES["cursor"]
    file.parent.mkdir()
    mine = {"OPENAI_API_KEY": "sk-of-the-user", "OCTAVE_MODEL": "host", "OCTAVE_PORT": "1"}
    old = {"url": "http://127.0.0.1:7777/mcp", "timeout": 600, "command": "gone", "env": mine}
    file.write_text(json.dumps({"mcpServers": {"octave": old}}))
    ended = await octave("install", "cursor", "--write", cwd=me / "project")

    entry = servers(file)["octave"]
    assert entry["timeout"] == 600
    assert entry["command"] != "gone"
    assert entry["env"] == mine
    assert "url" not in entry
    assert "sk-of-the-user" not in ended.out + ended.err


@pytest.mark.parametrize("content", [b"", b" \n", b"\xef\xbb\xbf{}", b"{}"], ids=repr)
async def test_an_empty_file_and_one_that_notepad_wrote_are_filled(content: bytes, me: Path) -> None:
    file = me / FILES["claude-desktop"]
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    ended = await install(me, "claude-desktop", "--write")

    assert ended.code == 0, ended.err
    assert servers(file).keys() == {"octave"}


async def test_a_link_stays_a_link(me: Path) -> None:
    (me / "dotfiles").mkdir()
    (me / "dotfiles" / "mcp.json").write_text("{}")
    (me / ".cursor").mkdir()
    (me / FILES["cursor"]).symlink_to(me / "dotfiles" / "mcp.json")
    ended = await install(me, "cursor", "--write")

    assert ended.code == 0
    assert (me / FILES["cursor"]).is_symlink()
    assert servers(me / "dotfiles" / "mcp.json").keys() == {"octave"}


async def test_a_new_file_is_the_users_alone(me: Path) -> None:
    await install(me, "claude-desktop", "--write")

    assert stat.S_IMODE((me / FILES["claude-desktop"]).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "said"),
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
async def test_a_file_that_is_not_understood_is_left_as_it_is(content: bytes, said: str, me: Path) -> None:
    file = me / FILES["cursor"]
    file.parent.mkdir()
    file.write_bytes(content)
    ended = await install(me, "cursor", "--write")

    assert ended.code == 3
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert said in ended.err
    assert file.read_bytes() == content
    assert names_in(file.parent) == {file.name}


@pytest.mark.parametrize("taken", [".cursor", ".cursor/mcp.json"])
async def test_a_place_that_cannot_be_written_is_named(taken: str, me: Path) -> None:
    if taken == ".cursor":
        (me / taken).write_text("a file")
    else:
        (me / taken).mkdir(parents=True)
    ended = await install(me, "cursor", "--write")

    assert ended.code == 3
    assert ended.err.startswith("error: cannot ")
    assert str(me / FILES["cursor"]) in ended.err
    assert ended.err.count("\n") == 1


async def test_what_is_set_here_is_set_there_with_places_that_hold_in_any_folder(
    me: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_HOME", "kept")
    (me / "project" / ".env").write_text("OCTAVE_MODEL=extractive\nOCTAVE_ALLOW_HOSTS=a, b\nOCTAVE_NO_SETTING=1\n")
    entry = await entry_for(me, "cursor")

    home = str(me / "project" / "kept")
    assert entry["env"] == {"OCTAVE_HOME": home, "OCTAVE_MODEL": "extractive", "OCTAVE_ALLOW_HOSTS": "a,b"}


async def test_a_model_that_the_file_at_home_names_needs_no_entry(me: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_HOME", str(me / "kept"))
    (me / "kept").mkdir()
    (me / "kept" / "config.toml").write_text("model = 'extractive'\n")
    entry = await entry_for(me, "cursor")

    assert entry["env"] == {"OCTAVE_HOME": str(me / "kept")}


async def test_secrets_are_kept_back_and_named_until_they_are_asked_for(
    me: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    monkeypatch.setenv("OCTAVE_DATABASE_URL", "postgresql://me:hunter22@db/octave")
    ended = await install(me, "cursor", "--write")
    without = servers(me / FILES["cursor"])["octave"]["env"]
    told = await install(me, "cursor", "--write", "--with-keys")
    entry = servers(me / FILES["cursor"])["octave"]["env"]

    assert "not written: OPENAI_API_KEY, OCTAVE_DATABASE_URL; to include secrets, add --with-keys" in ended.err
    assert not {"OPENAI_API_KEY", "OCTAVE_DATABASE_URL"} & without.keys()
    assert without["OCTAVE_MODEL"] == "host"
    assert "OCTAVE_MODEL" not in entry
    assert entry["OPENAI_API_KEY"] == "sk-0123456789"
    assert entry["OCTAVE_DATABASE_URL"] == "postgresql://me:hunter22@db/octave"
    assert not any(secret in ended.out + ended.err + told.out + told.err for secret in ("0123456789", "hunter22"))


async def test_a_key_without_a_model_that_uses_it_is_as_good_as_none(me: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call is to work: Firecrawl's key is nobody's who writes."""
    monkeypatch.setenv("FIRECRAWL_API_KEY", "fc-0123456789")
    entry = await entry_for(me, "cursor")
    ended = await install(me, "cursor")

    assert entry["env"] == {"OCTAVE_MODEL": "host"}
    assert "OCTAVE_MODEL=host needs no API key" in ended.err


async def test_quiet_leaves_the_hints_out(me: Path) -> None:
    ended = await install(me, "cursor", "--quiet")

    assert json.loads(ended.out)["mcpServers"].keys() == {"octave"}
    assert ended.err == ""


async def test_the_server_may_have_another_name(me: Path) -> None:
    await install(me, "cursor", "--write", "--name", "octave-2")
    await install(me, "cursor", "--write")

    assert [*servers(me / FILES["cursor"])] == ["octave-2", "octave"]


@pytest.mark.long
async def test_the_entry_for_claude_desktop_goes_where_it_looks_on_macos_and_windows(me: Path) -> None:
    ended = await command("-c", ELSEWHERE, "install", "claude-desktop", "--json", cwd=me)

    assert ended.code == 0, ended.err
    folders = (me / "Library" / "Application Support", me / "roaming")
    expected = [str(folder / "Claude" / "claude_desktop_config.json") for folder in folders]
    assert re.findall('"file": "(.+)"', ended.out) == expected


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "CLIENT"),
        (("emacs",), 2, "emacs"),
        (("cursor", "vim"), 2, "vim"),
        (("cursor", "--name", "two words"), 2, "invalid server name 'two words'"),
        (("cursor", "--write", "some"), 2, "some"),
    ],
    ids=str,
)
async def test_what_cannot_be_done_is_one_line_that_names_it(
    arguments: tuple[str, ...], code: int, said: str, me: Path
) -> None:
    ended = await install(me, *arguments)

    assert ended.code == code
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert said in ended.err


async def test_settings_that_cannot_be_read_exit_3_and_nothing_is_written(
    me: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_PORT", "any")
    ended = await install(me, "cursor", "--write")

    assert ended.code == 3
    assert "OCTAVE_PORT" in ended.err
    assert not (me / ".cursor").exists()
