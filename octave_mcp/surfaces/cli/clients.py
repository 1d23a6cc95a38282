"""The MCP clients that `install` supports, with functions that read and write their configuration files."""

from __future__ import annotations

import json
import shutil
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, cast

from platformdirs import user_config_path

from octave_mcp.errors import SetupError

SERVERS = "mcpServers"
# Only the owner can read a new configuration file, because it can contain API keys.
PRIVATE_MODE = 0o600
# Keys that are used by entries of HTTP servers. If the existing entry has such keys, `install` removes them, because it
# writes an entry for stdio.
HTTP_KEYS = frozenset({"url", "headers", "type"})

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Client:
    """An MCP client.

    `file` returns the path of the configuration file that `install` writes. `other_files` returns the paths of other
    files that the client reads. `next_step` says what the user has to do after the installation. If `has_type` is true,
    each server entry in the client's configuration needs "type": "stdio".
    """

    name: str
    title: str
    file: Callable[[], Path]
    next_step: str
    other_files: Callable[[], tuple[Path, ...]] = tuple
    has_type: bool = False


def _claude_desktop() -> Path:
    # Do not use platformdirs on macOS: it follows XDG_CONFIG_HOME, but Claude Desktop does not.
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Claude"
    return user_config_path("Claude", appauthor=False, roaming=True)


CLIENTS = {
    client.name: client
    for client in (
        Client(
            "claude-desktop",
            "Claude Desktop",
            lambda: _claude_desktop() / "claude_desktop_config.json",
            "quit Claude Desktop and start it again",
        ),
        Client(
            "claude-code",
            "Claude Code",
            lambda: Path.cwd() / ".mcp.json",
            "start claude in this folder and confirm that you trust the server",
            lambda: (Path.home() / ".claude.json",),
            has_type=True,
        ),
        Client(
            "cursor",
            "Cursor",
            lambda: Path.home() / ".cursor" / "mcp.json",
            "open MCP in Cursor's settings and check that the server is switched on",
        ),
    )
}


def read(file: Path) -> dict[str, Any]:
    """Return the content of a configuration file, or {} if the file is empty or does not exist.

    Raises:
        SetupError: If the file cannot be read or parsed, or if it or its "mcpServers" is not a JSON object.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig") if file.exists() else ""
        content: object = json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as failed:
        where = f"line {failed.lineno}, column {failed.colno}"
        raise SetupError(f"{file} is not valid JSON ({failed.msg}: {where}); correct it, then try again") from None
    except (OSError, ValueError, RecursionError) as failed:
        raise SetupError(f"cannot read {file} ({_reason(failed)}); make it readable, then try again") from None
    if not isinstance(content, dict) or not isinstance(content.get(SERVERS, {}), dict):  # pyright: ignore[reportUnknownMemberType]
        raise SetupError(
            f"{file} is not a configuration of MCP servers: the file and its {SERVERS!r} must be JSON objects"
        )
    return cast("dict[str, Any]", content)


def entries(content: Mapping[str, Any]) -> dict[str, Entry]:
    """Return a dictionary of server names and their entries, without entries that are not JSON objects."""
    servers = cast("dict[str, object]", content.get(SERVERS, {}))
    return {name: cast("Entry", entry) for name, entry in servers.items() if isinstance(entry, dict)}


def environment_of(entry: Entry) -> dict[str, str]:
    environment = entry.get("env")
    return cast("dict[str, str]", environment) if isinstance(environment, dict) else {}


def with_entry(content: Mapping[str, Any], name: str, entry: Entry) -> dict[str, Any]:
    """Add the server `name` to the configuration, or update its existing entry, and return the result.

    All other settings stay unchanged.
    """
    old = {key: value for key, value in entries(content).get(name, {}).items() if key not in HTTP_KEYS - entry.keys()}
    return {**content, SERVERS: {**content.get(SERVERS, {}), name: old | entry}}


def write(file: Path, content: Mapping[str, Any]) -> Path | None:
    """Replace the file atomically. Return the path of its backup, or None if the file did not exist.

    Raises:
        SetupError: If the file cannot be written. It is unchanged.
    """
    target = file.resolve()  # if the file is a symbolic link, keep the link and replace its target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        backup = _back_up(target) if target.exists() else None
        _replace(target, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except OSError as failed:
        raise SetupError(f"cannot write {file} ({failed.strerror}); the file is unchanged") from None
    return backup


def _back_up(target: Path) -> Path:
    name = f"{target.name}.{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    names = (f"{name}{'' if number == 1 else f'-{number}'}.bak" for number in count(1))
    backup = next(path for path in map(target.with_name, names) if not path.exists())
    shutil.copy2(target, backup)
    return backup


def _replace(target: Path, text: str) -> None:
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else PRIVATE_MODE
    # Create the temporary file in the same folder, because a file can be renamed only within one file system.
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as new:
        temporary = Path(new.name)
        try:
            new.write(text.encode())
            new.close()
            temporary.chmod(mode)
            temporary.replace(target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def _reason(failed: Exception) -> str:
    return (failed.strerror if isinstance(failed, OSError) else None) or str(failed)
