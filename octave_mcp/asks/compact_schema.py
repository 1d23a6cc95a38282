"""Shortens JSON schemas for connected clients, whose models read the schema as text and pay for each token."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from octave_mcp.asks.schema import FORMS, Schema, schema_of
from octave_mcp.domain.value import Value

# In characters. If a repeated schema is shorter than this, it stays inline, because a definition and its references
# would save little or nothing.
MIN_SHARED_LENGTH = 40
# The compact schema omits these keywords to save tokens. The question's text says that every field is required, and
# `decoding` removes fields that are not allowed.
_OMITTED = ("description", "additionalProperties", "required")
# pydantic adds the type of the citations to the name of a definition ('Finding_Cite_'). Remove the suffix '_Cite_',
# because it is the same in all answer types.
_OF_CITES = "_Cite_"


@lru_cache(maxsize=FORMS)
def compact_schema_of(form: type[Value]) -> Schema:
    """Return a compact JSON schema of an answer type.

    The schema is about half as long as the result of `schema_of`. If several fields share a type, the type is defined
    only once.
    """
    return {"type": "object", **_shared(_short(schema_of(form)))}


def _short(part: Schema) -> Schema:
    short = {name: value for name, value in part.items() if name not in _OMITTED}
    for name in ("$defs", "properties"):
        if name in short:
            short[name] = {field.replace(_OF_CITES, ""): _short(inner) for field, inner in short[name].items()}
    if "$ref" in short:
        short["$ref"] = short["$ref"].replace(_OF_CITES, "")
    if "items" in short:
        short["items"] = _short(short["items"])
    if "anyOf" in short:
        return _either([_short(inner) for inner in short["anyOf"]])
    if short.keys() & {"enum", "properties"}:
        short.pop("type", None)
    return short


def _either(parts: list[Schema]) -> Schema:
    types = [part["type"] for part in parts if part.keys() == {"type"}]
    return {"type": types} if len(types) == len(parts) else {"anyOf": parts}


def _shared(schema: Schema) -> Schema:
    """Move repeated schemas into definitions. Each definition gets the name of the first field that has the schema."""
    fields = list(_fields(schema))
    counts = Counter(json.dumps(field) for _, field in fields)
    names: dict[str, str] = {}
    for name, field in fields:
        text = json.dumps(field)
        if counts[text] > 1 and len(text) >= MIN_SHARED_LENGTH and text not in names:
            taken = {*schema.get("$defs", {}), *names.values()}
            names[text] = next(free for at in range(len(fields)) if (free := f"{name}{at or ''}") not in taken)
    for holder in _objects(schema):
        properties = holder["properties"]
        for name, field in properties.items():
            if shared := names.get(json.dumps(field)):
                properties[name] = {"$ref": f"#/$defs/{shared}"}
    definitions = {**schema.get("$defs", {}), **{name: json.loads(text) for text, name in names.items()}}
    return {**schema, "$defs": definitions} if definitions else schema


def _fields(schema: Schema) -> Iterator[tuple[str, Schema]]:
    return (field for holder in _objects(schema) for field in holder["properties"].items())


def _objects(schema: Schema) -> Iterator[Schema]:
    return (part for part in (schema, *schema.get("$defs", {}).values()) if "properties" in part)
