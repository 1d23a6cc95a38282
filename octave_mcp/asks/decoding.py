"""Decodes the text of a model's answer. If the answer is broken, its valid parts are kept.

Providers enforce only part of a schema, and some servers ignore the schema, so this module validates the whole answer.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple, cast, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from octave_mcp.asks.thoughts import Answers, answers
from octave_mcp.domain.asks import Fault, Unread
from octave_mcp.domain.value import Path, Value, place_before
from octave_mcp.errors import BadAnswer

MAX_COMPLAINTS = 10
# After each repair, the answer is validated again, because a repair can uncover further invalid parts.
MAX_REPAIRS = 40

# Only this many JSON objects at the end of the text are tried, because models write drafts before the answer.
MAX_CANDIDATES = 20

CUT_OFF = "it was cut off at the limit of its length: give fewer and shorter entries"
_BROKEN = "it is no complete JSON object"
_ONLY_THOUGHTS = "the answer contains only thoughts: give the JSON object after them, and think less"

# Matches names of fields that contain the model's thoughts, in answers such as {"reasoning": {...}, "answer": {...}}.
_THOUGHTS = re.compile(r"think|thought|reason|analysis|draft|reflect", re.IGNORECASE)

# Matches closing braces. Whole strings are matched too, so that a brace inside a string is not mistaken for a closing
# brace. A cut-off object is decoded only up to its last closing brace, because a number after that brace may be
# incomplete: 12 can be the start of 1200.
_CLOSING = re.compile(r'"(?:\\.|[^"\\])*"?|\}', re.DOTALL)


MAX_QUOTED_LENGTH = 400


class Decoded(NamedTuple):
    """A decoded answer.

    `wrong`: the text that tells the model what is wrong with its answer, or '' if nothing is wrong. `unread`: the
    entries that could not be decoded, and are therefore missing or None in `value`.
    """

    value: Any
    wrong: str
    fault: Fault = ""
    unread: tuple[Unread, ...] = ()


class _Candidate(NamedTuple):
    """A JSON object that may be the answer.

    `wrong`: what is wrong with the object's JSON, or '' if nothing is wrong.
    """

    tree: dict[str, Any]
    wrong: str = ""

    def likeness(self, form: type[Value]) -> int:
        """Return 2 if the object has all fields of `form`, 1 if it has some of them, and 0 if it has none.

        A broken object with some of the fields also gets 2, because its missing part may contain the other fields.
        """
        known = form.model_fields.keys() & self.tree.keys()
        return 2 if known and (self.wrong or len(known) == len(form.model_fields)) else min(1, len(known))


def decoded(text: str, form: type[Value], *, cut_off: bool = False, has_thoughts: bool = False) -> Decoded:
    """Return the last JSON object that fits the type `form` and is not part of the model's thoughts.

    Invalid items and the unfinished end of a cut-off answer are left out. `has_thoughts`: whether the provider sent the
    model's thoughts separately from the text.

    Raises:
        BadAnswer: If no part of the answer is usable. The message tells the model what is wrong.
    """
    text = text.strip()
    if not text:
        raise _empty(cut_off=cut_off, has_thoughts=has_thoughts)
    scan = answers(text, cut_off=cut_off)
    if scan.only_thoughts:
        raise BadAnswer(_ONLY_THOUGHTS, fault="thoughts")
    breaks_off = cut_off or scan.breaks_off
    failed: BadAnswer | None = None
    for tree, wrong in _candidates(text, scan, form):
        try:
            return _fitted(tree, form, CUT_OFF if cut_off else wrong, "cut_off" if cut_off or wrong else "")
        except BadAnswer as bad:
            failed = failed or bad
    if failed is None:
        reason = "the answer cannot be read" if "{" in text else "the answer is words"
        failed = BadAnswer(f"{reason}: {_BROKEN}")
    failed.fault = "cut_off" if breaks_off else "unreadable"
    raise failed


def _empty(*, cut_off: bool, has_thoughts: bool) -> BadAnswer:
    if has_thoughts:
        return BadAnswer(_ONLY_THOUGHTS, fault="thoughts")
    if cut_off:
        return BadAnswer(f"the answer is empty: {CUT_OFF}", fault="cut_off")
    return BadAnswer("the answer is empty", fault="empty")


def _candidates(text: str, scan: Answers, form: type[Value]) -> list[_Candidate]:
    """Return the objects that may be the answer, the most likely one first.

    Among equally likely objects, the last one in the text comes first.
    """
    candidates = [
        (start, _Candidate(tree))
        for start, value in scan.objects[-MAX_CANDIDATES:]
        for tree in (value, *_wrapped(value, form))
    ]
    partial = _partial(text, scan.broken) if scan.broken >= 0 else None
    if partial:
        candidates.append((scan.broken, _Candidate(partial, _BROKEN)))
    candidates.sort(key=lambda placed: (placed[1].likeness(form), placed[0]), reverse=True)
    # If there is a broken object, skip objects that have none of the fields of `form`. The error then describes the
    # broken object.
    min_likeness = 1 if scan.broken >= 0 else 0
    return [candidate for _, candidate in candidates if candidate.likeness(form) >= min_likeness]


def _wrapped(tree: dict[str, Any], form: type[Value]) -> list[dict[str, Any]]:
    """Return the objects inside a wrapper object such as {"thinking": "...", "answer": {...}}, in reverse order."""
    if form.model_fields.keys() & tree.keys():
        return []
    return [inner for name, inner in reversed(tree.items()) if isinstance(inner, dict) and not _THOUGHTS.search(name)]


def _partial(text: str, start: int) -> dict[str, Any] | None:
    ends = [match.end() for match in _CLOSING.finditer(text, start) if match[0] == "}"]
    try:
        tree: object = from_json(text[start : ends[-1]] if ends else "", allow_partial=True)
    except ValueError:
        return None
    return cast("dict[str, Any]", tree) if isinstance(tree, dict) else None


def _fitted(tree: dict[str, Any], form: type[Value], wrong: str, fault: Fault) -> Decoded:
    """Validate the decoded JSON against the type `form`, and remove invalid parts until the rest is valid.

    Raises:
        BadAnswer: If too little of the answer is left.
    """
    reasons, unread = [wrong] if wrong else [], dict[Path, Unread]()
    for _ in range(MAX_REPAIRS):
        try:
            return Decoded(form.model_validate(tree), _joined(reasons), fault, tuple(unread.values()))
        except ValidationError as failed:
            errors = failed.errors(include_url=False, include_context=False, include_input=False)
        if _takes_texts(tree, errors):
            continue
        complaints = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in errors]
        # A cut-off answer can be invalid only because its end is missing, so do not list what is invalid.
        if not wrong:
            reasons += [complaint for complaint in complaints if complaint not in reasons]
        places = [_item(tree, error["loc"]) or _removable(tree, error, form) for error in errors]
        _add_unread(tree, errors, places, unread)
        if not _repaired(tree, errors, places, form):
            raise BadAnswer(f"the answer is not of the form asked for: {_joined(reasons or complaints)}")
    raise BadAnswer(f"the answer is not of the form asked for: {_joined(reasons)}")


def _joined(wrong: list[str]) -> str:
    return "; ".join(wrong[:MAX_COMPLAINTS])


def _add_unread(tree: object, errors: list[ErrorDetails], places: list[Path], unread: dict[Path, Unread]) -> None:
    """Add each invalid entry to `unread`, with its path in the original answer as the key."""
    known = [*unread]
    for error, at in zip(errors, places, strict=True):
        # Earlier repairs can have removed items, so later items of the same list now have lower indexes than in the
        # original answer.
        place, text = place_before(at, known), json.dumps(_at(tree, at), ensure_ascii=False)[:MAX_QUOTED_LENGTH]
        within = ".".join(map(str, error["loc"][len(at) :]))
        wrong = f"{within}: {error['msg']}" if within else error["msg"]
        for inner in [inner for inner in known if len(inner) > len(place) and inner[: len(place)] == place]:
            unread.pop(inner, None)
        first = unread.get(place)
        if first is None:
            unread[place] = Unread(at=place, wrong=wrong, said=text, is_extra=error["type"] == "extra_forbidden")
        elif wrong not in first.wrong:
            unread[place] = first.model_copy(update={"wrong": f"{first.wrong}; {wrong}"})


def _removable(tree: object, error: ErrorDetails, form: type[Value]) -> Path:
    """Return the path of the invalid field, or of the optional top-level field that contains it.

    The error is not inside a list item.
    """
    at = error["loc"]
    return at if _is_field(tree, error) or not _may_be_nothing(form, at) else at[:1]


def _is_field(tree: object, error: ErrorDetails) -> bool:
    """Return whether the error is about a missing field, an unknown field, or a placeholder for a missing field."""
    is_known = error["type"] in {"extra_forbidden", "missing"} or _was_missing(tree, error)
    return is_known and isinstance(_at(tree, error["loc"][:-1]), dict)


def _was_missing(tree: object, error: ErrorDetails) -> bool:
    """Return whether the invalid value is only a placeholder that `_patched` inserted for a missing field."""
    given = _at(tree, error["loc"])
    return given == [] or (given is None and error["type"] == "string_type")


def _may_be_nothing(form: type[Value], at: Path) -> bool:
    field = form.model_fields.get(str(at[0])) if at else None
    return field is not None and type(None) in get_args(field.annotation)


def _repaired(tree: dict[str, Any], errors: list[ErrorDetails], places: list[Path], form: type[Value]) -> bool:
    """Remove invalid list items and fields, and add placeholders for missing fields.

    Return False if nothing is left of the answer.
    """
    items = {place for place in places if place and isinstance(place[-1], int)}
    for place in sorted(items, key=_order, reverse=True):
        parent = _at(tree, place[:-1])
        cast("list[object]", parent).pop(cast("int", place[-1]))
    patched = [_patched(tree, error, at, form) for error, at in zip(errors, places, strict=True) if not items]
    return all(patched)


def _order(place: tuple[int | str, ...]) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in place]


def _item(tree: object, place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return the path of the innermost list item around the part at `place`, or () if the part is not in a list."""
    paths = (place[:length] for length in range(len(place), 0, -1))
    return next((path for path in paths if isinstance(path[-1], int) and isinstance(_at(tree, path[:-1]), list)), ())


def _patched(tree: dict[str, Any], error: ErrorDetails, at: Path, form: type[Value]) -> bool:
    if not _is_field(tree, error):
        if _may_be_nothing(form, at):
            tree[str(at[0])] = None
        return _may_be_nothing(form, at) and ("fix_1" in tree or any(part is not None for part in tree.values()))
    parent = cast("dict[object, object]", _at(tree, at[:-1]))
    # pydantic's error does not contain the type of a missing field, so each repair tries the next placeholder: [], then
    # null, then ''.
    if at[-1] in parent and parent[at[-1]] in ([], None):
        parent[at[-1]] = None if parent[at[-1]] == [] else ""
    elif error["type"] == "extra_forbidden":
        parent.pop(at[-1], None)
    else:
        parent[at[-1]] = []
    return True


def _takes_texts(tree: object, errors: list[ErrorDetails]) -> bool:
    """Replace sentence objects with their text where the answer type requires a string.

    Return whether anything changed.
    """
    places = [error["loc"] for error in errors if error["type"] == "string_type"]
    texts = [(at, text) for at in places if (text := _sentences_text(_at(tree, at)))]
    for at, text in texts:
        cast("Any", _at(tree, at[:-1]))[at[-1]] = text
    return bool(texts)


def _sentences_text(value: object) -> str:
    """Return the text of a sentence object or of a list of sentence objects, or '' for anything else."""
    parts = cast("list[object]", value) if isinstance(value, list) else [value]
    texts = [cast("dict[str, object]", part).get("text") if isinstance(part, dict) else None for part in parts]
    return " ".join(cast("list[str]", texts)) if all(isinstance(text, str) for text in texts) else ""


def _at(tree: object, place: tuple[int | str, ...]) -> object:
    for step in place:
        if isinstance(tree, list) and isinstance(step, int):
            tree = cast("list[object]", tree)[step] if step < len(cast("list[object]", tree)) else None
        elif isinstance(tree, dict):
            tree = cast("dict[object, object]", tree).get(step)
        else:
            return None
    return tree
