"""The form of an answer as a short JSON schema, for a client whose model reads it as text and pays for each token."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from octave_mcp.asks.schema import FORMS, Schema, schema_of
from octave_mcp.domain.value import Value

# Characters: a shorter schema is not worth a definition of its own.
LEAST_SHARED = 40
# Every object is closed and every field required: the question says so in a sentence.
_SAID_ELSEWHERE = ("description", "additionalProperties", "required")
_OF_CITES = "_Cite_"


@lru_cache(maxsize=FORMS)
def compact_schema_of(form: type[Value]) -> Schema:
    """What `schema_of` says, in about half the characters; what several fields share is defined once."""
    return {"type": "object", **_shared(_short(schema_of(form)))}


def _short(part: Schema) -> Schema:
    """Without what the question says in a sentence; names of definitions without the type of their evidence."""
    kept = {name: value for name, value in part.items() if name not in _SAID_ELSEWHERE}
    for name in ("$defs", "properties"):
        if name in kept:
            kept[name] = {field.replace(_OF_CITES, ""): _short(inner) for field, inner in kept[name].items()}
    if "$ref" in kept:
        kept["$ref"] = kept["$ref"].replace(_OF_CITES, "")
    if "items" in kept:
        kept["items"] = _short(kept["items"])
    if "anyOf" in kept:
        return _either([_short(inner) for inner in kept["anyOf"]])
    if kept.keys() & {"enum", "properties"}:
        kept.pop("type", None)
    return kept


def _either(parts: list[Schema]) -> Schema:
    types = [part["type"] for part in parts if part.keys() == {"type"}]
    return {"type": types} if len(types) == len(parts) else {"anyOf": parts}


def _shared(schema: Schema) -> Schema:
    """With definitions for what stands in several places, named after the first field that has it."""
    fields = list(_fields(schema))
    counts = Counter(json.dumps(field) for _, field in fields)
    names: dict[str, str] = {}
    for name, field in fields:
        text = json.dumps(field)
        if counts[text] > 1 and len(text) >= LEAST_SHARED and text not in names:
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
    return (found for holder in _objects(schema) for found in holder["properties"].items())


def _objects(schema: Schema) -> Iterator[Schema]:
    """The objects of a schema that have fields: the answer itself, and its parts."""
    return (part for part in (schema, *schema.get("$defs", {}).values()) if "properties" in part)
