"""Checks of the user's configuration: settings, models, keys, the HTTP address and clients."""

from __future__ import annotations

import asyncio
import errno
import http.client
import json
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dotenv.parser import parse_stream

from octave_mcp.domain.choices import (
    BY_CLIENT,
    BY_RULES,
    MODELS,
    NONE_CONFIGURED,
    SET_UP_A_MODEL,
    SOURCES,
    ModelChoice,
    Provider,
    SourceChoice,
    choice,
    names,
)
from octave_mcp.errors import SetupError, UpstreamError
from octave_mcp.settings import ENV_FILE, KEYS, Settings, load, setting_of, unknown
from octave_mcp.surfaces.cli import clients
from octave_mcp.surfaces.cli.checks.check import SECONDS, CheckResult, not_set_up, ok
from octave_mcp.surfaces.cli.clients import Client, Entry
from octave_mcp.surfaces.exposure import GENERATOR_HINT, check_access

if TYPE_CHECKING:
    from octave_mcp.app import App

MAX_ANSWER_BYTES = 10_000


def settings(_: Settings) -> CheckResult:
    # If a setting is invalid, `doctor` runs the checks with the default settings. Load the user's settings again, so
    # that this check reports the error.
    ignored = unknown(load())
    if ignored:
        return CheckResult(
            "warning", f"unknown and ignored: {', '.join(ignored)}", "octave-mcp config lists all settings"
        )
    return ok("all settings are valid; octave-mcp config lists them")


def env_file(_: Settings) -> CheckResult:
    if not ENV_FILE.is_file():
        return not_set_up(f"no .env file in {Path.cwd()}")
    with ENV_FILE.open(encoding="utf-8") as lines:
        invalid = [str(entry.original.line) for entry in parse_stream(lines) if entry.error]
    if invalid:
        text = f"{ENV_FILE.absolute()} has invalid lines, which are ignored: {', '.join(invalid)}"
        return CheckResult("warning", text, "write each line as NAME=value")
    return ok(str(ENV_FILE.absolute()))


def model(settings: Settings) -> CheckResult:
    app = _app(settings)
    named = app.model_name("auto")
    writes = f"{named} writes" if named else f"{NONE_CONFIGURED}: {BY_CLIENT} writes over MCP, {BY_RULES} elsewhere"
    try:
        app.model(named or BY_RULES).check()
        source = app.source_name("auto")
    except SetupError as unusable:
        text, _, fix = str(unusable).partition("; ")
        return CheckResult("failed", f"{writes}, but {text}", fix)
    if not named:
        return not_set_up(
            f"{writes}; pages come from the {source}", f"to get finished copy without an MCP client, {SET_UP_A_MODEL}"
        )
    tested = choice(MODELS, named, "model").tested
    return ok(f"{writes}, tested {tested}; pages come from the {source}")


def _app(settings: Settings) -> App:
    """Use the default database, so that an invalid OCTAVE_DATABASE_URL does not make this check fail, too."""
    from octave_mcp.app import App  # noqa: PLC0415 - slow to import

    return App(settings.model_copy(update={"database_url": None}), engine="inline")


def model_answers(model: ModelChoice, settings: Settings) -> CheckResult:
    return _unset(model, settings) or _verified(model.name, settings)


def source_key(source: SourceChoice, settings: Settings) -> CheckResult:
    from octave_mcp.app import App  # noqa: PLC0415 - slow to import

    found = _unset(source, settings) or ok("set")
    if any(name and setting_of(settings, name) for name in (source.needs, source.or_needs)):
        App(settings, engine="inline").source_name(source.name)
    return found


def _unset(provider: Provider, settings: Settings) -> CheckResult | None:
    """If the variable that the provider needs is not set, return a result; otherwise, return None."""
    variable, value = provider.needs, setting_of(settings, provider.needs)
    if not value:
        unset = "not set" if variable in KEYS else f"{variable} is not set"
        if provider.or_needs and setting_of(settings, provider.or_needs):
            return ok(f"{unset}, but not needed, because {provider.or_needs} is set")
        needing = names(provider for provider in (*MODELS, *SOURCES) if provider.needs == variable)
        if chosen := {settings.model, settings.source}.intersection(needing):
            fix = f"set {variable} in the environment or in .env"
            return CheckResult("failed", f"{unset}, but {min(chosen)} needs it", fix)
        return not_set_up(f"{unset}, and not needed")
    return None


def _verified(name: str, settings: Settings) -> CheckResult:
    """Ask the provider for a one-word answer, which costs almost nothing."""

    async def verify() -> str:
        model: Any = _app(settings).model(name)
        try:
            return await model.verify()
        finally:
            await model.close()

    try:
        return ok(f"{asyncio.run(verify())} answers")
    except UpstreamError as failed:
        return CheckResult("failed", str(failed), "check the key, its credit, the model name and the address")


def port(settings: Settings) -> CheckResult:
    if settings.port == 0:
        return ok("OCTAVE_PORT=0 picks a free port")
    try:
        _bind(settings.host, settings.port)
    except OSError as failed:
        return _not_free(settings, failed)
    return ok(f"{settings.host}:{settings.port} is free")


def _bind(host: str, port: int) -> None:
    for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind) as bound:
            # Use SO_REUSEADDR, as the server does: then a port counts as free even if its last connections are still
            # closing. On Windows, however, SO_REUSEADDR would also allow a port that another program is using.
            if sys.platform != "win32":
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)


def _not_free(settings: Settings, failed: OSError) -> CheckResult:
    place = f"{settings.host}:{settings.port}"
    if failed.errno != errno.EADDRINUSE:
        return CheckResult(
            "failed", f"{place}: {failed.strerror}", "set OCTAVE_HOST to 127.0.0.1 and OCTAVE_PORT above 1023"
        )
    if _is_octave(_response(settings, "/livez")):
        return _running(place, _response(settings, "/readyz"))
    fix = "set OCTAVE_PORT, or use octave-mcp serve --transport http --port 0, which picks a free port"
    return CheckResult("failed", f"another program is using {place}", fix)


def _running(place: str, health: Mapping[str, object]) -> CheckResult:
    if health.get("status") == "ready":
        return ok(f"octave-mcp is running at {place} and is ready")
    reason = health.get("detail", "the database does not answer")
    return CheckResult(
        "failed", f"octave-mcp is running at {place} but is not ready: {reason}", "see the server's log for details"
    )


def _is_octave(health: Mapping[str, object]) -> bool:
    return {"status", "version"} <= health.keys()


def _response(settings: Settings, path: str) -> dict[str, object]:
    """Get this path from the server that uses the port. If the server does not return a JSON object, return {}."""
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=SECONDS / 3)
    try:
        # Send the host name localhost, because our server refuses unknown host names such as 0.0.0.0.
        connection.request("GET", path, headers={"Host": "localhost"})
        answer = json.loads(connection.getresponse().read(MAX_ANSWER_BYTES))
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    return cast("dict[str, object]", answer) if isinstance(answer, dict) else {}


def access(settings: Settings) -> CheckResult:
    names = {str(address[0]) for *_, address in socket.getaddrinfo(settings.host, None)}
    if not check_access(settings, names):
        return ok(f"only this machine can reach {settings.host}")
    where = ", ".join((settings.host, *settings.public_hosts))
    if not settings.tokens:
        return CheckResult(
            "warning", f"other machines can call {where} without a token", f"set OCTAVE_TOKENS ({GENERATOR_HINT})"
        )
    return ok(f"other machines need a token from OCTAVE_TOKENS to call {where}")


def client(checked: Client, _: Settings) -> CheckResult:
    files = [file for file in (checked.file(), *checked.other_files()) if file.exists()]
    servers = [(file, name, entry) for file in files for name, entry in _octave_entries(clients.read(file))]
    install = f"octave-mcp install {checked.name} --write"
    if not servers:
        reason = "the configuration does not contain octave-mcp" if files else "no configuration found"
        return not_set_up(f"{checked.title}: {reason}", install)
    for file, name, entry in servers:
        if error := _entry_error(entry):
            return CheckResult("failed", f"{name!r} in {file}: {error}", f"{install} --name {name}")
    return ok(f"configured as {', '.join(f'{name!r} in {file}' for file, name, _ in servers)}")


def _octave_entries(content: dict[str, object]) -> Iterator[tuple[str, Entry]]:
    """Yield the entries with "octave" in their name or command.

    Also look at the command, because users can choose any name for an entry.
    """
    for name, entry in clients.entries(content).items():
        words = json.dumps([name, entry.get("command"), entry.get("args")])
        if "octave" in words:
            yield name, entry


def _entry_error(entry: Entry) -> str:
    """Return the reason why the client cannot start the server with this entry, or '' if it can."""
    if "url" in entry:
        return ""
    command, arguments = entry.get("command"), entry.get("args", [])
    if not isinstance(command, str) or not shutil.which(command):
        return f"command {command!r} does not exist"
    if not isinstance(arguments, list):
        return "'args' must be a list"
    missing = [
        word for word in map(str, cast("list[object]", arguments)) if word.endswith(".py") and not Path(word).is_file()
    ]
    return f"file {missing[0]!r} does not exist" if missing else ""
