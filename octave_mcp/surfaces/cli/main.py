"""The command line: the same tools for people and scripts. Results on stdout, everything else on stderr."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter, validators
from cyclopts.exceptions import CycloptsError, MissingArgumentError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from octave_mcp import __version__
from octave_mcp.concurrency.computing import computed
from octave_mcp.copywriting import outlines
from octave_mcp.demo import serve_demo
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import FINAL, RunStatus
from octave_mcp.errors import InputError, OctaveError, SetupError
from octave_mcp.settings import Settings, load
from octave_mcp.surfaces.cli import stored
from octave_mcp.surfaces.cli.configuration import config
from octave_mcp.surfaces.cli.doctor import doctor
from octave_mcp.surfaces.cli.install import install
from octave_mcp.surfaces.cli.terminal import (
    DONE,
    FAILED,
    INTERRUPTED,
    LONGEST_WAIT_SECONDS,
    PARTIAL,
    SETUP,
    USAGE,
    Output,
    Told,
    called,
    listed,
    log,
    opened,
    refuse,
    say,
    tool,
)
from octave_mcp.tools.functions import Overview, RunReport

Making = Callable[[Told], Coroutine[None, None, tuple[RunReport, Playbook | None]]]

ENDS: dict[RunStatus, int] = {"completed": DONE, "partial": PARTIAL}
CODES: tuple[tuple[type[OctaveError], int], ...] = ((InputError, USAGE), (SetupError, SETUP))
GAPS_SHOWN = 5
NO_HOST = (
    "the model 'host' is that of a client that is connected over MCP or HTTP, and there is none here: ask for the "
    "playbook from there, or add --model extractive"
)
LONGEST_MESSAGE = 100


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Deliver(Output):
    """Where the playbook goes, and how much is said of it."""

    out: Annotated[Path | None, Parameter(help="Folder for playbook.json, .md and .html")] = None


cli = App(
    name="octave-mcp",
    help="Two company websites in, a sourced sales playbook out.",
    version=__version__,
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
)
for command in (stored.runs, stored.sessions, stored.export, stored.cancel, config, doctor, install):
    cli.command(command)


@cli.command
def generate(
    vendor: Annotated[str, Parameter(help="Who sells, e.g. posthog.com")],
    prospect: Annotated[str, Parameter(help="Who should buy, e.g. supabase.com")],
    *,
    context: Annotated[str, Parameter(help="What to sell, to whom, what you know; never evidence")] = "",
    model: Annotated[
        str, Parameter(help="Who writes: auto, openai, anthropic, compat, or extractive, which needs no key")
    ] = "auto",
    source: Annotated[str, Parameter(help="Where pages come from: auto, crawler or firecrawl")] = "auto",
    language: Annotated[str, Parameter(help="Language of the playbook, e.g. en")] = "en",
    max_pages: Annotated[int, Parameter(help="Pages to read of each company")] = 25,
    max_cost_usd: Annotated[float | None, Parameter(help="The most that models may cost")] = None,
    refresh: Annotated[bool, Parameter(negative=(), help="Use nothing kept from the last 24 hours")] = False,
    output: Deliver = Deliver(),
) -> int:
    """Write a playbook for selling what VENDOR offers to PROSPECT."""
    settings = load()
    asked = {"vendor_domain": vendor, "prospect_domain": prospect, "context": context, "model": model}
    asked |= {"source": source, "language": language, "max_pages": max_pages}
    asked |= {"max_cost_usd": max_cost_usd, "refresh": refresh}
    log(settings, output)
    return _make(lambda told: _run(settings, asked, told), output)


@cli.command
def demo(*, output: Deliver = Deliver()) -> int:
    """Write a playbook for two invented companies, without network or key, in seconds."""
    return _make(lambda told: _demo(output, told), output, default="demo-playbook")


@cli.command
def serve(
    *,
    transport: Annotated[Literal["stdio", "http"], Parameter(help="How clients reach it")] = "stdio",
    host: Annotated[str | None, Parameter(help="The address that http listens on")] = None,
    port: Annotated[
        int | None,
        Parameter(
            help="The port that http listens on; 0 takes a free one", validator=validators.Number(gte=0, lte=65535)
        ),
    ] = None,
) -> int:
    """Serve the tools: over MCP on stdio, or over HTTP with MCP at /mcp."""
    flags = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    if transport == "http":
        from octave_mcp.surfaces import http  # noqa: PLC0415 - the web framework is for this command alone

        return http.serve(**flags)
    if flags:
        raise InputError("--host and --port are for --transport http")

    from octave_mcp.surfaces.mcp import server as mcp  # noqa: PLC0415 - FastMCP is for this command alone

    return mcp.serve()


def main() -> int:
    """Runs the command of sys.argv; returns the exit code."""
    try:
        code = cli() or DONE
        sys.stdout.flush()
    except MissingArgumentError as missing:
        return refuse(f"{_what_is_missing(missing)} See octave-mcp --help.", USAGE)
    except CycloptsError as wrong:
        return refuse(f"{str(wrong).strip()} See octave-mcp --help.", USAGE)
    except OctaveError as failed:
        return refuse(str(failed), next((code for kind, code in CODES if isinstance(failed, kind)), FAILED))
    except KeyboardInterrupt:
        return refuse("interrupted", INTERRUPTED)
    except BrokenPipeError:  # whoever read the result has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _what_is_missing(missing: MissingArgumentError) -> str:
    """By the names that the usage line has: a place's in capitals, an option's as it stands."""
    place = missing.argument.field_info if missing.argument and missing.argument.field_info.is_positional else None
    if place is None or missing.keyword or missing.unused_tokens:
        return str(missing).strip()
    return f"{place.name.upper()} is missing."


def _make(making: Making, output: Deliver, default: str = "") -> int:
    stored.check_folder(output.out)
    try:
        with _bar(output) as told:
            report, playbook = asyncio.run(making(told))
    except KeyboardInterrupt:
        return refuse("interrupted; the run was cancelled", INTERRUPTED)
    return _deliver(report, playbook, output, default)


async def _demo(output: Deliver, told: Told) -> tuple[RunReport, Playbook | None]:
    async with serve_demo() as (vendor, prospect):
        hosts = tuple(origin.removeprefix("http://") for origin in (vendor, prospect))
        settings = load(model="extractive", source="crawler", allow_hosts=hosts)
        log(settings, output)
        return await _run(settings, {"vendor_domain": vendor, "prospect_domain": prospect}, told)


async def _run(settings: Settings, asked: dict[str, Any], told: Told) -> tuple[RunReport, Playbook | None]:
    """The report of a run that has ended, and its playbook if it made one. Interrupted, it cancels the run."""
    async with opened(settings) as app:
        model = await computed(lambda: app.model(app.model_name(str(asked.get("model", "auto")))))
        if model.capacity.is_patient:
            raise SetupError(NO_HOST)
        call = called(app, told)
        begun: asyncio.Task[RunReport] = asyncio.create_task(tool("generate_playbook", call, **asked, wait_seconds=0))
        try:
            # Unshielded, an interrupt during the start would leave a run that a server resumes.
            report = await asyncio.shield(begun)
            while report.status not in FINAL:
                report = await tool("get_run", call, run_id=report.run_id, wait_seconds=LONGEST_WAIT_SECONDS)
        except asyncio.CancelledError:
            await asyncio.wait((begun,))
            if not begun.exception():
                await app.runs.cancel(begun.result().run_id)
            raise
        return report, await app.runs.playbook(report.run_id)


@contextmanager
def _bar(output: Deliver) -> Generator[Told]:
    """A progress bar on stderr with what is being done now, where someone is watching."""
    columns = (BarColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not output.watched) as bar:
        task = bar.add_task("starting", total=None)

        async def told(event: Event) -> None:
            text = event.text[:LONGEST_MESSAGE]
            bar.update(task, completed=event.done, total=event.total or None, description=text)

        yield told


def _deliver(report: RunReport, playbook: Playbook | None, output: Deliver, default: str = "") -> int:
    """Writes the files, says what came of the run; returns the exit code."""
    if playbook:
        try:
            report = report.model_copy(update={"files": stored.write(playbook, output.out, name=default)})
        except InputError as failed:
            return refuse(f"{failed}; the playbook is kept: octave-mcp export {report.run_id} --out FOLDER", FAILED)
    if output.json:
        say(report.model_dump_json(indent=2, include={*RunReport.model_fields}))
    elif report.overview:
        _show(report, report.overview, outlines.notice(playbook) if playbook else "")
    if report.error:
        return refuse(report.error.message, ENDS.get(report.status, FAILED))
    if report.status == "cancelled":
        return refuse("the run was cancelled", FAILED)
    return ENDS.get(report.status, FAILED)


def _show(report: RunReport, overview: Overview, notice: str) -> None:
    """The result on one screen."""
    more = len(overview.gaps) - GAPS_SHOWN
    gaps = [*overview.gaps[:GAPS_SHOWN], *([f"and {more} more, in the files"] if more > 0 else [])]
    counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in overview.counts.items())
    parts = (
        f"{report.status} in {overview.seconds:.1f} s: {', '.join(overview.personas)}",
        notice,
        listed("files", sorted(report.files)),
        overview.summary,
        counts,
        listed("flags", overview.flags),
        listed("gaps", gaps),
    )
    console = Console(highlight=False, emoji=False, markup=False)
    console.print("\n\n".join(filter(None, parts)), soft_wrap=True)
