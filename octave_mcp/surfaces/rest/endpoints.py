"""The operations of the HTTP API: the tools, and further operations that only HTTP offers."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import partial
from typing import Any, cast

from pydantic import TypeAdapter

from octave_mcp.domain.choices import AUTO, FORMATS, MODELS, SOURCES, Format, names
from octave_mcp.domain.events import STORED_EVENTS
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
# If an optional argument has one of these values, it counts as absent. Some clients send them for an empty field.
EMPTY: tuple[Schema, ...] = ({"const": ""}, {"type": "null"})
STREAM: Schema = {
    "type": "boolean",
    "default": False,
    "description": "Respond with a stream of events: the run, its progress, and its final report",
}
PAGES: Schema = {
    "type": "boolean",
    "default": False,
    "description": "Embed the quoted pages, so that sources can be opened offline; html only",
}
ONE_LINE: Schema = {"pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"}
NO_NUL: Schema = {"pattern": r"^[^\x00]*$"}
KEY: Schema = TEXT | {
    "maxLength": 255,
    "description": "Your own ID for this request; a repeated request with the same ID returns the same run",
}
VERSION: Schema = {"type": "integer", "minimum": 1, "description": "The number of the version; default: the newest"}
LAST_SEEN: Schema = TEXT | {"pattern": "^[0-9]{0,18}$", "description": "The ID of the last event received"}
# The last event of a stream if an error occurs after the stream has started.
PROBLEM_EVENT = "problem"
RUN_ID_ARGUMENT: Schema = TEXT | RUN_ID | {"description": "The run_id that was returned when the run was started"}
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
    tools["generate_playbook"] = start = _start(rest, tools["generate_playbook"])
    tools["refresh_playbook"] = _refresh(rest, tools["refresh_playbook"])
    check = tools["check_copy"]
    tools["check_copy"] = replace(check, errors=(*check.errors, NotFinished))
    tools["revise_playbook"] = _revise(rest, tools["revise_playbook"])
    return (
        *tools.values(),
        *_run_operations(rest),
        _get_session(tools["list_sessions"]),
        *_server_operations(rest),
        *_compatibility_operations(rest, start, tools["get_run"]),
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


def _start(rest: Rest, tool: Operation) -> Operation:
    """Add `stream` to the tool's arguments, and an event stream to its responses."""
    tool, report = _with_idempotency_key(tool), {JSON: TypeAdapter(RunReport)}
    return replace(
        tool,
        answer=rest.start,
        takes=_with(tool.takes, {"stream": _emptiable(STREAM)}),
        examples=EXAMPLES,
        returns={
            200: Returned(
                "The report of a run that has ended, or a stream of events if `stream` is set",
                report | _events("run", *STORED_EVENTS, "report", PROBLEM_EVENT),
                LOCATION,
                LINKS,
            ),
            202: Returned("The run is in progress", report, LOCATION, LINKS),
        },
        errors=(*tool.errors, ReusedRequest),
    )


def _revise(rest: Rest, tool: Operation) -> Operation:
    report = {JSON: TypeAdapter(SectionReport)}
    returns = {
        200: Returned("The revision has ended", report, LOCATION, LINKS),
        202: Returned("The revision is in progress", report, LOCATION, LINKS),
    }
    return replace(_with_idempotency_key(tool), answer=rest.revise, returns=returns)


def _refresh(rest: Rest, tool: Operation) -> Operation:
    report = {JSON: TypeAdapter(RunReport)}
    returns = {
        200: Returned("The refresh has ended", report, LOCATION, LINKS),
        202: Returned("The refresh is in progress", report, LOCATION, LINKS),
    }
    return replace(_with_idempotency_key(tool), answer=rest.refresh, returns=returns)


def _with_idempotency_key(tool: Operation) -> Operation:
    """Replace the argument request_id with the header Idempotency-Key, which HTTP clients use instead."""
    properties = {name: schema for name, schema in tool.takes["properties"].items() if name != "request_id"}
    return replace(tool, takes=tool.takes | {"properties": properties}, headers={"Idempotency-Key": KEY})


def _get_session(list_sessions: Operation) -> Operation:
    return replace(
        list_sessions,
        path="/sessions/{session_id}",
        name="get_session",
        title="Get a session",
        description="Return a session and its runs, newest first.",
    )


def _run_operations(rest: Rest) -> tuple[Operation, ...]:
    playbook = {form.media_type: _content(form) for form in FORMATS}
    return (
        Operation(
            method="GET",
            path="/runs/{run_id}/events",
            name="follow_run",
            title="Follow a run",
            description="Stream the run's events as server-sent events: first the past events, then new events. "
            f"The events are {', '.join(STORED_EVENTS)}, and {PROBLEM_EVENT} if an error interrupts the stream.",
            answer=rest.events,
            takes=_object(run_id=RUN_ID_ARGUMENT, last_event_id=LAST_SEEN),
            headers={"Last-Event-ID": LAST_SEEN},
            returns={
                200: Returned("The events", _events(*STORED_EVENTS, PROBLEM_EVENT)),
                204: Returned("The run has ended, and there are no more events"),
            },
            errors=(InputError, NotFound),
        ),
        Operation(
            method="GET",
            path="/runs/{run_id}/playbook.{suffix}",
            name="get_playbook",
            title="Get a playbook",
            description="Download the playbook of a finished run. The default is the newest version.",
            answer=rest.playbook,
            takes=_object(
                run_id=RUN_ID_ARGUMENT,
                suffix=TEXT | {"enum": [form.suffix for form in FORMATS]},
                version=_emptiable(VERSION),
                pages=_emptiable(PAGES),
            ),
            returns={200: Returned("The playbook", playbook)},
            errors=(InputError, NotFound, NotFinished),
        ),
    )


def _events(*sent: str) -> dict[str, Schema]:
    """Return the content of a stream of server-sent events with these names."""
    event: Schema = {
        "type": "object",
        "description": "One event of the stream; its data is JSON",
        "properties": {"id": TEXT, "event": TEXT | {"enum": [*sent]}, "data": TEXT | {"contentMediaType": JSON}},
        "required": ["event", "data"],
    }
    return {"text/event-stream": event}


def _content(form: Format) -> TypeAdapter[Playbook] | Schema:
    if form.media_type == JSON:
        return TypeAdapter(Playbook)
    return {} if form.is_binary else TEXT


def _server_operations(rest: Rest) -> tuple[Operation, ...]:
    server = partial(Operation, method="GET", tag="server")
    return (
        server(
            path="/config",
            name="get_config",
            title="List the settings",
            description="Return every setting and its source. Secrets are masked.",
            answer=rest.config,
            returns={200: Returned("The settings", {JSON: TypeAdapter(Configuration)})},
        ),
        server(
            path="/livez",
            name="get_livez",
            title="Check whether the server is up",
            answer=rest.alive,
            returns={200: Returned("The server is up", {JSON: TypeAdapter(Health)})},
        ),
        server(
            path="/readyz",
            name="get_readyz",
            title="Check whether the server can start runs",
            answer=rest.ready,
            returns={200: Returned("The server is ready", {JSON: TypeAdapter(Health)})},
        ),
        server(
            path="/metrics",
            name="get_metrics",
            title="Get metrics for Prometheus",
            answer=rest.metrics,
            returns={200: Returned("The metrics in Prometheus's text format", {"text/plain": TEXT})},
        ),
    )


def _compatibility_operations(rest: Rest, start: Operation, get: Operation) -> tuple[Operation, ...]:
    """Return the operations of an earlier API, so that scripts for that API still work."""
    workflow = {"workflow_id": TEXT | {"enum": list(WORKFLOWS), "description": "Both names mean the same workflow"}}
    old = partial(Operation, method="GET", tag="compatibility")
    return (
        replace(
            start,
            path="/workflows/{workflow_id}/runs",
            name="start_workflow",
            answer=rest.start_workflow,
            takes=_with(start.takes, workflow),
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
            title="List workflows",
            answer=rest.workflows,
            returns={200: Returned("The workflows", {JSON: TypeAdapter(list[Workflow])})},
        ),
        old(
            path="/agents",
            name="list_agents",
            title="List agents",
            answer=rest.agents,
            returns={200: Returned("The agents", {JSON: TypeAdapter(list[Agent])})},
        ),
    )


def takes(rest: Rest, name: str) -> Schema:
    """Return the schema of a tool's arguments over HTTP. For example, it lists the valid values of `model`."""
    schema = TypeAdapter[Any](cast("Any", rest.functions[name].bound)).json_schema()
    narrower = _narrower()
    definitions = schema.pop("$defs", {})
    for argument, field in schema["properties"].items():
        if "anyOf" in field:
            field["anyOf"] = [_resolved(option, definitions) for option in field["anyOf"]]
        field.update({"default": 0} if argument == "wait_seconds" else {})
        for option in field.get("anyOf", (field,)):
            option.update((NO_NUL if option.get("type") == "string" else {}) | narrower.get(argument, {}))
    properties = schema["properties"].items()
    required = schema.get("required", ())
    return schema | {"properties": {name: of if name in required else _emptiable(of) for name, of in properties}}


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """If the schema is a reference to an object, return the object's schema, and allow each field to be empty."""
    if "$ref" not in schema:
        return schema
    definition = definitions[schema["$ref"].rpartition("/")[2]]
    fields = {name: _emptiable(field | ONE_LINE) for name, field in definition["properties"].items()}
    return definition | {"properties": fields}


def _emptiable(schema: Schema) -> Schema:
    annotations = {name: value for name, value in schema.items() if name in {"default", "description", "title"}}
    options = schema.get("anyOf") or [{name: value for name, value in schema.items() if name not in annotations}]
    return annotations | {"anyOf": [*(option for option in options if option not in EMPTY), *EMPTY]}


def _narrower() -> dict[str, Schema]:
    """Return schemas of arguments, such as `run_id`, that accept fewer values than their Python types allow."""
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
