"""The command `bench`, which measures runs with a real provider against the target durations of the steps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators
from pydantic import Field

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.choices import AUTO, MODELS, NONE_CONFIGURED, SET_UP_A_MODEL, choice
from octave_mcp.domain.costs import Cost
from octave_mcp.domain.run import PlaybookRequest, RunStatus
from octave_mcp.domain.targets import RUN, STEPS, Target, seconds_of
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError, OctaveError, SetupError
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.generate import progress_bar, run_to_end
from octave_mcp.surfaces.cli.terminal import (
    DONE,
    FAILED,
    INTERRUPTED,
    PARTIAL,
    PLAIN,
    SETUP,
    OnEvent,
    Output,
    configure_logs,
    counted,
    echo,
    open_app,
    print_error,
    table,
)
from octave_mcp.tools.reports import RunReport

if TYPE_CHECKING:
    from octave_mcp.app import App

MAX_RUNS = 20
DEFAULT_MAX_COST_USD = 0.5
NOT_LIVE = (
    "this command generates playbooks with a real provider, which costs money: add --live, and name the two companies. "
    "To measure octave-mcp itself without a key, with simulated providers, run 'make bench' in the repository"
)
SKIPPED = "; the benchmark was skipped"


class BenchedRun(Value):
    """One run of the benchmark. `cached_share`: the part of the input tokens that the provider had cached.

    `seconds` has the duration of each step, or null if the run did not finish the step. `error` says why a run failed.
    """

    run_id: str = ""
    status: RunStatus = "failed"
    total_seconds: float | None = None
    seconds: dict[str, float | None] = Field(default_factory=dict[str, float | None])
    usd: float = 0
    asks: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_share: float = 0
    error: str = ""


class BenchedStep(Value):
    """The average duration of a step over all runs that finished it, and its target."""

    name: str
    target: str
    seconds: float | None
    is_met: bool | None


class Bench(Value):
    """The result of the benchmark. `stopped` says why fewer runs than requested were started."""

    model: str
    steps: tuple[BenchedStep, ...]
    runs: tuple[BenchedRun, ...]
    usd: float
    max_cost_usd: float
    stopped: str


def bench(
    vendor: Annotated[str | None, Parameter(help="Website of the company that sells, e.g. posthog.com")] = None,
    prospect: Annotated[str | None, Parameter(help="Website of the company to sell to, e.g. supabase.com")] = None,
    *,
    live: Annotated[bool, Parameter(negative=(), help="Really call the provider, which costs money")] = False,
    runs: Annotated[
        int, Parameter(help="Number of runs, one after another", validator=validators.Number(gte=1, lte=MAX_RUNS))
    ] = 1,
    max_cost_usd: Annotated[
        float,
        Parameter(
            help="Maximum cost of all runs in US dollars; a run starts only if its estimate is below what is left",
            validator=validators.Number(gt=0),
        ),
    ] = DEFAULT_MAX_COST_USD,
    model: Annotated[str, Parameter(help="Model of a provider, e.g. openai or openai:gpt-6-luna")] = AUTO,
    output: Output = PLAIN,
) -> int:
    """Make runs with a real provider, compare the duration of each step with its target, and show what each run costs.

    Exits with 0 if all requested runs wrote a playbook, with 4 if fewer did, and with 1 if none did.
    """
    if not live or vendor is None or prospect is None:
        raise InputError(NOT_LIVE)
    companies = {"vendor": vendor, "prospect": prospect}
    settings = load()
    configure_logs(settings, output)

    async def measured(on_event: OnEvent) -> Bench:
        async with open_app(settings) as app:
            return await _Benchmark(app, companies, model, max_cost_usd).result(runs, on_event)

    try:
        with progress_bar(output) as on_event:
            result = asyncio.run(measured(on_event))
    except SetupError as missing:
        return print_error(f"{missing}{SKIPPED}", SETUP)
    except KeyboardInterrupt:
        return print_error("interrupted; the run was cancelled", INTERRUPTED)
    if output.json:
        echo(result.model_dump_json(indent=2))
    else:
        echo(_text(result))
    return _exit_code(result, runs)


class _Benchmark:
    def __init__(self, app: App, companies: dict[str, str], model: str, max_cost_usd: float) -> None:
        self._app, self._companies, self._given, self._max_cost_usd = app, companies, model, max_cost_usd

    async def result(self, runs: int, on_event: OnEvent) -> Bench:
        """Start the runs one after another, while the estimate of the next run is within the rest of the limit.

        Raises:
            SetupError: If no provider is set up.
            InputError: If the model calls no provider, its price is not known, or the limit does not allow a single
                run.
        """
        model = await computed(self._provider)
        done: list[BenchedRun] = []
        stopped = ""
        while len(done) < runs and not stopped:
            left = self._max_cost_usd - sum(run.usd for run in done)
            estimate = await computed(self._estimated_usd, model)
            if estimate < left:
                done.append(await self._run(model, left, on_event))
            else:
                stopped = (
                    f"run {len(done) + 1} was not started: its estimate is ${estimate:.4f}, but only "
                    f"${max(left, 0):.4f} of the limit of ${self._max_cost_usd:g} (--max-cost-usd) is left"
                )
        if not done:
            raise InputError(stopped)
        return Bench(
            model=model,
            steps=tuple(_step(target, done) for target in (*STEPS, RUN)),
            runs=tuple(done),
            usd=sum(run.usd for run in done),
            max_cost_usd=self._max_cost_usd,
            stopped=stopped,
        )

    def _provider(self) -> str:
        named = self._app.model_name(self._given.partition(":")[0])
        if named is None:
            raise SetupError(f"{NONE_CONFIGURED}: {SET_UP_A_MODEL}")
        if not choice(MODELS, named, "model").needs:
            fault = f"the model {named!r} calls no provider; choose another one with --model"
            raise SetupError(fault) if self._given == AUTO else InputError(fault)
        return named if self._given == AUTO else self._given

    def _estimated_usd(self, model: str) -> float:
        from octave_mcp.runs.admission import Admission  # noqa: PLC0415 - help is shown without it

        fields = {**self._companies, "model": model, "max_cost_usd": self._max_cost_usd}
        request = PlaybookRequest.model_validate(fields)
        return Admission(self._app).estimate(request, model, self._app.source_name(AUTO)).usd or 0

    async def _run(self, model: str, left: float, on_event: OnEvent) -> BenchedRun:
        # Without a refresh, the second run would reuse the pages and answers of the first.
        arguments: dict[str, Any] = {f"{role}_domain": company for role, company in self._companies.items()}
        arguments |= {"model": model, "max_cost_usd": left, "refresh": True}
        try:
            report = await run_to_end(self._app, on_event, lambda _: None, "generate_playbook", **arguments)
        except (InputError, SetupError):
            raise
        except OctaveError as failed:
            return BenchedRun(error=f"[{failed.code}] {failed}")
        return await self._benched(report)

    async def _benched(self, report: RunReport) -> BenchedRun:
        playbook = await self._app.runs.playbook(report.run_id)
        timings = playbook.timings if playbook else None
        journal = await self._app.store.steps(report.run_id)
        cost = playbook.cost if playbook else await self._cost_of(report.run_id)
        error = report.error
        return BenchedRun(
            run_id=report.run_id,
            status=report.status,
            total_seconds=timings and timings.total_seconds,
            seconds={target.name: seconds_of(target, timings.steps if timings else (), journal) for target in STEPS},
            usd=cost.usd or 0,
            asks=cost.asks,
            input_tokens=cost.input_tokens,
            output_tokens=cost.output_tokens,
            cached_share=cost.cached_tokens / cost.input_tokens if cost.input_tokens else 0,
            error=f"[{error.code}] {error.message}" if error else "",
        )

    async def _cost_of(self, run_id: str) -> Cost:
        """Return the cost of a run without a playbook, which is only in the run's events."""
        calls = [event.call async for _, event in self._app.runs.events(run_id) if event.call and not event.call.reused]
        return Cost(
            usd=sum(call.usd or 0 for call in calls),
            asks=len(calls),
            input_tokens=sum(call.input_tokens for call in calls),
            cached_tokens=sum(call.cached_tokens for call in calls),
            output_tokens=sum(call.output_tokens for call in calls),
            pages_fetched=0,
            pages_failed=0,
        )


def _step(target: Target, runs: Sequence[BenchedRun]) -> BenchedStep:
    known = [seconds for seconds in _taken(target, runs) if seconds is not None]
    average = round(mean(known), 2) if known else None
    return BenchedStep(
        name=target.name,
        target=_target(target),
        seconds=average,
        is_met=None if average is None else average <= target.most_seconds,
    )


def _taken(target: Target, runs: Sequence[BenchedRun]) -> list[float | None]:
    return [run.total_seconds if target is RUN else run.seconds.get(target.name) for run in runs]


def _target(target: Target) -> str:
    most = f"{target.most_seconds:g} s"
    return f"{target.least_seconds:g}-{most}" if target.least_seconds else f"< {most}"


def _exit_code(result: Bench, wanted: int) -> int:
    written = sum(run.status in {"completed", "partial"} for run in result.runs)
    return DONE if written == wanted else PARTIAL if written else FAILED


def _text(result: Bench) -> str:
    numbers = [f"run {number}" for number in range(1, len(result.runs) + 1)]
    steps = [("step", "target", *numbers, "average", "met"), *_step_rows(result)]
    runs = [("run", "status", "seconds", "cost", "asks", "tokens in", "tokens out", "cached", "error")]
    total = f"{counted(len(result.runs), 'run')} with {result.model}: ${result.usd:.4f} of ${result.max_cost_usd:.2f}"
    return "\n\n".join(filter(None, (table(steps), table([*runs, *_run_rows(result.runs)]), total, result.stopped)))


def _step_rows(result: Bench) -> Iterator[tuple[str, ...]]:
    for step, target in zip(result.steps, (*STEPS, RUN), strict=True):
        met = {None: "-", True: "yes", False: "no"}[step.is_met]
        of_runs = (_seconds(seconds) for seconds in _taken(target, result.runs))
        yield step.name, step.target, *of_runs, _seconds(step.seconds), met


def _run_rows(runs: Sequence[BenchedRun]) -> Iterator[tuple[str, ...]]:
    for number, run in enumerate(runs, 1):
        tokens = f"{run.input_tokens:,}", f"{run.output_tokens:,}"
        cost, cached = f"${run.usd:.4f}", f"{run.cached_share:.0%}"
        yield str(number), run.status, _seconds(run.total_seconds), cost, str(run.asks), *tokens, cached, run.error


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"
