"""The command line: the same tools for people and scripts. Results on stdout, everything else on stderr."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from cyclopts.exceptions import CycloptsError
from pydantic import ValidationError, validate_call
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from octave_mcp import __version__, observe
from octave_mcp import app as octave
from octave_mcp.demo import serve_demo
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import FINAL, RunStatus
from octave_mcp.errors import InputError, OctaveError, SetupError
from octave_mcp.settings import Settings, load
from octave_mcp.tooling import Call, arguments_complaint
from octave_mcp.tools import TOOLS, Overview, RunReport

Told = Callable[[Event], Awaitable[None]]

DONE, FAILED, USAGE, SETUP, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 130
ENDS: dict[RunStatus, int] = {"completed": DONE, "partial": PARTIAL}
LONGEST_WAIT_SECONDS = 600.0
GAPS_SHOWN = 5
LONGEST_MESSAGE = 100


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Output:
    """Where the playbook goes, and how much is said of it."""

    out: Annotated[Path | None, Parameter(help="Folder for playbook.json, .md and .html")] = None
    json: Annotated[bool, Parameter(negative=(), help="Print the report as JSON")] = False
    quiet: Annotated[bool, Parameter(negative=(), help="No progress")] = False

    @property
    def watched(self) -> bool:
        return sys.stderr.isatty() and not self.quiet


cli = App(
    name="octave-mcp",
    help="Two company websites in, a sourced sales playbook out.",
    version=__version__,
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
)


@cli.command
def generate(
    vendor: Annotated[str, Parameter(help="Who sells, e.g. posthog.com")],
    prospect: Annotated[str, Parameter(help="Who should buy, e.g. supabase.com")],
    *,
    context: Annotated[str, Parameter(help="What to sell, to whom, what you know; never evidence")] = "",
    model: Annotated[str, Parameter(help="Who writes: auto, or extractive, which needs no key")] = "auto",
    source: Annotated[str, Parameter(help="Where pages come from: auto or crawler")] = "auto",
    language: Annotated[str, Parameter(help="Language of the playbook, e.g. en")] = "en",
    max_pages: Annotated[int, Parameter(help="Pages to read of each company")] = 25,
    output: Output = Output(),
) -> int:
    """Write a playbook for selling what VENDOR offers to PROSPECT."""
    settings = load()
    asked = {"vendor_domain": vendor, "prospect_domain": prospect, "context": context, "model": model}
    asked |= {"source": source, "language": language, "max_pages": max_pages}
    _log(settings, output)
    with _bar(output) as told:
        report, playbook = asyncio.run(_run(settings, asked, told))
    return _deliver(report, playbook, output)


@cli.command
def demo(*, output: Output = Output()) -> int:
    """Write a playbook for two invented companies, without network or key, in seconds."""
    with _bar(output) as told:
        report, playbook = asyncio.run(_demo(output, told))
    return _deliver(report, playbook, output, default="demo-playbook")


@cli.command
def serve(*, transport: Annotated[Literal["stdio"], Parameter(help="How clients reach it")] = "stdio") -> int:  # noqa: ARG001 - one so far
    """Serve the tools over MCP."""
    from octave_mcp.surfaces import mcp  # noqa: PLC0415 - FastMCP is for this command alone

    return mcp.serve()


def main() -> int:
    """Runs the command of sys.argv; returns the exit code."""
    try:
        return cli() or DONE
    except CycloptsError as wrong:
        return _refuse(f"{str(wrong).strip()} See octave-mcp --help.", USAGE)
    except InputError as wrong:
        return _refuse(str(wrong), USAGE)
    except SetupError as missing:
        return _refuse(str(missing), SETUP)
    except OctaveError as failed:
        return _refuse(str(failed), FAILED)
    except KeyboardInterrupt:
        return _refuse("interrupted; the run was cancelled", INTERRUPTED)


def _refuse(text: str, code: int) -> int:
    sys.stderr.write(f"error: {' '.join(text.split())}\n")
    return code


def _log(settings: Settings, output: Output) -> None:
    """The file has everything; a terminal, or a quiet caller, sees warnings alone."""
    observe.configure(settings, stderr_level="WARNING" if output.quiet or sys.stderr.isatty() else None)


async def _demo(output: Output, told: Told) -> tuple[RunReport, Playbook | None]:
    async with serve_demo() as (vendor, prospect):
        hosts = tuple(origin.removeprefix("http://") for origin in (vendor, prospect))
        settings = load(model="extractive", source="crawler", allow_hosts=hosts)
        _log(settings, output)
        return await _run(settings, {"vendor_domain": vendor, "prospect_domain": prospect}, told)


async def _run(settings: Settings, asked: dict[str, Any], told: Told) -> tuple[RunReport, Playbook | None]:
    """The report of a run that has ended, and its playbook if it made one. Interrupted, it cancels the run."""
    async with _app(settings) as app:

        async def called() -> Call:
            return Call(app.runs, told, LONGEST_WAIT_SECONDS)

        report = await _tool("generate_playbook", called, **asked)
        while report.status not in FINAL:
            report = await _tool("get_run", called, run_id=report.run_id, wait_seconds=LONGEST_WAIT_SECONDS)
        return report, await app.runs.playbook(report.run_id)


@asynccontextmanager
async def _app(settings: Settings) -> AsyncGenerator[octave.App]:
    app = octave.App(settings, (observe.log_event,))
    try:
        yield app
    finally:
        await app.runs.close()


async def _tool(name: str, called: Callable[[], Awaitable[Call]], **arguments: Any) -> RunReport:  # noqa: ANN401 - the tool's own
    tool = TOOLS[name]
    try:
        return await validate_call(tool.bind(called, lambda failed: failed))(**arguments)
    except ValidationError as wrong:
        raise InputError(arguments_complaint(wrong, tool)) from None


@contextmanager
def _bar(output: Output) -> Generator[Told]:
    """A progress bar on stderr with what is being done now, where someone is watching."""
    columns = (BarColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not output.watched) as bar:
        task = bar.add_task("starting", total=None)

        async def told(event: Event) -> None:
            text = (event.message or event.step.replace("_", " "))[:LONGEST_MESSAGE]
            bar.update(task, completed=event.done, total=event.total or None, description=text)

        yield told


def _deliver(report: RunReport, playbook: Playbook | None, output: Output, default: str = "") -> int:
    """Writes the files, says what came of the run; returns the exit code."""
    if playbook:
        report = report.model_copy(update={"files": _write(playbook, output.out, default)})
    if output.json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    elif report.overview:
        _show(report, report.overview)
    if report.error:
        return _refuse(report.error.message, FAILED)
    return ENDS.get(report.status, FAILED)


def _write(playbook: Playbook, out: Path | None, default: str) -> tuple[str, ...]:
    """Into the folder asked for; else into one in the working directory that is not there yet, the demo's aside."""
    name = default or f"playbook-{playbook.vendor.domain}-{playbook.prospect.domain}".replace(":", "_")
    try:
        if out or default:
            return octave.write_files(playbook, out or Path(default))
        return octave.write_files(playbook, Path(), name)
    except OSError as failed:
        raise InputError(f"cannot write to {str(out or name)!r}: {failed.strerror}; choose another --out") from None


def _show(report: RunReport, overview: Overview) -> None:
    """The result on one screen."""
    more = len(overview.gaps) - GAPS_SHOWN
    gaps = [*overview.gaps[:GAPS_SHOWN], *([f"and {more} more, in the files"] if more > 0 else [])]
    counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in overview.counts.items())
    parts = (
        f"{report.status} in {overview.seconds:.1f} s: {', '.join(overview.personas)}",
        _list("files", sorted(report.files)),
        overview.summary,
        counts,
        _list("flags", overview.flags),
        _list("gaps", gaps),
    )
    console = Console(highlight=False, emoji=False, markup=False)
    console.print("\n\n".join(filter(None, parts)), soft_wrap=True)


def _list(title: str, lines: tuple[str, ...] | list[str]) -> str:
    return "\n".join((f"{title}:", *(f"  {line}" for line in lines))) if lines else ""
