"""The command `generate`, and functions that show the progress and the results of a run."""

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
from octave_mcp.domain.estimate import Estimate
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
    OnEvent,
    Output,
    call_factory,
    configure_logs,
    counted,
    echo,
    invoke,
    open_app,
    print_error,
    titled_list,
)
from octave_mcp.tools.calls import CLI
from octave_mcp.tools.overviews import Overview
from octave_mcp.tools.reports import RunReport

if TYPE_CHECKING:
    from octave_mcp.app import App


@dataclass(frozen=True, slots=True)
class EndedRun:
    """The report of a run that has ended, its playbook if there is one, and the texts of the pages to embed."""

    report: RunReport
    playbook: Playbook | None
    pages: Mapping[str, str] = field(default_factory=dict[str, str])


MakeRun = Callable[[OnEvent], Coroutine[None, None, EndedRun]]

EXIT_CODES: dict[RunStatus, int] = {"completed": DONE, "partial": PARTIAL}
MAX_COST_HELP = "Maximum cost of the run's model calls in US dollars; default: OCTAVE_MAX_COST_USD"
# Print at most this many gaps, so that the result fits on one screen. The playbook files list all gaps.
MAX_GAPS_SHOWN = 5
MAX_MESSAGE_CHARACTERS = 100
FILES = either(f"playbook.{form.suffix}" for form in FORMATS).replace(" or ", " and ")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DeliveryOptions(Output):
    """Options that set the output folder and control what is printed."""

    out: Annotated[Path | None, Parameter(help=f"Folder for {FILES}; created if it does not exist")] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SenderOptions:
    """Options that describe the sender of the e-mails. Fields that are missing come from the settings."""

    sender_name: Annotated[
        str | None, Parameter(help="Name of the person who signs the e-mails; default: OCTAVE_SENDER_NAME")
    ] = None
    sender_company: Annotated[str | None, Parameter(help="Company of the sender; default: OCTAVE_SENDER_COMPANY")] = (
        None
    )
    sender_title: Annotated[str | None, Parameter(help="Job title of the sender; default: OCTAVE_SENDER_TITLE")] = None
    sender_sign_off: Annotated[
        str | None,
        Parameter(help="Line above the sender's name, e.g. 'Best,'; default: OCTAVE_SENDER_SIGN_OFF"),
    ] = None

    @property
    def argument(self) -> dict[str, str] | None:
        given = {name.removeprefix("sender_"): value for name, value in asdict(self).items() if value}
        return given or None


def generate(
    vendor: Annotated[str, Parameter(help="Website of the company that sells, e.g. posthog.com")],
    prospect: Annotated[str, Parameter(help="Website of the company to sell to, e.g. supabase.com")],
    *,
    context: Annotated[
        str, Parameter(help="What you sell, to whom, and what you already know; not used as evidence")
    ] = "",
    model: Annotated[str, Parameter(help=TERMINAL_MODEL_HELP)] = AUTO,
    source: Annotated[str, Parameter(help=SOURCE_HELP)] = AUTO,
    language: Annotated[str, Parameter(help="Language of the playbook")] = "en",
    max_pages: Annotated[int | None, Parameter(help=TERMINAL_PAGES_HELP)] = None,
    max_cost_usd: Annotated[float | None, Parameter(help=MAX_COST_HELP)] = None,
    refresh: Annotated[
        bool, Parameter(negative=(), help="Ignore the 24-hour cache: fetch all pages and ask all questions again")
    ] = False,
    sender: SenderOptions = SenderOptions(),
    output: DeliveryOptions = DeliveryOptions(),
) -> int:
    """Research two companies and write a playbook that helps VENDOR sell to PROSPECT."""
    settings = load()
    arguments = {"vendor_domain": vendor, "prospect_domain": prospect, "context": context, "model": model}
    arguments |= {"source": source, "language": language, "max_pages": max_pages}
    arguments |= {"max_cost_usd": max_cost_usd, "refresh": refresh, "sender": sender.argument}
    configure_logs(settings, output)
    return make(lambda on_event: run(settings, arguments, on_event, output), output)


def make(make_run: MakeRun, output: DeliveryOptions, default: str = "") -> int:
    """Make a playbook, write its files, and return the exit code.

    `default`: the folder for the files if the user does not give --out.
    """
    check_folder(output.out)
    try:
        with progress_bar(output) as on_event:
            ended = asyncio.run(make_run(on_event))
    except KeyboardInterrupt:
        return print_error("interrupted; the run was cancelled", INTERRUPTED)
    return _deliver(ended, output, default)


async def run(
    settings: Settings,
    arguments: dict[str, Any],
    on_event: OnEvent,
    output: DeliveryOptions,
    *,
    served: Served = NONE_SERVED,
    pages: bool = False,
) -> EndedRun:
    """Start a run and wait until it has ended. If `pages` is true, also return the quoted pages.

    If the task is cancelled, for example by Ctrl-C, the run is cancelled too.
    """
    async with open_app(settings, served=served) as app:
        named = await computed(app.model_name, str(arguments.get("model", AUTO)))
        model = choice(MODELS, named or CLI.keyless_model, "model")
        if model.asks_client:
            raise (InputError if arguments.get("model") == model.name else SetupError)(client_missing(model.name))

        def hint(report: RunReport) -> None:
            if not named:
                output.hint(taken_by_default(model.name))
            _hint_estimate(report.estimate, model.name, output)

        report = await run_to_end(app, on_event, hint, "generate_playbook", **arguments)
        playbook = await app.runs.playbook(report.run_id)
        return EndedRun(report, playbook, await app.runs.quoted_pages(playbook) if pages and playbook else {})


async def run_to_end(
    app: App,
    on_event: OnEvent,
    on_start: Callable[[RunReport], None],
    tool: str,
    **arguments: Any,  # noqa: ANN401 - the tool's own
) -> RunReport:
    """Start a run with the named tool and return its final report. If the task is cancelled, cancel the run."""
    call = call_factory(app, on_event)
    start: asyncio.Task[RunReport] = asyncio.create_task(invoke(tool, call, **arguments, wait_seconds=0))
    try:
        # The shield lets the start finish after Ctrl-C, so that the run's id is known and the run can be cancelled.
        # Otherwise, a server could resume the run later.
        report = await asyncio.shield(start)
        on_start(report)
        while report.status not in FINAL:
            report = await invoke("get_run", call, run_id=report.run_id, wait_seconds=MAX_WAIT_SECONDS)
    except asyncio.CancelledError:
        await asyncio.wait((start,))
        if not start.exception():
            await app.runs.cancel(start.result().run_id)
        raise
    return report


def _hint_estimate(estimate: Estimate | None, model: str, output: DeliveryOptions) -> None:
    if estimate and estimate.asks:
        tokens = estimate.input_tokens + estimate.output_tokens
        price = "an unknown price" if estimate.usd is None else f"${estimate.usd:.2f}"
        output.hint(
            f"estimate: {counted(estimate.asks, 'model call')}, {tokens:,} tokens, {price}; "
            f"{model} was tested {estimate.tested}"
        )


def client_missing(model: str) -> str:
    here = either(f"--model {one.name}" for one in KEYLESS_MODELS if not one.asks_client)
    return (
        f"the model {model!r} needs a client that is connected over MCP or HTTP; "
        f"ask for the playbook in such a client, or run the command with {here}"
    )


@contextmanager
def progress_bar(output: Output) -> Generator[OnEvent]:
    """Show a progress bar with the current step, if stderr is a terminal."""
    # Turn markup off, because rich would read square brackets in a page title as style tags.
    columns = (BarColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not output.is_watched) as bar:
        task = bar.add_task("starting", total=None)

        async def on_event(event: Event) -> None:
            text = event.text[:MAX_MESSAGE_CHARACTERS]
            bar.update(task, completed=event.done, total=event.total or None, description=text)

        yield on_event


def _deliver(ended: EndedRun, output: DeliveryOptions, default: str = "") -> int:
    report = ended.report
    if ended.playbook:
        try:
            files = write(ended.playbook, output.out, name=default, pages=ended.pages)
            report = report.model_copy(update={"files": files})
        except InputError as failed:
            return print_error(
                f"{failed}; to write the stored playbook, run octave-mcp export {report.run_id} --out FOLDER", FAILED
            )
    if output.json:
        echo(report.model_dump_json(indent=2, include={*RunReport.model_fields}))
    elif report.overview:
        _show(report, report.overview)
    if report.error:
        return print_error(report.error.message, EXIT_CODES.get(report.status, FAILED))
    if report.status == "cancelled":
        return print_error("the run was cancelled", FAILED)
    return EXIT_CODES.get(report.status, FAILED)


def _show(report: RunReport, overview: Overview) -> None:
    more = len(overview.gaps) - MAX_GAPS_SHOWN
    gaps = [*overview.gaps[:MAX_GAPS_SHOWN], *([f"and {more} more gaps, which the files list"] if more > 0 else [])]
    counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in overview.counts.items())
    parts = (
        f"{report.status} in {overview.seconds:.1f} s: {', '.join(overview.personas)}",
        overview.outline,
        titled_list("files", sorted(report.files)),
        overview.summary,
        counts,
        titled_list("flags", overview.flags),
        titled_list("gaps", gaps),
    )
    console = Console(highlight=False, emoji=False, markup=False)
    console.print("\n\n".join(filter(None, parts)), soft_wrap=True)
