"""Decodes the text of an answer into a value of the form asked for.

Checks what a provider does not enforce. Keeps the valid parts of a broken answer, and names the rest.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from octave_mcp.domain.value import Value
from octave_mcp.errors import BadAnswer

MOST_COMPLAINTS = 10
MOST_REPAIRS = 40
"""How many rounds of invalid parts are removed: removing some may uncover errors that they had hidden."""

CUT_OFF = "it was cut off at the limit of its length: give fewer and shorter entries"
_BROKEN = "it is no complete JSON object"

_FENCED = re.compile(r"^\s*```(?:json)?\s*(?P<inside>.*?)\s*(?:^\s*```|\Z)", re.DOTALL | re.MULTILINE)
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
            return Decoded(form.model_validate(tree), _joined(wrong))
        except ValidationError as failed:
            errors = failed.errors(include_url=False, include_context=False, include_input=False)
        complaints = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in errors]
        if not (cut_off or wrong[:1] == [_BROKEN]):
            wrong += [complaint for complaint in complaints if complaint not in wrong]
        if not _repaired(tree, errors):
            raise BadAnswer(f"the answer is not of the form asked for: {_joined(wrong or complaints)}")
    raise BadAnswer(f"the answer is not of the form asked for: {_joined(wrong)}")


def _joined(wrong: list[str]) -> str:
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
