"""Everything that HTTP can be asked, beside MCP."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import partial
from typing import Any, cast

from pydantic import TypeAdapter

from octave_mcp.domain.choices import AUTO, FORMATS, MODELS, SOURCES, Format, names
from octave_mcp.domain.playbook import SECTIONS, Playbook
from octave_mcp.errors import InputError, NotFinished, NotFound, ReusedRequest, WrongType
from octave_mcp.surfaces.rest.arguments import JSON
from octave_mcp.surfaces.rest.handlers import WORKFLOWS, Agent, Configuration, Health, Rest, Workflow
from octave_mcp.surfaces.rest.operations import Operation, Returned, Schema
from octave_mcp.tools import FUNCTIONS
from octave_mcp.tools.registry import Tool
from octave_mcp.tools.reports import RunReport, SectionReport

TEXT: Schema = {"type": "string"}
RUN_ID: Schema = {"pattern": "^run_[0-9a-f]{32}$"}
SESSION_ID: Schema = {"pattern": "^sess_[0-9a-f]{32}$"}
# What an optional argument may also be; both count as absent.
EMPTY: tuple[Schema, ...] = ({"const": ""}, {"type": "null"})
STREAM: Schema = {
    "type": "boolean",
    "default": False,
    "description": "Answer as a stream: the run, what happens in it, and its report",
}
PAGES: Schema = {
    "type": "boolean",
    "default": False,
    "description": "With the pages that it quotes, so that its sources open without the web; html only",
}
ONE_LINE: Schema = {"pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"}
NO_NUL: Schema = {"pattern": r"^[^\x00]*$"}
KEY: Schema = TEXT | {
    "maxLength": 255,
    "description": "Your own id of this request: asked again, the same run is returned",
}
VERSION: Schema = {"type": "integer", "minimum": 1, "description": "The number of a version; else the newest"}
LAST_SEEN: Schema = TEXT | {"pattern": "^[0-9]{0,18}$", "description": "The id of the last event seen"}
EVENT: Schema = {
    "type": "object",
    "description": "One event of the stream; its data is JSON",
    "properties": {"id": TEXT, "event": TEXT, "data": TEXT | {"contentMediaType": JSON}},
    "required": ["event", "data"],
}
EVENTS = {"text/event-stream": EVENT}
OF_A_RUN: Schema = TEXT | RUN_ID | {"description": "From the report of the run"}
LOCATION: dict[str, Schema] = {"Location": TEXT | {"description": "The path of the run"}}
LINKS = {
    name: {"operationId": name, "parameters": {"run_id": "$response.body#/run_id"}}
    for name in ("get_run", "cancel_run", "follow_run", "get_playbook", "get_workflow_run")
}
EXAMPLES = {
    "shortest": {"value": {"vendor_domain": "posthog.com", "prospect_domain": "supabase.com"}},
    "waiting": {
        "value": {
            "vendor_domain": "posthog.com",
            "prospect_domain": "supabase.com",
            "context": "They are hiring for growth; sell product analytics to the head of data",
            "max_pages": 12,
            "wait_seconds": 2,
        }
    },
}


def operations(rest: Rest) -> tuple[Operation, ...]:
    tools = {name: _tool(rest, tool) for name, tool in FUNCTIONS.items()}
    tools["generate_playbook"] = begin = _begin(rest, tools["generate_playbook"])
    tools["refresh_playbook"] = _refresh(rest, tools["refresh_playbook"])
    check = tools["check_copy"]
    tools["check_copy"] = replace(check, errors=(*check.errors, NotFinished))
    tools["revise_playbook"] = _revise(rest, tools["revise_playbook"])
    return (
        *tools.values(),
        *_of_a_run(rest),
        _session(tools["list_sessions"]),
        *_of_the_server(rest),
        *_compatible(rest, begin, tools["get_run"]),
    )


def _tool(rest: Rest, tool: Tool) -> Operation:
    returned = inspect.signature(tool.function, eval_str=True).return_annotation
    return Operation(
        method=tool.method,
        path=tool.path,
        name=tool.name,
        title=tool.title,
        description=inspect.getdoc(tool.function) or "",
        answer=partial(rest.call, tool.name),
        takes=takes(rest, tool.name),
        returns={200: Returned(tool.title, {JSON: TypeAdapter(returned)})},
        errors=(InputError, NotFound, *tool.errors, *((WrongType,) if tool.has_body else ())),
        tag=tool.path.split("/")[1],
    )


def _begin(rest: Rest, tool: Operation) -> Operation:
    """Beside what the tool does, it streams."""
    tool, report = _keyed(tool), {JSON: TypeAdapter(RunReport)}
    return replace(
        tool,
        answer=rest.begin,
        takes=_with(tool.takes, {"stream": _emptiable(STREAM)}),
        examples=EXAMPLES,
        returns={
            200: Returned("The run has ended; or a stream, if one was asked for", report | EVENTS, LOCATION, LINKS),
            202: Returned("The run is under way", report, LOCATION, LINKS),
        },
        errors=(*tool.errors, ReusedRequest),
    )


def _revise(rest: Rest, tool: Operation) -> Operation:
    report = {JSON: TypeAdapter(SectionReport)}
    returns = {
        200: Returned("The revision has ended", report, LOCATION, LINKS),
        202: Returned("The revision is under way", report, LOCATION, LINKS),
    }
    return replace(_keyed(tool), answer=rest.revise, returns=returns)


def _refresh(rest: Rest, tool: Operation) -> Operation:
    report = {JSON: TypeAdapter(RunReport)}
    returns = {
        200: Returned("The refresh has ended", report, LOCATION, LINKS),
        202: Returned("The refresh is under way", report, LOCATION, LINKS),
    }
    return replace(_keyed(tool), answer=rest.refresh, returns=returns)


def _keyed(tool: Operation) -> Operation:
    """Its request_id is the header that HTTP clients know."""
    properties = {name: schema for name, schema in tool.takes["properties"].items() if name != "request_id"}
    return replace(tool, takes=tool.takes | {"properties": properties}, headers={"Idempotency-Key": KEY})


def _session(list_sessions: Operation) -> Operation:
    return replace(
        list_sessions,
        path="/sessions/{session_id}",
        name="get_session",
        title="Get a session",
        description="The session and its runs, the newest first.",
    )


def _of_a_run(rest: Rest) -> tuple[Operation, ...]:
    playbook = {form.media_type: _content(form) for form in FORMATS}
    return (
        Operation(
            method="GET",
            path="/runs/{run_id}/events",
            name="follow_run",
            title="Follow a run",
            description="What happened in the run, and what happens in it until it ends, as server-sent events.",
            answer=rest.events,
            takes=_object(run_id=OF_A_RUN, last_event_id=LAST_SEEN),
            headers={"Last-Event-ID": LAST_SEEN},
            returns={200: Returned("The events", EVENTS), 204: Returned("The run has ended, and no event is left")},
            errors=(InputError, NotFound),
        ),
        Operation(
            method="GET",
            path="/runs/{run_id}/playbook.{suffix}",
            name="get_playbook",
            title="Get a playbook",
            description="The playbook of a run that has ended, in one of its formats: the newest or the version named.",
            answer=rest.playbook,
            takes=_object(
                run_id=OF_A_RUN,
                suffix=TEXT | {"enum": [form.suffix for form in FORMATS]},
                version=_emptiable(VERSION),
                pages=_emptiable(PAGES),
            ),
            returns={200: Returned("The playbook", playbook)},
            errors=(InputError, NotFound, NotFinished),
        ),
    )


def _content(form: Format) -> TypeAdapter[Playbook] | Schema:
    if form.media_type == JSON:
        return TypeAdapter(Playbook)
    return {} if form.is_binary else TEXT


def _of_the_server(rest: Rest) -> tuple[Operation, ...]:
    told = partial(Operation, method="GET", tag="server")
    return (
        told(
            path="/config",
            name="get_config",
            title="List the settings",
            description="Every setting, and where it comes from; secrets are masked.",
            answer=rest.config,
            returns={200: Returned("The settings", {JSON: TypeAdapter(Configuration)})},
        ),
        told(
            path="/livez",
            name="get_livez",
            title="Ask whether the server is up",
            answer=rest.alive,
            returns={200: Returned("It is", {JSON: TypeAdapter(Health)})},
        ),
        told(
            path="/readyz",
            name="get_readyz",
            title="Ask whether the server can take runs",
            answer=rest.ready,
            returns={200: Returned("It can", {JSON: TypeAdapter(Health)})},
        ),
        told(
            path="/metrics",
            name="get_metrics",
            title="Read counts and durations, for Prometheus",
            answer=rest.metrics,
            returns={200: Returned("In the text format of Prometheus", {"text/plain": TEXT})},
        ),
    )


def _compatible(rest: Rest, begin: Operation, get: Operation) -> tuple[Operation, ...]:
    """An earlier interface's, for those who have written scripts for it."""
    workflow = {"workflow_id": TEXT | {"enum": list(WORKFLOWS), "description": "Two names of one"}}
    old = partial(Operation, method="GET", tag="compatibility")
    return (
        replace(
            begin,
            path="/workflows/{workflow_id}/runs",
            name="start_workflow",
            answer=rest.begin_workflow,
            takes=_with(begin.takes, workflow),
            tag="compatibility",
        ),
        replace(
            get,
            path="/workflows/{workflow_id}/runs/{run_id}",
            name="get_workflow_run",
            answer=rest.get_workflow_run,
            takes=_with(get.takes, workflow),
            tag="compatibility",
        ),
        old(
            path="/workflows",
            name="list_workflows",
            title="List the names of the workflow",
            answer=rest.workflows,
            returns={200: Returned("The names", {JSON: TypeAdapter(list[Workflow])})},
        ),
        old(
            path="/agents",
            name="list_agents",
            title="List the specialists",
            answer=rest.agents,
            returns={200: Returned("The specialists", {JSON: TypeAdapter(list[Agent])})},
        ),
    )


def takes(rest: Rest, name: str) -> Schema:
    """The schema of a tool's arguments as HTTP takes them, with what this server knows of their values."""
    schema = TypeAdapter[Any](cast("Any", rest.functions[name].bound)).json_schema()
    narrower = _narrower()
    definitions = schema.pop("$defs", {})
    for argument, found in schema["properties"].items():
        if "anyOf" in found:
            found["anyOf"] = [_defined(option, definitions) for option in found["anyOf"]]
        found.update({"default": 0} if argument == "wait_seconds" else {})
        for option in found.get("anyOf", (found,)):
            option.update((NO_NUL if option.get("type") == "string" else {}) | narrower.get(argument, {}))
    properties = schema["properties"].items()
    required = schema.get("required", ())
    return schema | {"properties": {name: of if name in required else _emptiable(of) for name, of in properties}}


def _defined(schema: Schema, definitions: Schema) -> Schema:
    """What the schema refers to, in its place; each field of an object may be null, which counts as absent."""
    if "$ref" not in schema:
        return schema
    found = definitions[schema["$ref"].rpartition("/")[2]]
    fields = {name: _emptiable(field | ONE_LINE) for name, field in found["properties"].items()}
    return found | {"properties": fields}


def _emptiable(schema: Schema) -> Schema:
    said = {name: value for name, value in schema.items() if name in {"default", "description", "title"}}
    options = schema.get("anyOf") or [{name: value for name, value in schema.items() if name not in said}]
    return said | {"anyOf": [*(option for option in options if option not in EMPTY), *EMPTY]}


def _narrower() -> dict[str, Schema]:
    return {
        "run_id": RUN_ID,
        "session_id": SESSION_ID,
        "section": {"pattern": rf"^({'|'.join(SECTIONS)})(\[.+\]|\.[^.]+)*$"},
        "model": {"enum": [AUTO, *names(MODELS)]},
        "source": {"enum": [AUTO, *names(SOURCES)]},
    }


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


def _with(schema: Schema, more: dict[str, Schema]) -> Schema:
    return schema | {"properties": schema["properties"] | more}
