"""The tools as routes, and what HTTP has beside them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError
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
from octave_mcp.surfaces.rest.arguments import JSON, Function, Given, given
from octave_mcp.surfaces.serving import Server
from octave_mcp.tools import FUNCTIONS
from octave_mcp.tools.calls import HTTP
from octave_mcp.tools.registry import Call, is_absent, unheard
from octave_mcp.tools.reports import RunReport

MAX_WAIT_SECONDS = 600.0
READY_SECONDS = 5.0
# Two names of the one thing there is: an earlier interface had them.
WORKFLOWS = ("sales-playbook", "phase1_2_3_4_workflow")


class Health(Value):
    status: str
    version: str


class Configuration(Value):
    """Every setting and where it comes from; secrets are masked."""

    settings: tuple[Setting, ...]


class Workflow(Value):
    id: str
    name: str


class Agent(Value):
    """A specialist: a question that is asked of a model."""

    id: str
    name: str
    tier: str


class Rest:
    def __init__(self, server: Server, metrics: Metrics) -> None:
        self._server = server
        self._metrics = metrics
        self.functions = {name: Function(tool, self._call) for name, tool in FUNCTIONS.items()}
        self._begin_at_once = Function(FUNCTIONS["generate_playbook"], partial(self._call, longest_wait_seconds=0))

    async def _call(self, longest_wait_seconds: float = MAX_WAIT_SECONDS) -> Call:
        return Call(await self._runs(), unheard, longest_wait_seconds, HTTP)

    async def _runs(self) -> Runs:
        return (await self._server.app()).runs

    # The tools

    async def call(self, name: str, request: Request) -> Response:
        return _json(await self.functions[name](await given(request)))

    async def begin(self, request: Request) -> Response:
        """A run: its report, or a stream of what happens in it."""
        asked = await _named(request)
        if asked.take_flag("stream"):
            begun = await self._begin_at_once(asked)
            return sse.streamed(sse.whole(await self._runs(), begun, partial(self._report, begun.run_id)))
        return _begun(await self.functions["generate_playbook"](asked))

    async def revise(self, request: Request) -> Response:
        return _begun(await self.functions["revise_playbook"](await _named(request)))

    async def refresh(self, request: Request) -> Response:
        return _begun(await self.functions["refresh_playbook"](await _named(request)))

    async def _report(self, run_id: str) -> RunReport:
        return await self.functions["get_run"](Given({"run_id": run_id}, is_text=True))

    async def begin_workflow(self, request: Request) -> Response:
        _check_workflow(request)
        return await self.begin(request)

    async def get_workflow_run(self, request: Request) -> Response:
        _check_workflow(request)
        return await self.call("get_run", request)

    # What is made of a run

    async def events(self, request: Request) -> Response:
        run_id, after = (await given(request)).values["run_id"], sse.last_seen(request)
        runs = await self._runs()
        record = await runs.get(run_id)
        if record.is_final and not await _has_more(runs, run_id, after):
            return Response(status_code=204)
        return sse.streamed(sse.new_events(runs, run_id, after))

    async def playbook(self, request: Request) -> Response:
        asked = await given(request)
        pages, form, version = asked.take_flag("pages"), _format(asked.values["suffix"]), asked.values.get("version")
        app, run_id = await self._server.app(), asked.values["run_id"]
        found = await app.download(run_id, form, _version(version), pages=pages)
        shown = "attachment" if form.is_binary else "inline"
        headers = {"Content-Disposition": f'{shown}; filename="{found.name}"'}
        return Response(found.content, headers=headers, media_type=form.media_type)

    # What is said of the server

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
            raise NotReady("the database does not answer yet; ask again in a moment") from None
        if failing:
            raise NotReady("; ".join(f"{name}: {reason}" for name, reason in failing.items()))
        return _json(Health(status="ready", version=__version__))

    async def metrics(self, _: Request) -> Response:
        running = (await self._runs()).under_way if self._server.is_open else 0
        return Response(self._metrics.render(running, self._server.failing), media_type=METRICS_TYPE)


def _begun(report: RunReport) -> Response:
    status = 200 if report.status in FINAL else 202
    return _json(report, status, {"Location": f"{HTTP.runs_at}{report.run_id}"})


def _json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(value), status, headers, JSON)


async def _named(request: Request) -> Given:
    """What is asked for. The header has the meaning of the argument request_id."""
    asked, key = await given(request), request.headers.get("idempotency-key")
    if is_absent(asked.values.get("request_id")):
        asked.values["request_id"] = key
    elif key and asked.values["request_id"] != key:
        raise InputError("request_id: differs from the header Idempotency-Key; give one of them")
    return asked


def _check_workflow(request: Request) -> None:
    """Takes the workflow's id from the path."""
    if request.path_params.pop("workflow_id") not in WORKFLOWS:
        raise NotFound(f"there is no such workflow; there are {' and '.join(WORKFLOWS)}, two names of one")


async def _has_more(runs: Runs, run_id: str, after: int) -> bool:
    async with aclosing(runs.events(run_id, after)) as events:
        return await anext(events, None) is not None


def _format(suffix: str) -> Format:
    """The format whose files have this extension."""
    found = next((form for form in FORMATS if form.suffix == suffix), None)
    if found is None:
        raise NotFound(f"unsupported format; choose one of {', '.join(form.suffix for form in FORMATS)}")
    return found


def _version(given: object) -> int | None:
    try:
        return None if is_absent(given) else TypeAdapter(Annotated[int, Field(ge=1)]).validate_python(given)
    except ValidationError:
        raise InputError("version: give the number of a version, from 1") from None


def _configuration(settings: Settings) -> Configuration:
    return Configuration(settings=(*described(settings), *keys()))


def _agents() -> list[Agent]:
    loaded = (prompts.load(name) for name in prompts.names())
    return [Agent(id=prompt.name, name=prompt.title, tier=prompt.tier) for prompt in loaded]
