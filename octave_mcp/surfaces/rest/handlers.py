"""Handlers of the HTTP API: the tools, event streams, downloads, and the state of the server."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from octave_mcp import __version__
from octave_mcp.asks import prompts
from octave_mcp.concurrency.computing import check_computing
from octave_mcp.domain.choices import FORMATS, Format
from octave_mcp.domain.run import FINAL
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError, NotFound, NotReady
from octave_mcp.observability.metrics import MEDIA_TYPE as METRICS_TYPE
from octave_mcp.observability.metrics import Metrics
from octave_mcp.runs.service import Runs
from octave_mcp.settings import Setting, Settings, described, keys
from octave_mcp.surfaces.rest import sse
from octave_mcp.surfaces.rest.arguments import JSON, Arguments, ToolFunction, read_arguments
from octave_mcp.surfaces.serving import Server
from octave_mcp.tools import FUNCTIONS
from octave_mcp.tools.calls import HTTP
from octave_mcp.tools.registry import Call, ignore_event, is_absent
from octave_mcp.tools.reports import RunReport
from octave_mcp.tools.versions import version_number

MAX_WAIT_SECONDS = 600.0
READY_SECONDS = 5.0
# Old scripts still use these workflow ids of an earlier API. Both ids select the same workflow, which writes
# a playbook.
WORKFLOWS = ("sales-playbook", "phase1_2_3_4_workflow")


class Health(Value):
    status: str
    version: str


class Configuration(Value):
    """All settings, each with the place where it was set. Secrets are masked."""

    settings: tuple[Setting, ...]


class Workflow(Value):
    id: str
    name: str


class Agent(Value):
    """A prompt of the pipeline. `tier` says which model gets the prompt: 'fast' or 'strong'."""

    id: str
    name: str
    tier: str


class Rest:
    def __init__(self, server: Server, metrics: Metrics) -> None:
        self._server = server
        self._metrics = metrics
        self.functions = {name: ToolFunction(tool, self._call) for name, tool in FUNCTIONS.items()}
        start = partial(ToolFunction, FUNCTIONS["generate_playbook"], also=("stream",))
        self.functions["generate_playbook"] = start(self._call)
        self._start_only = start(partial(self._call, max_wait_seconds=0))

    async def _call(self, max_wait_seconds: float = MAX_WAIT_SECONDS) -> Call:
        return Call(await self._runs(), ignore_event, max_wait_seconds, HTTP)

    async def _runs(self) -> Runs:
        return (await self._server.app()).runs

    async def call(self, name: str, request: Request) -> Response:
        return _json(await self.functions[name](await read_arguments(request)))

    async def start(self, request: Request) -> Response:
        """Start a run, and respond with its report or with a stream of its events."""
        arguments = await _with_request_id(request)
        if arguments.pop_flag("stream"):
            started = await self._start_only(arguments)
            return sse.streamed(sse.run_to_end(await self._runs(), started, partial(self._report, started.run_id)))
        return _started(await self.functions["generate_playbook"](arguments))

    async def revise(self, request: Request) -> Response:
        return _started(await self.functions["revise_playbook"](await _with_request_id(request)))

    async def refresh(self, request: Request) -> Response:
        return _started(await self.functions["refresh_playbook"](await _with_request_id(request)))

    async def _report(self, run_id: str) -> RunReport:
        return await self.functions["get_run"](Arguments({"run_id": run_id}, is_text=True))

    async def start_workflow(self, request: Request) -> Response:
        _check_workflow(request)
        return await self.start(request)

    async def get_workflow_run(self, request: Request) -> Response:
        _check_workflow(request)
        return await self.call("get_run", request)

    async def events(self, request: Request) -> Response:
        run_id, after = (await read_arguments(request)).values["run_id"], sse.last_seen(request)
        runs = await self._runs()
        record = await runs.get(run_id)
        # Respond with 204, because a browser's EventSource then stops reconnecting. After an empty stream, an
        # EventSource would reconnect again and again.
        if record.is_final and not await _has_more(runs, run_id, after):
            return Response(status_code=204)
        return sse.streamed(sse.new_events(runs, run_id, after))

    async def playbook(self, request: Request) -> Response:
        arguments = await read_arguments(request)
        pages, values = arguments.pop_flag("pages"), arguments.values
        form, version = format_of(values["suffix"]), version_number(values.get("version"))
        file = await (await self._server.app()).download(values["run_id"], form, version, pages=pages)
        disposition = "attachment" if form.is_binary else "inline"
        headers = {"Content-Disposition": f'{disposition}; filename="{file.name}"'}
        # If a browser shows the file, the scripts in it must not run as scripts of this server.
        headers["Content-Security-Policy"] = "sandbox"
        return Response(file.content, headers=headers, media_type=form.media_type)

    async def workflows(self, _: Request) -> Response:
        title = FUNCTIONS["generate_playbook"].title
        return _json([Workflow(id=id_, name=title) for id_ in WORKFLOWS])

    async def agents(self, _: Request) -> Response:
        return _json(await asyncio.to_thread(_agents))

    async def config(self, _: Request) -> Response:
        return _json(await asyncio.to_thread(_configuration, self._server.settings))

    async def alive(self, _: Request) -> Response:
        return _json(Health(status="alive", version=__version__))

    async def ready(self, _: Request) -> Response:
        check_computing()
        try:
            async with asyncio.timeout(READY_SECONDS):
                failing = await (await self._runs()).failing()
        except TimeoutError:
            raise NotReady("the database does not respond; try again in a moment") from None
        if failing:
            raise NotReady("; ".join(f"{name}: {reason}" for name, reason in failing.items()))
        return _json(Health(status="ready", version=__version__))

    async def metrics(self, _: Request) -> Response:
        running = (await self._runs()).under_way if self._server.is_open else 0
        return Response(self._metrics.render(running, self._server.failing), media_type=METRICS_TYPE)


def _started(report: RunReport) -> Response:
    status = 200 if report.status in FINAL else 202
    return _json(report, status, {"Location": f"{HTTP.runs_at}{report.run_id}"})


def _json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(value), status, headers, JSON)


async def _with_request_id(request: Request) -> Arguments:
    """Return the arguments. The header Idempotency-Key becomes the argument request_id."""
    arguments, key = await read_arguments(request), request.headers.get("idempotency-key")
    if is_absent(arguments.values.get("request_id")):
        arguments.values["request_id"] = key
    elif key and arguments.values["request_id"] != key:
        raise InputError("request_id: differs from the header Idempotency-Key; send only one of them", "request_id")
    return arguments


def _check_workflow(request: Request) -> None:
    """Check the workflow id, and remove it from the path arguments, because the tool does not take it."""
    if request.path_params.pop("workflow_id") not in WORKFLOWS:
        raise NotFound(f"unknown workflow; use {' or '.join(WORKFLOWS)}; both names mean the same workflow")


async def _has_more(runs: Runs, run_id: str, after: int) -> bool:
    async with aclosing(runs.events(run_id, after)) as events:
        return await anext(events, None) is not None


def format_of(suffix: str) -> Format:
    form = next((form for form in FORMATS if form.suffix == suffix), None)
    if form is None:
        raise NotFound(f"unsupported format; choose one of {', '.join(form.suffix for form in FORMATS)}")
    return form


def _configuration(settings: Settings) -> Configuration:
    return Configuration(settings=(*described(settings), *keys()))


def _agents() -> list[Agent]:
    loaded = (prompts.load(name) for name in prompts.names())
    return [Agent(id=prompt.name, name=prompt.title, tier=prompt.tier) for prompt in loaded]
