"""The form of an answer as a strict JSON schema, and an answer's text as a value of that form.

What a provider does not enforce is checked here; what can be saved of a broken answer is saved, and the rest named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from octave_mcp.domain.value import Value
from octave_mcp.errors import BadAnswer

A = TypeVar("A", bound=Value)
Schema = dict[str, Any]

MOST_COMPLAINTS = 10
MOST_REPAIRS = 40
"""Rounds of leaving out what is wrong, each of which may bring up what was hidden by it."""

_UNENFORCED = (
    "title default format pattern minLength maxLength minItems maxItems "
    "minimum maximum exclusiveMinimum exclusiveMaximum"
).split()
_UNSAFE = ("oneOf", "discriminator", "prefixItems", "uniqueItems", "allOf")
_TYPED = {"type", "$ref", "anyOf", "enum"}
_FENCED = re.compile(r"^\s*```(?:json)?\s*(?P<inside>.*?)\s*(?:^\s*```|\Z)", re.DOTALL | re.MULTILINE)


@cache
def schema_of(form: type[Value]) -> Schema:
    """The JSON schema that providers can enforce: every object closed, every field required.

    Raises:
        TypeError: the form has something that they cannot, or that they quietly drop.
    """
    root = form.model_json_schema()
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
    """Closes the schema, and those in it; what no provider can enforce."""
    for key in _UNENFORCED:
        part.pop(key, None)
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


_CLOSING = re.compile(r'"(?:\\.|[^"\\])*(?:"|\Z)|\}', re.DOTALL)
"""Strings, and the ends of objects outside of them: behind the last of these a figure may be half of one."""


class Decoded(NamedTuple):
    """The value, and what was wrong with the text it was read from, in words for who wrote it; '' for nothing."""

    value: Any
    wrong: str


def decoded(text: str, form: type[Value], *, cut_off: bool = False) -> Decoded:
    """The answer. Items that break the form are left out of it, and so is what a cut-off answer did not finish.

    Raises:
        BadAnswer: nothing of it can be used; its text says why.
    """
    if not text.strip():
        raise BadAnswer("the answer is empty")
    tree, wrong = _parsed(text)
    if cut_off:
        wrong = [CUT_OFF]
    for _ in range(MOST_REPAIRS):
        try:
            return Decoded(form.model_validate(tree), _told(wrong))
        except ValidationError as failed:
            errors = failed.errors(include_url=False, include_context=False, include_input=False)
        told = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in errors]
        if not (cut_off or wrong[:1] == [_BROKEN]):
            wrong += [complaint for complaint in told if complaint not in wrong]
        if not _repaired(tree, errors):
            raise BadAnswer(f"the answer is not of the form asked for: {_told(wrong or told)}")
    raise BadAnswer(f"the answer is not of the form asked for: {_told(wrong)}")


CUT_OFF = "it was cut off at the limit of its length: give fewer and shorter entries"
_BROKEN = "it is no complete JSON object"


def _told(wrong: list[str]) -> str:
    return "; ".join(wrong[:MOST_COMPLAINTS])


def _parsed(text: str) -> tuple[object, list[str]]:
    """What the text says as JSON, without fences and words around it; complete as far as it goes."""
    fenced = None if text.lstrip().startswith("{") else _FENCED.search(text)
    inside = fenced["inside"] if fenced else text
    start, end = inside.find("{"), inside.rfind("}")
    if start < 0:
        raise BadAnswer(f"the answer is words: {_BROKEN}")
    try:
        return from_json(inside[start : end + 1]), []
    except ValueError:
        pass
    whole = [match.end() for match in _CLOSING.finditer(inside, start) if match[0] == "}"]
    try:
        return from_json(inside[start : whole[-1] if whole else start], allow_partial=True), [_BROKEN]
    except ValueError:
        raise BadAnswer(f"the answer cannot be read: {_BROKEN}") from None


def _repaired(tree: object, errors: list[ErrorDetails]) -> bool:
    """Leaves out the items and fields that the errors are about; lists that are missing are empty ones.

    Whether that leaves an answer at all.
    """
    items = {place for error in errors if (place := _item(tree, error["loc"]))}
    for place in sorted(items, key=_order, reverse=True):
        parent = _at(tree, place[:-1])
        cast("list[object]", parent).pop(cast("int", place[-1]))
    return bool(items) or all(_patched(tree, error) for error in errors)


def _order(place: tuple[int | str, ...]) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in place]


def _item(tree: object, place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The innermost list item on the way to a place; () where there is none."""
    ways = (place[:length] for length in range(len(place), 0, -1))
    return next((way for way in ways if isinstance(way[-1], int) and isinstance(_at(tree, way[:-1]), list)), ())


def _patched(tree: object, error: ErrorDetails) -> bool:
    parent = _at(tree, error["loc"][:-1])
    if not isinstance(parent, dict):
        return False
    name, found = error["loc"][-1], cast("dict[object, object]", parent)
    if error["type"] == "extra_forbidden":
        return found.pop(name, found) is not found
    if error["type"] == "missing":
        found[name] = []
        return True
    return False


def _at(tree: object, place: tuple[int | str, ...]) -> object:
    for step in place:
        if isinstance(tree, list) and isinstance(step, int):
            tree = cast("list[object]", tree)[step] if step < len(cast("list[object]", tree)) else None
        elif isinstance(tree, dict):
            tree = cast("dict[object, object]", tree).get(step)
        else:
            return None
    return tree
