"""Builds strict JSON schemas, which providers can enforce, from the types of answers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from octave_mcp.domain.evidence import UNASKED, Support
from octave_mcp.domain.value import Value

Schema = dict[str, Any]

# Size of the caches for schemas and patch types. There are more answer types than prompts, because each combination of
# entries in a patch has its own type.
FORMS = 256

# Some providers ignore or reject these keywords, so they are removed. Our own validation enforces the limits.
_UNENFORCED = (
    "title default format pattern minLength maxLength minItems maxItems "
    "minimum maximum exclusiveMinimum exclusiveMaximum"
).split()
# Some providers do not enforce these keywords, either. If an answer type needs one of them, `schema_of` raises an
# error, because a schema without the keyword would allow invalid answers.
_UNSAFE = ("oneOf", "discriminator", "prefixItems", "uniqueItems", "allOf")
_TYPED = {"type", "$ref", "anyOf", "enum"}


@lru_cache(maxsize=FORMS)
def schema_of(form: type[Value]) -> Schema:
    """Return a schema that providers can enforce: every field is required, and no other fields are allowed.

    Raises:
        TypeError: If the type needs a keyword that providers reject or silently ignore.
    """
    root = form.model_json_schema()
    root.get("$defs", {}).pop(Support.__name__, None)
    bad = [
        *(problem for name, part in root.get("$defs", {}).items() for problem in _closed(part, name)),
        *_closed(root, form.__name__),
    ]
    if bad or root.get("type") != "object":
        raise TypeError(f"not safe as a strict schema: {'; '.join(bad) or 'its root is no object'}")
    return root


def schema_name(form: type[Value]) -> str:
    return form.__name__.partition("[")[0]


def _closed(part: Schema, path: str) -> Iterator[str]:
    """Change the schema in place so that it forbids unknown fields.

    Yield a description of each part of the schema that providers cannot enforce.
    """
    for key in _UNENFORCED:
        part.pop(key, None)
    part.get("properties", {}).pop(UNASKED, None)
    if "const" in part:
        part["enum"] = [part.pop("const")]
    yield from (f"{path}: {key}" for key in _UNSAFE if key in part)
    if "$ref" in part and len(part) > 1:
        yield f"{path}: $ref with siblings"
    if not part.keys() & _TYPED:
        yield f"{path}: untyped"
    if part.get("type") == "object":
        if "properties" not in part or part.get("additionalProperties"):
            yield f"{path}: open object"
        part.update(additionalProperties=False, required=list(part.get("properties", {})))
    for name, inner in _within(part):
        yield from _closed(inner, f"{path}{name}")


def _within(part: Schema) -> Iterator[tuple[str, Schema]]:
    yield from ((f".{name}", inner) for name, inner in part.get("properties", {}).items())
    yield from (("", inner) for inner in part.get("anyOf", ()))
    if isinstance(part.get("items"), dict):
        yield "[]", part["items"]
