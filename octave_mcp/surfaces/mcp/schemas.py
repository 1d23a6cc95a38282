"""Shorten the JSON Schemas of tools, because clients put them into every conversation, where each token costs money."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, cast

Schema = dict[str, Any]

LENGTHS = frozenset({"minLength", "maxLength"})
# Leave these keywords out of input schemas. The server still enforces the limits, and its errors state them.
LIMITS = LENGTHS | {"minimum", "maximum", "exclusiveMinimum"}
# Leave these fields out of output schemas to save tokens. A model that reads a report understands these fields from
# their names.
_UNLISTED = frozenset(
    (
        *("step", "message", "done", "total", "links", "estimate", "version", "versions", "revision"),
        *("kind", "counts", "score", "faults"),
    )
)
# Leave these fields also out of the output schemas of tools that change a given run. The output schema of get_run lists
# them.
_READ_LATER = {"session_id", "error", "overview", "files", "section", "markdown", "cursor"}


def short_input(schema: Schema, unlisted: Container[str] = (), dropped: Container[str] = LIMITS) -> Schema:
    """Return the schema of a tool's arguments, but leave out the arguments in `unlisted` and the keywords in `dropped`.

    If an argument is optional, its schema lists neither null nor the default. Each reference is replaced with its
    definition.
    """
    definitions, arguments = schema.get("$defs", {}), schema.get("properties", {})
    properties = {
        name: _argument(value, definitions, dropped) for name, value in arguments.items() if name not in unlisted
    }
    short = schema | {"properties": properties}
    return {name: value for name, value in short.items() if name != "$defs"}


def short_output(schema: Schema, *, changes_run: bool) -> Schema:
    """Return a short schema of a tool's result: only the fields that a model needs for its next call, with their types.

    The resources octave://schema/... have the complete schemas.
    """
    unlisted = _UNLISTED | _READ_LATER if changes_run else _UNLISTED
    fields = {name: value for name, value in schema["properties"].items() if name not in unlisted}
    properties = {name: {"type": _types(value, schema.get("$defs", {}))} for name, value in fields.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": [n for n in schema.get("required", []) if n in fields],
    }


def _types(schema: Schema, definitions: Schema) -> str | list[str]:
    variants = cast("list[Schema]", schema.get("anyOf", [schema]))
    # Do not let FastMCP resolve the references, because it would load an HTTP client when the server starts.
    types = [str((_resolved(definitions, item["$ref"]) if "$ref" in item else item)["type"]) for item in variants]
    return types[0] if len(types) == 1 else types


def _argument(schema: Schema, definitions: Schema, dropped: Container[str]) -> Schema:
    shortened = {name: value for name, value in schema.items() if name not in dropped}
    variants = [variant for variant in schema.get("anyOf", []) if variant.get("type") != "null"]
    if len(variants) != 1:
        return shortened
    shortened = {name: value for name, value in shortened.items() if name not in {"anyOf", "default"}}
    variant = variants[0]
    is_object = "$ref" in variant
    return shortened | (
        _object(definitions, variant["$ref"]) if is_object else _argument(variant, definitions, dropped)
    )


def _resolved(definitions: Schema, reference: str) -> Schema:
    return definitions[reference.rpartition("/")[2]]


def _object(definitions: Schema, reference: str) -> Schema:
    properties = _resolved(definitions, reference)["properties"]
    fields = {name: {"type": _types(field, definitions)} for name, field in properties.items()}
    return {"type": "object", "properties": fields, "additionalProperties": False}
