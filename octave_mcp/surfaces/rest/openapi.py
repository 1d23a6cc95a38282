"""Build the OpenAPI 3.1 document from the list of operations, from which the HTTP routes are also built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, cast

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from octave_mcp import __version__
from octave_mcp.domain.choices import FORMATS, either
from octave_mcp.errors import (
    OctaveError,
    RefusedHost,
    RefusedOrigin,
    SetupError,
    TooLarge,
    Unauthorized,
    tree,
)
from octave_mcp.surfaces.rest import problems
from octave_mcp.surfaces.rest.access import OPEN_PATHS
from octave_mcp.surfaces.rest.arguments import FORM, JSON
from octave_mcp.surfaces.rest.operations import Operation, Returned, Schema
from octave_mcp.tools.calls import HTTP
from octave_mcp.tools.registry import WITH_BODY

Schemas = dict[TypeAdapter[Any], Schema]

# The document lists these errors for every operation, by their HTTP status. `SetupError` stands for all errors with the
# status 503, such as `NotReady` while the server stops.
COMMON_ERRORS: tuple[type[OctaveError], ...] = (RefusedOrigin, RefusedHost, TooLarge, OctaveError, SetupError)

BOOLEAN: Schema = {"type": "boolean"}
BOOLEAN_AS_TEXT: Schema = {"type": "string", "enum": ["", *"true false 1 0 yes no on off t f y n".split()]}
FILES = [f"`/runs/{{run_id}}/playbook.{FORMATS[0].suffix}`", *(f"`.{form.suffix}`" for form in FORMATS[1:])]
DESCRIPTION = f"""\
Turn two company websites into a sales playbook that cites its sources.

`POST /runs` starts a run and returns at once. With `wait_seconds`, the request waits for the result. With `stream`,
the response is a stream of the run's events. `GET /runs/{{run_id}}` returns the status of a run. The playbook of a run
is at {either(FILES)}.
A run continues even if the client disconnects. Most of these functions are also MCP tools at `/mcp`.
"""
TAGS = {
    "runs": "Runs and their playbooks",
    "sessions": "Groups of runs that belong together",
    "shares": "Links to playbooks",
    "estimate": "What a run would use and cost",
    "server": "Health, settings and metrics of the server",
    "compatibility": "Paths of an earlier API, for existing scripts",
}


def document(operations: Sequence[Operation], *, with_tokens: bool) -> dict[str, Any]:
    schemas, components = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas, with_tokens)
    components |= {"Problem": _problem()}
    security = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}} if with_tokens else {}
    return {
        "openapi": "3.1.0",
        "info": {"title": "octave-mcp", "version": __version__, "description": DESCRIPTION, "license": {"name": "MIT"}},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": _naming_routes(paths),
        "components": {"schemas": _naming_routes(components), "responses": _refusals()} | security,
    }


def _naming_routes(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """In all descriptions, replace the names of tools with their routes."""
    if isinstance(schema, list):
        return [*map(_naming_routes, cast("list[Any]", schema))]
    if not isinstance(schema, dict):
        return schema
    copy = {name: _naming_routes(value) for name, value in cast("Schema", schema).items()}
    # A property can itself be called "description", and then its value is an object and not text.
    is_described = isinstance(text := copy.get("description"), str)
    return copy | {"description": HTTP.with_local_names(text)} if is_described else copy


def _operation(operation: Operation, schemas: Schemas, with_tokens: bool) -> dict[str, Any]:
    is_open = operation.path in OPEN_PATHS
    errors = (*COMMON_ERRORS, *operation.errors, *((Unauthorized,) if with_tokens and not is_open else ()))
    refused = {str(error.status): {"$ref": f"#/components/responses/{_name(error.status)}"} for error in errors}
    answers = {str(status): _answer(returned, schemas) for status, returned in operation.returns.items()}
    body = _body(operation)
    return {
        "operationId": operation.name,
        "summary": operation.title,
        "description": operation.description,
        "tags": [operation.tag],
        "parameters": [*_parameters(operation)],
        "responses": dict(sorted((answers | refused).items())),
        **({"requestBody": body} if body else {}),
        **({"security": [{"token": []}]} if with_tokens and not is_open else {}),
    }


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    in_path = _in_path(operation)
    for name, schema in operation.takes.get("properties", {}).items():
        if name in in_path or operation.method not in WITH_BODY:
            where = {"in": "path", "required": True} if name in in_path else {"in": "query"}
            text = _as_text(schema)
            yield {"name": name, **where, "description": text.pop("description", ""), "schema": text}
    for name, schema in operation.headers.items():
        yield {"name": name, "in": "header", "description": schema["description"], "schema": schema}


def _body(operation: Operation) -> dict[str, Any] | None:
    properties = operation.takes.get("properties", {})
    in_body = {name: schema for name, schema in properties.items() if name not in _in_path(operation)}
    if operation.method not in WITH_BODY or not in_body:
        return None
    required = [name for name in operation.takes.get("required", ()) if name in in_body]
    as_form = {name: _as_text(schema) for name, schema in _in_fields(in_body)}
    return {
        "required": bool(required),
        "content": {
            media_type: {
                "schema": {
                    "type": "object",
                    "properties": fields,
                    "required": required,
                    "additionalProperties": False,
                },
                "examples": operation.examples,
            }
            for media_type, fields in ((JSON, in_body), (FORM, as_form))
        },
    }


def _in_fields(properties: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the name and schema of each form field.

    For an argument that is an object, yield a field for each key, such as `sender_name` for `name` in `sender`.
    """
    for name, schema in properties.items():
        fields = [option["properties"] for option in schema.get("anyOf", ()) if "properties" in option]
        if fields:
            yield from ((f"{name}_{field}", of) for field, of in fields[0].items())
        else:
            yield name, schema


def _in_path(operation: Operation) -> set[str]:
    return set(re.findall(r"{(\w+)}", operation.path))


def _as_text(schema: Schema) -> Schema:
    """Return the schema of an argument in a form or query string, where null does not exist and booleans are text."""
    schema = dict(schema)
    options = [option for option in schema.pop("anyOf", ()) if option != {"type": "null"}]
    if BOOLEAN in options:
        return {name: value for name, value in schema.items() if name != "default"} | BOOLEAN_AS_TEXT
    if schema.get("default", "") is None:
        schema.pop("default")
    return schema | ({"anyOf": options} if options else {})


def _answer(returned: Returned, schemas: Schemas) -> dict[str, Any]:
    content = {
        media_type: {"schema": schemas[body] if isinstance(body, TypeAdapter) else body}
        for media_type, body in returned.content.items()
    }
    headers = {name: {"schema": schema} for name, schema in returned.headers.items()}
    links = {"links": returned.links} if returned.links else {}
    return {"description": returned.description, **links, "headers": headers, "content": content}


def _schemas(operations: Sequence[Operation]) -> tuple[Schemas, dict[str, Schema]]:
    returned = (answer for operation in operations for answer in operation.returns.values())
    adapters = {body for answer in returned for body in answer.content.values() if isinstance(body, TypeAdapter)}
    inputs: list[tuple[TypeAdapter[Any], JsonSchemaMode, TypeAdapter[Any]]]
    inputs = [(adapter, "serialization", adapter) for adapter in adapters]
    schemas, shared = TypeAdapter.json_schemas(inputs, ref_template="#/components/schemas/{model}")
    return {key: schema for (key, _), schema in schemas.items()}, shared.get("$defs", {})


def _refusals() -> dict[str, Any]:
    """Return the OpenAPI definitions of the error responses, one for each HTTP status.

    The description of a response lists all error codes that are sent with its status.
    """
    codes: dict[int, list[str]] = {}
    for error in tree():
        codes.setdefault(error.status, [])
        if error.code not in codes[error.status]:
            codes[error.status].append(error.code)
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        _name(status): {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(names)}",
            "content": {problems.MEDIA_TYPE: {"schema": schema}},
        }
        for status, names in sorted(codes.items())
    }


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "")


def _problem() -> Schema:
    fields = {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string", "description": "The reason phrase of the HTTP status"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Identifies the error for programs", "examples": ["invalid_domain"]},
        "detail": {"type": "string", "description": "Tells people what is wrong and what to do"},
    }
    return {
        "type": "object",
        "title": "Problem",
        "description": "The body of every error response: an RFC 9457 problem document with a code.",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
