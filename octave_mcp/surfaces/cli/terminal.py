"""Exit codes, and functions that all commands use to print results and call tools."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from pydantic import BaseModel, ValidationError, validate_call

from octave_mcp.domain.addresses import NONE_SERVED, Served
from octave_mcp.domain.events import Event
from octave_mcp.observability import logs
from octave_mcp.observability.optional_traces import traces_for
from octave_mcp.settings import Settings, load
from octave_mcp.tools import FUNCTIONS
from octave_mcp.tools.argument_errors import invalid_arguments
from octave_mcp.tools.calls import CLI
from octave_mcp.tools.registry import Call, ignore_event

if TYPE_CHECKING:
    from octave_mcp.app import App, EngineName

OnEvent = Callable[[Event], Awaitable[None]]

# Exit codes. If Ctrl-C ends a process, shells report the exit code 130, which is 128 + SIGINT.
DONE, FAILED, USAGE, SETUP, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 130
# Tools do not accept a higher value for `wait_seconds`. If a command has to wait longer, it calls the tool again.
MAX_WAIT_SECONDS = 600.0
RunId = Annotated[str, Parameter(help="Run ID, from 'octave-mcp runs'")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Output:
    """Options that control what a command prints. Results go to stdout; progress, hints and errors go to stderr."""

    json: Annotated[bool, Parameter(negative=(), help="Print the result as JSON")] = False
    quiet: Annotated[bool, Parameter(negative=(), help="Print only the result: no progress bar, no hints")] = False

    @property
    def is_watched(self) -> bool:
        return sys.stderr.isatty() and not self.quiet

    def hint(self, text: str) -> None:
        """Print advice for people to stderr, but not with --json, because then a program reads the output."""
        if not (self.quiet or self.json):
            sys.stderr.write(f"{text}\n")

    def result(self, value: BaseModel, text: Callable[[], str]) -> None:
        echo(value.model_dump_json(indent=2) if self.json else text())


PLAIN = Output()


def echo(text: str) -> None:
    if text:
        sys.stdout.write(f"{text}\n")


def print_error(text: str, code: int) -> int:
    """Print the error on one line, and return the exit code.

    If the text names tools, the names are replaced with the commands that call these tools.
    """
    sys.stderr.write(f"error: {' '.join(CLI.with_local_names(text).split())}\n")
    return code


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as '1 run' or '2 runs'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return the rows as text with aligned columns."""
    lines = [[*row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def titled_list(title: str, lines: Sequence[str]) -> str:
    """Return the title, followed by the lines with an indentation. If there are no lines, return ''."""
    return "\n".join((f"{title}:", *(f"  {line}" for line in lines))) if lines else ""


def on_one_line(text: str) -> str:
    """Replace control characters, because escape codes in a text from a page or a user would control the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def configure_logs(settings: Settings, output: Output, *, stderr_level: str | None = None) -> None:
    """Log everything to the file, and only warnings to stderr.

    If stderr is not a terminal, a program probably reads it. In this case, OCTAVE_LOG_LEVEL also applies to stderr,
    except with --quiet. If `stderr_level` is set, it replaces these rules.
    """
    is_level_set = "log_level" in settings.model_fields_set and not (output.quiet or sys.stderr.isatty())
    logs.configure(settings, stderr_level=stderr_level or (None if is_level_set else "WARNING"))
    logs.warn_about_unknown(settings)


@asynccontextmanager
async def open_app(
    settings: Settings, *, engine: EngineName = "durable", executing: bool = True, served: Served = NONE_SERVED
) -> AsyncGenerator[App]:
    """Open the application, and close it on exit."""
    from octave_mcp.app import App  # noqa: PLC0415 - help and settings are shown without it

    traces = traces_for(settings) if executing else None
    observers = (logs.log_event, traces.observe) if traces else (logs.log_event,)
    app = App(settings, observers, engine=engine, served=served)
    # Do not resume runs that a stopped server left behind: a command executes only its own run.
    await app.runs.open(executing=executing, adopting=False)
    try:
        yield app
    finally:
        await app.runs.close()
        if traces:
            await asyncio.to_thread(traces.close)


@asynccontextmanager
async def open_app_to_read(output: Output, engine: EngineName = "inline") -> AsyncGenerator[App]:
    """Open the application, but do not execute runs.

    A command that cancels or deletes runs must pass the engine that executes these runs.
    """
    settings = load()
    configure_logs(settings, output, stderr_level="WARNING")
    async with open_app(settings, engine=engine, executing=False) as app:
        yield app


def call_factory(app: App, on_event: OnEvent = ignore_event) -> Callable[[], Awaitable[Call]]:
    """Return a function that creates the context of a tool call, as `Tool.bind` requires."""

    async def call() -> Call:
        return Call(app.runs, on_event, MAX_WAIT_SECONDS, CLI)

    return call


async def invoke(name: str, call: Callable[[], Awaitable[Call]], **arguments: Any) -> Any:  # noqa: ANN401 - the tool's own
    """Call a tool by its name and return its result.

    Raises:
        InputError: If an argument has the wrong type or is out of range.
    """
    tool = FUNCTIONS[name]
    try:
        return await validate_call(tool.bind(call, lambda failed: failed))(**arguments)
    except ValidationError as invalid:
        raise invalid_arguments(invalid, tool.arguments) from None


async def call_tool(name: str, output: Output, *, engine: EngineName = "inline", **arguments: Any) -> Any:  # noqa: ANN401 - the tool's own
    """Open the application, call one tool, and return its result."""
    async with open_app_to_read(output, engine) as app:
        return await invoke(name, call_factory(app), **arguments)
