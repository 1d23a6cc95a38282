"""Schemas as MCP clients get them with every conversation: all that a caller needs, in few tokens."""

from __future__ import annotations

from typing import Any, cast

Schema = dict[str, Any]

_LENGTHS = {"minLength", "maxLength"}
"""Of texts: they are checked, and a caller learns of them when it matters."""
_UNLISTED = frozenset(
    (
        *("step", "message", "done", "total", "links", "estimate", "version", "versions"),
        *("kind", "counts", "score", "faults"),
    )
)
"""Of reports: what a reader of answers understands when it comes."""


def short_input(schema: Schema) -> Schema:
    """What may be left out need not be said to be null, and an object is described where it is taken."""
    definitions = schema.get("$defs", {})
    properties = {name: _given(value, definitions) for name, value in schema.get("properties", {}).items()}
    short = schema | {"properties": properties}
    return {name: value for name, value in short.items() if name != "$defs"}


def short_output(schema: Schema) -> Schema:
    """The fields by which to go on, and of what type; the resources octave://schema/... describe all."""
    fields = {name: value for name, value in schema["properties"].items() if name not in _UNLISTED}
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


def _given(schema: Schema, definitions: Schema) -> Schema:
    said = {name: value for name, value in schema.items() if name not in _LENGTHS}
    kinds = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(kinds) != 1:
        return said
    kept = {name: value for name, value in said.items() if name not in {"anyOf", "default"}}
    return kept | (_object(definitions, kinds[0]["$ref"]) if "$ref" in kinds[0] else _given(kinds[0], definitions))


def _object(definitions: Schema, reference: str) -> Schema:
    """Its fields and their types."""
    found = definitions[reference.rpartition("/")[2]]
    fields = {name: {"type": _types(field, definitions)} for name, field in found["properties"].items()}
    return {"type": "object", "properties": fields, "additionalProperties": False}
