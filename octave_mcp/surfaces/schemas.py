"""Schemas as MCP clients get them with every conversation: all that a caller needs, in few tokens."""

from __future__ import annotations

from typing import Any, cast

from fastmcp.utilities.json_schema import dereference_refs

Schema = dict[str, Any]

OPEN = {"latest", "overview"}
"""Described in full by the resource octave://schema/report: a reader of the list needs to know that they are there."""

_OF_INPUT = {"default"}
_OF_OUTPUT = {"additionalProperties", "default", "description"}


def short_input(schema: Schema) -> Schema:
    """What may be left out need not be said to be null."""
    return _without_nulls(dereference_refs(schema))


def short_output(schema: Schema) -> Schema:
    """Without what a reader of answers has no use for; what is described in full elsewhere is an object here."""
    return _short(dereference_refs(schema))


def _short(schema: Schema) -> Schema:
    found = {name: value for name, value in schema.items() if name not in _OF_OUTPUT}
    if properties := cast("dict[str, Schema]", schema.get("properties", {})):
        found["properties"] = {name: _property(name, value) for name, value in properties.items()}
    if isinstance(items := schema.get("items"), dict):
        found["items"] = _short(cast("Schema", items))
    return found


def _property(name: str, schema: Schema) -> Schema:
    if not (either := cast("list[Schema]", schema.get("anyOf", []))):
        return _short(schema)
    (kind,) = (one for one in either if one.get("type") != "null")
    if name in OPEN:
        return {"type": ["object", "null"]}
    return _short(kind) | {"type": [kind["type"], "null"]}


def _without_nulls(schema: Schema) -> Schema:
    return schema | {"properties": {name: _given(value) for name, value in schema.get("properties", {}).items()}}


def _given(schema: Schema) -> Schema:
    kinds = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(kinds) != 1:
        return schema
    return {name: value for name, value in schema.items() if name not in {"anyOf", *_OF_INPUT}} | kinds[0]
