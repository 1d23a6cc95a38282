"""Schemas as MCP clients get them with every conversation: all that a caller needs, in few tokens."""

from __future__ import annotations

from typing import Any, cast

from fastmcp.utilities.json_schema import dereference_refs

Schema = dict[str, Any]

_LENGTHS = {"minLength", "maxLength"}
"""Of texts: they are checked, and a caller learns of them when it matters."""
_UNLISTED = {"step", "message", "done", "total", "links", "estimate"}
"""Of reports: what a reader of answers understands when it comes."""


def short_input(schema: Schema) -> Schema:
    """What may be left out need not be said to be null."""
    return _without_nulls(dereference_refs(schema) if "$defs" in schema else schema)


def short_output(schema: Schema) -> Schema:
    """The fields by which to go on, and of what type; the resources octave://schema/... describe all."""
    fields = {name: value for name, value in schema["properties"].items() if name not in _UNLISTED}
    properties = {name: {"type": _types(value, schema.get("$defs", {}))} for name, value in fields.items()}
    return {"type": "object", "properties": properties, "required": schema.get("required", [])}


def _types(schema: Schema, definitions: Schema) -> str | list[str]:
    """Of the definition where the schema refers to one: FastMCP's dereferencing would load an HTTP client at start."""
    kinds = cast("list[Schema]", schema.get("anyOf", [schema]))
    found = [str((definitions[kind["$ref"].rpartition("/")[2]] if "$ref" in kind else kind)["type"]) for kind in kinds]
    return found[0] if len(found) == 1 else found


def _without_nulls(schema: Schema) -> Schema:
    return schema | {"properties": {name: _given(value) for name, value in schema.get("properties", {}).items()}}


def _given(schema: Schema) -> Schema:
    said = {name: value for name, value in schema.items() if name not in _LENGTHS}
    kinds = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(kinds) != 1:
        return said
    kept = {name: value for name, value in said.items() if name not in {"anyOf", "default"}}
    return kept | _given(kinds[0])
