"""Tells a client how to start our server."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

import octave_mcp
from octave_mcp.domain.choices import BY_CLIENT, KEYLESS_MODELS, MODELS, names
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError, SetupError
from octave_mcp.settings import Settings, described, keys, load, value_of
from octave_mcp.surfaces.cli import clients
from octave_mcp.surfaces.cli.clients import CLIENTS, SERVERS, Client, Entry
from octave_mcp.surfaces.cli.terminal import DONE, PLAIN, Output

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
WHERE_IS_IT = "import importlib.util as u; found = u.find_spec('octave_mcp'); print(found.origin if found else '')"
PROBE_SECONDS = 30


class Installed(Value):
    """What came of it. `entry` is what to put into the file, if that was not done; `command` does the same.

    `keyless` says that the model was chosen because it needs no key; `kept_back` are secrets that the client was not
    told.
    """

    client: str
    name: str
    file: str
    status: Literal["printed", "written", "unchanged"]
    backup: str | None = None
    entry: dict[str, Any] | None = None
    command: str | None = None
    keyless: bool = False
    kept_back: tuple[str, ...] = ()


def install(
    client: Annotated[Literal["claude-desktop", "claude-code", "cursor"], Parameter(help="Who is to use the tools")],
    /,
    *,
    write: Annotated[bool, Parameter(negative=(), help="Write it into the client's file, with a backup")] = False,
    name: Annotated[str, Parameter(help="What the client calls the server")] = "octave",
    with_keys: Annotated[bool, Parameter(negative=(), help="Put the keys that are set here into it, too")] = False,
    output: Output = PLAIN,
) -> int:
    """Show what CLIENT needs to start the server, or write it into its configuration."""
    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name for a server; use letters, digits, - and _")
    settings, known = load(), CLIENTS[client]
    secrets = _secrets(settings)
    environment = _environment(settings, secrets) | (secrets if with_keys else {})
    done = (_write if write else _print)(known, name, environment, settings)
    done = done.model_copy(update={"kept_back": () if with_keys else tuple(secrets)})
    output.result(done, lambda: _text(done))
    for hint in _hints(done, known):
        output.hint(hint)
    return DONE


def _print(client: Client, name: str, environment: dict[str, str], settings: Settings) -> Installed:
    able = _able(environment, settings)
    entry = _entry(client, able)
    return Installed(
        client=client.name,
        name=name,
        file=str(client.file()),
        status="printed",
        entry=entry,
        command=_claude(name, entry) if client.name == "claude-code" else None,
        keyless=able != environment,
    )


def _write(client: Client, name: str, environment: dict[str, str], settings: Settings) -> Installed:
    """What the entry has already stays, where it does not say how the server is started."""
    file = client.file()
    content = clients.read(file)
    known = clients.environment_of(clients.entries(content).get(name, {})) | environment
    is_stand_in = known.get("OCTAVE_MODEL") in names(KEYLESS_MODELS)
    if is_stand_in and _is_keyed(environment) and "OCTAVE_MODEL" not in environment:
        del known["OCTAVE_MODEL"]  # it stood in for the key that the client is told now
    able = _able(known, settings)
    wanted = clients.with_entry(content, name, _entry(client, able))
    done = Installed(client=client.name, name=name, file=str(file), status="unchanged", keyless=able != known)
    if wanted == content:
        return done
    backup = clients.write(file, wanted)
    return done.model_copy(update={"status": "written", "backup": str(backup) if backup else None})


def _entry(client: Client, environment: Mapping[str, str]) -> Entry:
    entry: Entry = {"type": "stdio"} if client.typed else {}
    entry |= {"command": str(Path(sys.executable).absolute()), "args": _arguments()}
    return entry | ({"env": dict(environment)} if environment else {})


def _arguments() -> list[str]:
    """They start the server in whatever folder the client does; -P: modules that lie there are not taken for ours.

    Raises:
        SetupError: nothing would find it.
    """
    asked = [sys.executable, "-E", "-P", "-c", WHERE_IS_IT]
    found = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=PROBE_SECONDS).stdout.strip()  # noqa: S603 - this very python
    ours = Path(octave_mcp.__file__)
    if found and Path(found).samefile(ours):
        return ["-P", "-m", "octave_mcp", "serve"]
    server = ours.resolve().parents[1] / "server.py"
    if not server.is_file():
        raise SetupError("octave-mcp is not installed for this Python: run 'python -m pip install .' in its folder")
    return [str(server)]


def _environment(settings: Settings, secrets: Mapping[str, str]) -> dict[str, str]:
    """What is set here, and would not be where a client starts the server."""
    told = {one.name: one.value for one in described(settings) if one.origin in {"environment", ".env"}}
    return {name: value for name, value in told.items() if name not in secrets}


def _secrets(settings: Settings) -> dict[str, str]:
    names = (one.name for one in (*keys(), *described(settings)) if one.is_secret)
    return {name: found.get_secret_value() for name in names if (found := value_of(name))}


def _able(environment: dict[str, str], settings: Settings) -> dict[str, str]:
    """With the client's own model if its entry gets no key: then no key that the server may find is used unasked."""
    named = environment.get("OCTAVE_MODEL") or settings.model
    return environment if named != "auto" or _is_keyed(environment) else environment | {"OCTAVE_MODEL": BY_CLIENT}


def _is_keyed(environment: Mapping[str, str]) -> bool:
    return any(environment.get(model.needs) for model in MODELS if model.needs)


def _claude(name: str, entry: Entry) -> str:
    """The same by Claude Code's own command, for all of the user's projects."""
    options = [f"--env={variable}={value}" for variable, value in clients.environment_of(entry).items()]
    words = ["claude", "mcp", "add", name, "--scope", "user", *options, "--", entry["command"], *entry["args"]]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _text(done: Installed) -> str:
    if done.entry is not None:
        return json.dumps({SERVERS: {done.name: done.entry}}, indent=2, ensure_ascii=False)
    return f"{done.status}: {done.file}" + (f"\nbackup: {done.backup}" if done.backup else "")


def _hints(done: Installed, client: Client) -> list[str]:
    lines = [f"then {client.afterwards}"] if done.status != "unchanged" else []
    if done.status == "printed":
        lines.insert(0, f"put this into {done.file}, or have it done: octave-mcp install {done.client} --write")
    if done.command:
        lines.insert(1, f"or, for all your projects: {done.command}")
    if done.keyless:
        lines.append(f"OCTAVE_MODEL={BY_CLIENT} needs no key: the client's own model writes by answering questions")
    if done.kept_back:
        names = ", ".join(done.kept_back)
        lines.append(f"not told to the client: {names}; add --with-keys, or put it under 'env' yourself")
    return lines
