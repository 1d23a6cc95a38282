"""Schemas as MCP clients get them with every conversation: all that a caller needs, in few tokens."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, cast

Schema = dict[str, Any]

LENGTHS = frozenset({"minLength", "maxLength"})
# Of texts and numbers: they are checked, and a caller learns of them when it matters.
LIMITS = LENGTHS | {"minimum", "maximum", "exclusiveMinimum"}
# Of reports: what a reader of answers understands when it comes.
_UNLISTED = frozenset(
    (
        *("step", "message", "done", "total", "links", "estimate", "version", "versions", "revision"),
        *("kind", "counts", "score", "faults"),
    )
)
# Of reports in passing: get_run lists them.
_READ_LATER = {"session_id", "error", "overview", "files", "section", "markdown", "cursor"}


def short_input(schema: Schema, unlisted: Container[str] = (), unsaid: Container[str] = LIMITS) -> Schema:
    """What may be left out need not be said to be null, and an object is described where it is taken."""
    definitions, given = schema.get("$defs", {}), schema.get("properties", {})
    properties = {name: _given(value, definitions, unsaid) for name, value in given.items() if name not in unlisted}
    short = schema | {"properties": properties}
    return {name: value for name, value in short.items() if name != "$defs"}


def short_output(schema: Schema, *, in_passing: bool) -> Schema:
    """The fields by which to go on, and of what type; the resources octave://schema/... describe all."""
    unlisted = _UNLISTED | _READ_LATER if in_passing else _UNLISTED
    fields = {name: value for name, value in schema["properties"].items() if name not in unlisted}
    properties = {name: {"type": _types(value, schema.get("$defs", {}))} for name, value in fields.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": [n for n in schema.get("required", []) if n in fields],
    }


def _types(schema: Schema, definitions: Schema) -> str | list[str]:
    """Of the definition where the schema refers to one: FastMCP's dereferencing would load an HTTP client at start."""
    kinds = cast("list[Schema]", schema.get("anyOf", [schema]))
    found = [str((definitions[kind["$ref"].rpartition("/")[2]] if "$ref" in kind else kind)["type"]) for kind in kinds]
    return found[0] if len(found) == 1 else found


def _given(schema: Schema, definitions: Schema, unsaid: Container[str]) -> Schema:
    said = {name: value for name, value in schema.items() if name not in unsaid}
    kinds = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(kinds) != 1:
        return said
    kept = {name: value for name, value in said.items() if name not in {"anyOf", "default"}}
    is_object = "$ref" in kinds[0]
    return kept | (_object(definitions, kinds[0]["$ref"]) if is_object else _given(kinds[0], definitions, unsaid))


def _object(definitions: Schema, reference: str) -> Schema:
    """Its fields and their types."""
    found = definitions[reference.rpartition("/")[2]]
    fields = {name: {"type": _types(field, definitions)} for name, field in found["properties"].items()}
    return {"type": "object", "properties": fields, "additionalProperties": False}
