"""The command `install`, which configures an MCP client to start the server."""

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

LOCAL_ORIGINS = frozenset({"environment", ".env"})
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# A new Python process runs this program to print the path from which Python imports the package.
LOCATE_PACKAGE = "import importlib.util as u; found = u.find_spec('octave_mcp'); print(found.origin if found else '')"
LOCATE_TIMEOUT_SECONDS = 30


class Installed(Value):
    """The result of `install`.

    If `install` did not write the file, `entry` is the entry that the user must add to it. For Claude Code, the user
    can run `command` instead.

    `keyless`: whether `install` set OCTAVE_MODEL to the client's own model, because there is no API key.
    `kept_back`: the names of secrets that were not written.
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
    client: Annotated[
        Literal["claude-desktop", "claude-code", "cursor"], Parameter(help="The MCP client to configure")
    ],
    /,
    *,
    write: Annotated[
        bool, Parameter(negative=(), help="Write the configuration to the client's file, and make a backup")
    ] = False,
    name: Annotated[str, Parameter(help="Name of the server in the client's configuration")] = "octave",
    with_keys: Annotated[
        bool, Parameter(negative=(), help="Also write the API keys and other secrets that are currently set")
    ] = False,
    output: Output = PLAIN,
) -> int:
    """Configure an MCP client to start the server.

    Prints the configuration. With --write, writes the configuration to the client's file.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"invalid server name {name!r}; use 1 to 64 letters, digits, - and _")
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
    complete = _with_model(environment, settings)
    entry = _entry(client, complete)
    return Installed(
        client=client.name,
        name=name,
        file=str(client.file()),
        status="printed",
        entry=entry,
        command=_claude(name, entry) if client.name == "claude-code" else None,
        keyless=complete != environment,
    )


def _write(client: Client, name: str, environment: dict[str, str], settings: Settings) -> Installed:
    """Write the entry to the client's file, and keep the variables that the file already has in `env`."""
    file = client.file()
    content = clients.read(file)
    known = clients.environment_of(clients.entries(content).get(name, {})) | environment
    is_keyless = known.get("OCTAVE_MODEL") in names(KEYLESS_MODELS)
    if is_keyless and _has_key(environment) and "OCTAVE_MODEL" not in environment:
        # Probably, an earlier `install` without an API key set OCTAVE_MODEL to a model that needs no key. Remove this
        # setting, so that the server uses the new key.
        del known["OCTAVE_MODEL"]
    complete = _with_model(known, settings)
    wanted = clients.with_entry(content, name, _entry(client, complete))
    done = Installed(client=client.name, name=name, file=str(file), status="unchanged", keyless=complete != known)
    if wanted == content:
        return done
    backup = clients.write(file, wanted)
    return done.model_copy(update={"status": "written", "backup": str(backup) if backup else None})


def _entry(client: Client, environment: Mapping[str, str]) -> Entry:
    entry: Entry = {"type": "stdio"} if client.has_type else {}
    entry |= {"command": str(Path(sys.executable).absolute()), "args": _arguments()}
    return entry | ({"env": dict(environment)} if environment else {})


def _arguments() -> list[str]:
    """Return the arguments that start the server from any folder.

    Raises:
        SetupError: If the package is not installed for this Python, and its parent folder has no server.py.
    """
    # Test whether Python will find the package when the client starts the server. -E ignores PYTHONPATH, which the
    # client may not set. -P ignores modules in the current folder: the client can start the server in any folder.
    command = [sys.executable, "-E", "-P", "-c", LOCATE_PACKAGE]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LOCATE_TIMEOUT_SECONDS)  # noqa: S603 - the same Python
    found, running = ended.stdout.strip(), Path(octave_mcp.__file__)
    if found and Path(found).samefile(running):
        return ["-P", "-m", "octave_mcp", "serve"]
    server = running.resolve().parents[1] / "server.py"
    if not server.is_file():
        raise SetupError("octave-mcp is not installed for this Python; run 'python -m pip install .' in its folder")
    return [str(server)]


def _environment(settings: Settings, secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the non-secret settings from the environment and .env. The client starts the server without them."""
    local = {setting.name: setting.value for setting in described(settings) if setting.origin in LOCAL_ORIGINS}
    return {name: value for name, value in local.items() if name not in secrets}


def _secrets(settings: Settings) -> dict[str, str]:
    names = (setting.name for setting in (*keys(), *described(settings)) if setting.is_secret)
    return {name: secret.get_secret_value() for name in names if (secret := value_of(name))}


def _with_model(environment: dict[str, str], settings: Settings) -> dict[str, str]:
    """If no model is chosen and there is no API key, add a setting that selects the client's own model."""
    # With 'auto', the server would use any API key that it finds in the client's environment, and the user would have
    # to pay for its calls.
    chosen = environment.get("OCTAVE_MODEL") or settings.model
    return environment if chosen != "auto" or _has_key(environment) else environment | {"OCTAVE_MODEL": BY_CLIENT}


def _has_key(environment: Mapping[str, str]) -> bool:
    return any(environment.get(model.needs) for model in MODELS if model.needs)


def _claude(name: str, entry: Entry) -> str:
    options = [f"--env={variable}={value}" for variable, value in clients.environment_of(entry).items()]
    words = ["claude", "mcp", "add", name, "--scope", "user", *options, "--", entry["command"], *entry["args"]]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _text(done: Installed) -> str:
    if done.entry is not None:
        return json.dumps({SERVERS: {done.name: done.entry}}, indent=2, ensure_ascii=False)
    return f"{done.status}: {done.file}" + (f"\nbackup: {done.backup}" if done.backup else "")


def _hints(done: Installed, client: Client) -> list[str]:
    lines = [f"then {client.next_step}"] if done.status != "unchanged" else []
    if done.status == "printed":
        lines.insert(0, f"add this to {done.file}, or run octave-mcp install {done.client} --write")
    if done.command:
        lines.insert(1, f"or, to add the server for all your projects, run {done.command}")
    if done.keyless:
        lines.append(
            f"OCTAVE_MODEL={BY_CLIENT} needs no API key, because the client's own model answers each run's questions"
        )
    if done.kept_back:
        names = ", ".join(done.kept_back)
        lines.append(
            f"not written: {names}; to include these secrets, use --with-keys, or add them under 'env' yourself"
        )
    return lines
