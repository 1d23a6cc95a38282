"""What the user sets: settings and keys, where HTTP listens, what clients are told."""

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
from octave_mcp.surfaces.cli.checks.check import SECONDS, Found, ok
from octave_mcp.surfaces.cli.clients import Client, Entry
from octave_mcp.surfaces.exposure import MAKE_ONE, check_access

if TYPE_CHECKING:
    from octave_mcp.app import App

MAX_ANSWER_BYTES = 10_000


def settings(_: Settings) -> Found:
    """Read anew: what the others are shown may be only the defaults."""
    loose = unknown(load())
    if loose:
        return Found("warning", f"no settings: {', '.join(loose)}", "octave-mcp config shows those there are")
    return ok("can be read; octave-mcp config shows them")


def env_file(_: Settings) -> Found:
    if not ENV_FILE.is_file():
        return ok(f"none in {Path.cwd()}")
    with ENV_FILE.open(encoding="utf-8") as lines:
        wrong = [str(one.original.line) for one in parse_stream(lines) if one.error]
    if wrong:
        return Found("warning", f"{ENV_FILE.absolute()}: line {', '.join(wrong)} is ignored", "write NAME=value there")
    return ok(str(ENV_FILE.absolute()))


def model(settings: Settings) -> Found:
    app = _app(settings)
    named = app.model_name("auto")
    writes = f"{named} writes" if named else f"{NONE_CONFIGURED}: {BY_CLIENT} writes over MCP, {BY_RULES} elsewhere"
    try:
        app.model(named or BY_RULES).check()
        source = app.source_name("auto")
    except SetupError as unusable:
        text, _, fix = str(unusable).partition("; ")
        return Found("failed", f"{writes}, but {text}", fix)
    if not named:
        return Found(
            "warning", f"{writes}; pages come from the {source}", f"for finished copy elsewhere, {SET_UP_A_MODEL}"
        )
    tested = choice(MODELS, named, "model").tested
    return ok(f"{writes}, tested {tested}; pages come from the {source}")


def _app(settings: Settings) -> App:
    """With the default database, which is not opened: other checks report problems with the database."""
    from octave_mcp.app import App  # noqa: PLC0415 - it brings the database

    return App(settings.model_copy(update={"database_url": None}), engine="inline")


def model_answers(model: ModelChoice, settings: Settings) -> Found:
    return _needed(model, settings) or _proven(model.name, settings)


def source_key(source: SourceChoice, settings: Settings) -> Found:
    from octave_mcp.app import App  # noqa: PLC0415 - it brings the database

    found = _needed(source, settings) or ok("set")
    if any(name and setting_of(settings, name) for name in (source.needs, source.or_needs)):
        App(settings, engine="inline").source_name(source.name)
    return found


def _needed(provider: Provider, settings: Settings) -> Found | None:
    """The finding on the variable that the provider needs; None if it is set."""
    variable, found = provider.needs, setting_of(settings, provider.needs)
    if not found:
        unset = "not set" if variable in KEYS else f"{variable} is not set"
        if provider.or_needs and setting_of(settings, provider.or_needs):
            return ok(f"{unset}, and not needed: {provider.or_needs} is set")
        needing = names(one for one in (*MODELS, *SOURCES) if one.needs == variable)
        if chosen := {settings.model, settings.source}.intersection(needing):
            fix = f"set {variable} in the environment or in .env"
            return Found("failed", f"{unset}, and {min(chosen)} needs it", fix)
        return ok(f"{unset}, and not needed")
    return None


def _proven(name: str, settings: Settings) -> Found:
    """Whether the provider answers a question of one word, which costs next to nothing."""

    async def asked() -> str:
        model: Any = _app(settings).model(name)
        try:
            return await model.verify()
        finally:
            await model.close()

    try:
        return ok(f"{asyncio.run(asked())} answers")
    except UpstreamError as failed:
        return Found("failed", str(failed), "see the text: the key, its credit, the model's name, or the address")


def port(settings: Settings) -> Found:
    if settings.port == 0:
        return ok("OCTAVE_PORT=0 takes a free one")
    try:
        _bind(settings.host, settings.port)
    except OSError as failed:
        return _taken(settings, failed)
    return ok(f"{settings.host}:{settings.port} is free")


def _bind(host: str, port: int) -> None:
    for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind) as one:
            if sys.platform != "win32":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(address)


def _taken(settings: Settings, failed: OSError) -> Found:
    place = f"{settings.host}:{settings.port}"
    if failed.errno != errno.EADDRINUSE:
        return Found("failed", f"{place}: {failed.strerror}", "set OCTAVE_HOST to 127.0.0.1 and OCTAVE_PORT above 1023")
    if _is_ours(_told_by(settings, "/livez")):
        return _running(place, _told_by(settings, "/readyz"))
    fix = "octave-mcp serve --transport http --port 0 takes a free one, or set OCTAVE_PORT"
    return Found("failed", f"another program has {place}", fix)


def _running(place: str, health: Mapping[str, object]) -> Found:
    if health.get("status") == "ready":
        return ok(f"octave-mcp serves at {place}, and is ready")
    why = health.get("detail", "its database does not answer")
    return Found("failed", f"octave-mcp serves at {place}, but is not ready: {why}", "its log says more")


def _is_ours(health: Mapping[str, object]) -> bool:
    return {"status", "version"} <= health.keys()


def _told_by(settings: Settings, path: str) -> dict[str, object]:
    """What the server at our port answers there, if that is an object in JSON; else nothing."""
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=SECONDS / 3)
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        answer = json.loads(connection.getresponse().read(MAX_ANSWER_BYTES))
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    return cast("dict[str, object]", answer) if isinstance(answer, dict) else {}


def access(settings: Settings) -> Found:
    names = {str(address[0]) for *_, address in socket.getaddrinfo(settings.host, None)}
    if not check_access(settings, names):
        return ok(f"this machine alone can call at {settings.host}")
    where = ", ".join((settings.host, *settings.public_hosts))
    if not settings.tokens:
        return Found("warning", f"others can call at {where} without a token", f"set OCTAVE_TOKENS ({MAKE_ONE})")
    return ok(f"others can call at {where} with one of OCTAVE_TOKENS")


def client(of: Client, _: Settings) -> Found:
    files = [file for file in (of.file(), *of.also()) if file.exists()]
    named = [(file, name, entry) for file in files for name, entry in _ours(clients.read(file))]
    add = f"octave-mcp install {of.name} --write"
    if not named:
        return Found(
            "warning" if files else "ok", f"{of.title} {'does not know octave' if files else 'is not set up'}", add
        )
    for file, name, entry in named:
        if fault := _fault(entry):
            return Found("failed", f"{name!r} in {file}: {fault}", f"{add} --name {name}")
    return ok(f"{', '.join(f'{name!r} in {file}' for file, name, _ in named)} can be started")


def _ours(content: dict[str, object]) -> Iterator[tuple[str, Entry]]:
    """Entries that are called octave, or start it."""
    for name, entry in clients.entries(content).items():
        words = json.dumps([name, entry.get("command"), entry.get("args")])
        if "octave" in words:
            yield name, entry


def _fault(entry: Entry) -> str:
    if "url" in entry:
        return ""
    command, arguments = entry.get("command"), entry.get("args", [])
    if not isinstance(command, str) or not shutil.which(command):
        return f"there is no command {command!r}"
    if not isinstance(arguments, list):
        return "its args are no list"
    missing = [
        word for word in map(str, cast("list[object]", arguments)) if word.endswith(".py") and not Path(word).is_file()
    ]
    return f"there is no file {missing[0]!r}" if missing else ""
