"""The programs that start our server, and the JSON files in which they are told to."""

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
# Of a file that is new: it may come to hold keys.
PRIVATE = 0o600
# What an entry has of a server that is reached over HTTP.
OTHER_WAY = frozenset({"url", "headers", "type"})

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Client:
    """`file` is what `install` writes; `also` is read by the client, too.

    The entries of a `typed` one say that they are of stdio.
    """

    name: str
    title: str
    file: Callable[[], Path]
    afterwards: str
    also: Callable[[], tuple[Path, ...]] = tuple
    typed: bool = False


def _claude_desktop() -> Path:
    """Where it keeps its files; on a Mac whatever XDG_CONFIG_HOME says, which platformdirs would heed."""
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
            "start claude in this folder; it asks once whether to trust the server",
            lambda: (Path.home() / ".claude.json",),
            typed=True,
        ),
        Client(
            "cursor",
            "Cursor",
            lambda: Path.home() / ".cursor" / "mcp.json",
            "check that the server is switched on in Cursor's settings, under MCP",
        ),
    )
}


def read(file: Path) -> dict[str, Any]:
    """What the file says; nothing where it is empty or not there.

    Raises:
        SetupError: it cannot be read, or is not what clients read.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig") if file.exists() else ""
        found: object = json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as failed:
        where = f"line {failed.lineno}, column {failed.colno}"
        raise SetupError(
            f"{file} is not valid JSON ({failed.msg}: {where}); correct it by hand, then try again"
        ) from None
    except (OSError, ValueError, RecursionError) as failed:
        raise SetupError(f"{file} cannot be read ({_why(failed)}); see to it, then try again") from None
    if not isinstance(found, dict) or not isinstance(found.get(SERVERS, {}), dict):  # pyright: ignore[reportUnknownMemberType]
        raise SetupError(f"{file} is not what clients read: it is to be an object, and so is its {SERVERS!r}")
    return cast("dict[str, Any]", found)


def entries(content: Mapping[str, Any]) -> dict[str, Entry]:
    """The servers that are named in a client's file; whatever is no server is left out."""
    servers = cast("dict[str, object]", content.get(SERVERS, {}))
    return {name: cast("Entry", entry) for name, entry in servers.items() if isinstance(entry, dict)}


def environment_of(entry: Entry) -> dict[str, str]:
    found = entry.get("env")
    return cast("dict[str, str]", found) if isinstance(found, dict) else {}


def with_entry(content: Mapping[str, Any], name: str, entry: Entry) -> dict[str, Any]:
    """The content with this entry under the name: everything else stays, in the entry that is there as well."""
    old = {key: value for key, value in entries(content).get(name, {}).items() if key not in OTHER_WAY - entry.keys()}
    return {**content, SERVERS: {**content.get(SERVERS, {}), name: old | entry}}


def write(file: Path, content: Mapping[str, Any]) -> Path | None:
    """Puts the content in the place of the file's, all at once; returns the copy that was made of it before.

    Raises:
        SetupError: it cannot be written; what was there stays.
    """
    target = file.resolve()  # a link stays one
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        backup = _back_up(target) if target.exists() else None
        _replace(target, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except OSError as failed:
        raise SetupError(f"{file} cannot be written ({failed.strerror}); it was left as it is") from None
    return backup


def _back_up(target: Path) -> Path:
    name = f"{target.name}.{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    names = (f"{name}{'' if number == 1 else f'-{number}'}.bak" for number in count(1))
    backup = next(path for path in map(target.with_name, names) if not path.exists())
    shutil.copy2(target, backup)
    return backup


def _replace(target: Path, text: str) -> None:
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else PRIVATE
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as new:
        begun = Path(new.name)
        try:
            new.write(text.encode())
            new.close()
            begun.chmod(mode)
            begun.replace(target)
        except OSError:
            begun.unlink(missing_ok=True)
            raise


def _why(failed: Exception) -> str:
    return (failed.strerror if isinstance(failed, OSError) else None) or str(failed)
