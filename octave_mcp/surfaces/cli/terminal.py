"""What the commands have in common: how they are called, what they print where, how they exit."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from pydantic import BaseModel, ValidationError, validate_call

from octave_mcp.domain.addresses import NONE_SERVED, Served
from octave_mcp.domain.events import Event
from octave_mcp.errors import InputError
from octave_mcp.observability import logs
from octave_mcp.settings import Settings, load
from octave_mcp.tools import FUNCTIONS
from octave_mcp.tools.calls import CLI
from octave_mcp.tools.registry import Call, arguments_complaint, unheard

if TYPE_CHECKING:
    from octave_mcp.app import App, EngineName

Told = Callable[[Event], Awaitable[None]]

DONE, FAILED, USAGE, SETUP, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 130
MAX_WAIT_SECONDS = 600.0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Output:
    """How the result is printed, and how much is said beside it."""

    json: Annotated[bool, Parameter(negative=(), help="Print the result as JSON")] = False
    quiet: Annotated[bool, Parameter(negative=(), help="Print the result alone: no progress, no hints")] = False

    @property
    def watched(self) -> bool:
        return sys.stderr.isatty() and not self.quiet

    def hint(self, text: str) -> None:
        """What a person may want to know, and a program must not trip over."""
        if not (self.quiet or self.json):
            sys.stderr.write(f"{text}\n")

    def result(self, value: BaseModel, text: Callable[[], str]) -> None:
        say(value.model_dump_json(indent=2) if self.json else text())


PLAIN = Output()


def say(text: str) -> None:
    if text:
        sys.stdout.write(f"{text}\n")


def refuse(text: str, code: int) -> int:
    """Says on one line what is wrong, with the commands that help; returns the exit code."""
    sys.stderr.write(f"error: {' '.join(CLI.said(text).split())}\n")
    return code


def counted(number: int, what: str) -> str:
    """'1 run', '2 runs'."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def table(rows: Iterable[Sequence[str]]) -> str:
    """The rows with their columns below each other."""
    lines = [[*row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join((f"{title}:", *(f"  {line}" for line in lines))) if lines else ""


def log(settings: Settings, output: Output, *, stderr_level: str | None = None) -> None:
    """The file has everything; stderr warnings alone, unless it is a program's and the settings ask for more."""
    asked = "log_level" in settings.model_fields_set and not (output.quiet or sys.stderr.isatty())
    logs.configure(settings, stderr_level=stderr_level or (None if asked else "WARNING"))
    logs.warn_of_unknown(settings)


@asynccontextmanager
async def opened(
    settings: Settings, *, engine: EngineName = "durable", executing: bool = True, served: Served = NONE_SERVED
) -> AsyncGenerator[App]:
    """The application, closed behind it. A command executes its own runs, not those that a server has left."""
    from octave_mcp.app import App  # noqa: PLC0415 - help and settings are shown without it

    app = App(settings, (logs.log_event,), engine=engine, served=served)
    await app.runs.open(executing=executing, adopting=False)
    try:
        yield app
    finally:
        await app.runs.close()


@asynccontextmanager
async def reading(output: Output, engine: EngineName = "inline") -> AsyncGenerator[App]:
    """What is kept, as it is: no run is executed here. Only the engine that executes them can cancel or forget one."""
    settings = load()
    log(settings, output, stderr_level="WARNING")
    async with opened(settings, engine=engine, executing=False) as app:
        yield app


def called(app: App, told: Told = unheard) -> Callable[[], Awaitable[Call]]:
    async def call() -> Call:
        return Call(app.runs, told, MAX_WAIT_SECONDS, CLI)

    return call


async def tool(name: str, call: Callable[[], Awaitable[Call]], **arguments: Any) -> Any:  # noqa: ANN401 - the tool's own
    """What the shared function of this name gives.

    Raises:
        InputError: an argument is not what its interface says.
    """
    asked = FUNCTIONS[name]
    try:
        return await validate_call(asked.bind(call, lambda failed: failed))(**arguments)
    except ValidationError as wrong:
        raise InputError(arguments_complaint(wrong, asked)) from None


async def asked(name: str, output: Output, *, engine: EngineName = "inline", **arguments: Any) -> Any:  # noqa: ANN401 - the tool's own
    async with reading(output, engine) as app:
        return await tool(name, called(app), **arguments)
