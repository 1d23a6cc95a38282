"""Make a playbook, show its progress, and write its files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.addresses import NONE_SERVED, Served
from octave_mcp.domain.asks import Estimate
from octave_mcp.domain.choices import (
    AUTO,
    FORMATS,
    KEYLESS_MODELS,
    MODELS,
    SOURCE_HELP,
    TERMINAL_MODEL_HELP,
    TERMINAL_PAGES_HELP,
    choice,
    either,
    taken_by_default,
)
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import FINAL, RunStatus
from octave_mcp.errors import InputError, SetupError
from octave_mcp.settings import Settings, load
from octave_mcp.surfaces.cli.export import check_folder, write
from octave_mcp.surfaces.cli.terminal import (
    DONE,
    FAILED,
    INTERRUPTED,
    MAX_WAIT_SECONDS,
    PARTIAL,
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
from octave_mcp.tools.calls import CLI
from octave_mcp.tools.reports import Overview, RunReport

if TYPE_CHECKING:
    from octave_mcp.app import App


@dataclass(frozen=True, slots=True)
class Made:
    """The report of a run that has ended, its playbook if it made one, and the texts of pages to put into its files."""

    report: RunReport
    playbook: Playbook | None
    pages: Mapping[str, str] = field(default_factory=dict[str, str])


Making = Callable[[Told], Coroutine[None, None, Made]]

ENDS: dict[RunStatus, int] = {"completed": DONE, "partial": PARTIAL}
GAPS_SHOWN = 5
LONGEST_MESSAGE = 100
FILES = either(f"playbook.{form.suffix}" for form in FORMATS).replace(" or ", " and ")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Deliver(Output):
    """Where the playbook goes, and how much is said of it."""

    out: Annotated[Path | None, Parameter(help=f"Folder for {FILES}")] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Signing:
    """Who signs the e-mails; what is not given is as in the settings."""

    sender_name: Annotated[str | None, Parameter(help="Who signs the e-mails; else OCTAVE_SENDER_NAME")] = None
    sender_company: Annotated[str | None, Parameter(help="The company of the sender")] = None
    sender_title: Annotated[str | None, Parameter(help="The job title of the sender")] = None
    sender_sign_off: Annotated[str | None, Parameter(help="The line above the name, e.g. 'Best,'")] = None

    @property
    def argument(self) -> dict[str, str] | None:
        given = {name.removeprefix("sender_"): value for name, value in asdict(self).items() if value}
        return given or None


def generate(
    vendor: Annotated[str, Parameter(help="Who sells, e.g. posthog.com")],
    prospect: Annotated[str, Parameter(help="Who should buy, e.g. supabase.com")],
    *,
    context: Annotated[str, Parameter(help="What to sell, to whom, what you know; never evidence")] = "",
    model: Annotated[str, Parameter(help=TERMINAL_MODEL_HELP)] = AUTO,
    source: Annotated[str, Parameter(help=SOURCE_HELP)] = AUTO,
    language: Annotated[str, Parameter(help="Language of the playbook, e.g. en")] = "en",
    max_pages: Annotated[int | None, Parameter(help=TERMINAL_PAGES_HELP)] = None,
    max_cost_usd: Annotated[float | None, Parameter(help="The most that models may cost")] = None,
    refresh: Annotated[bool, Parameter(negative=(), help="Use nothing kept from the last 24 hours")] = False,
    sender: Signing = Signing(),
    output: Deliver = Deliver(),
) -> int:
    """Write a playbook for selling what VENDOR offers to PROSPECT."""
    settings = load()
    asked = {"vendor_domain": vendor, "prospect_domain": prospect, "context": context, "model": model}
    asked |= {"source": source, "language": language, "max_pages": max_pages}
    asked |= {"max_cost_usd": max_cost_usd, "refresh": refresh, "sender": sender.argument}
    log(settings, output)
    return make(lambda told: run(settings, asked, told, output), output)


def make(making: Making, output: Deliver, default: str = "") -> int:
    """Makes a playbook and delivers it, into the folder `default` if none is asked for; returns the exit code."""
    check_folder(output.out)
    try:
        with bar(output) as told:
            made = asyncio.run(making(told))
    except KeyboardInterrupt:
        return refuse("interrupted; the run was cancelled", INTERRUPTED)
    return _deliver(made, output, default)


async def run(
    settings: Settings,
    asked: dict[str, Any],
    told: Told,
    output: Deliver,
    *,
    served: Served = NONE_SERVED,
    pages: bool = False,
) -> Made:
    """What a run has made, with the pages that it quotes if `pages`. Interrupted, it cancels the run."""
    async with opened(settings, served=served) as app:
        named = await computed(app.model_name, str(asked.get("model", AUTO)))
        model = choice(MODELS, named or CLI.keyless_model, "model")
        if model.asks_client:
            raise (InputError if asked.get("model") == model.name else SetupError)(no_client(model.name))

        def hint(report: RunReport) -> None:
            if not named:
                output.hint(taken_by_default(model.name))
            _hint_estimate(report.estimate, model.name, output)

        report = await to_its_end(app, told, hint, "generate_playbook", **asked)
        playbook = await app.runs.playbook(report.run_id)
        return Made(report, playbook, await app.runs.quoted_pages(playbook) if pages and playbook else {})


async def to_its_end(
    app: App,
    told: Told,
    hint: Callable[[RunReport], None],
    name: str,
    **asked: Any,  # noqa: ANN401 - the tool's own
) -> RunReport:
    """The final report of a run that the tool of this name begins. Interrupted, it cancels the run."""
    call = called(app, told)
    begun: asyncio.Task[RunReport] = asyncio.create_task(tool(name, call, **asked, wait_seconds=0))
    try:
        # Unshielded, an interrupt during the start would leave a run that a server resumes.
        report = await asyncio.shield(begun)
        hint(report)
        while report.status not in FINAL:
            report = await tool("get_run", call, run_id=report.run_id, wait_seconds=MAX_WAIT_SECONDS)
    except asyncio.CancelledError:
        await asyncio.wait((begun,))
        if not begun.exception():
            await app.runs.cancel(begun.result().run_id)
        raise
    return report


def _hint_estimate(estimate: Estimate | None, model: str, output: Deliver) -> None:
    if estimate and estimate.asks:
        tokens = estimate.input_tokens + estimate.output_tokens
        price = "an unknown price" if estimate.usd is None else f"${estimate.usd:.2f}"
        output.hint(f"estimate: {estimate.asks} asks, {tokens:,} tokens, {price}; {model} was tested {estimate.tested}")


def no_client(model: str) -> str:
    here = either(f"--model {one.name}" for one in KEYLESS_MODELS if not one.asks_client)
    return (
        f"the model {model!r} is that of a client connected over MCP or HTTP, and none is connected here: ask for the "
        f"playbook from there, or add {here}"
    )


@contextmanager
def bar(output: Output) -> Generator[Told]:
    """A progress bar on stderr with what is being done now, where someone is watching."""
    columns = (BarColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not output.watched) as bar:
        task = bar.add_task("starting", total=None)

        async def told(event: Event) -> None:
            text = event.text[:LONGEST_MESSAGE]
            bar.update(task, completed=event.done, total=event.total or None, description=text)

        yield told


def _deliver(made: Made, output: Deliver, default: str = "") -> int:
    """Writes the files, says what came of the run; returns the exit code."""
    report = made.report
    if made.playbook:
        try:
            files = write(made.playbook, output.out, name=default, pages=made.pages)
            report = report.model_copy(update={"files": files})
        except InputError as failed:
            return refuse(f"{failed}; the playbook is kept: octave-mcp export {report.run_id} --out FOLDER", FAILED)
    if output.json:
        say(report.model_dump_json(indent=2, include={*RunReport.model_fields}))
    elif report.overview:
        _show(report, report.overview)
    if report.error:
        return refuse(report.error.message, ENDS.get(report.status, FAILED))
    if report.status == "cancelled":
        return refuse("the run was cancelled", FAILED)
    return ENDS.get(report.status, FAILED)


def _show(report: RunReport, overview: Overview) -> None:
    """The result on one screen."""
    more = len(overview.gaps) - GAPS_SHOWN
    gaps = [*overview.gaps[:GAPS_SHOWN], *([f"and {more} more, in the files"] if more > 0 else [])]
    counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in overview.counts.items())
    parts = (
        f"{report.status} in {overview.seconds:.1f} s: {', '.join(overview.personas)}",
        overview.outline,
        listed("files", sorted(report.files)),
        overview.summary,
        counts,
        listed("flags", overview.flags),
        listed("gaps", gaps),
    )
    console = Console(highlight=False, emoji=False, markup=False)
    console.print("\n\n".join(filter(None, parts)), soft_wrap=True)
