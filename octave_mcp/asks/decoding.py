"""Decodes the text of an answer into a value of the form asked for.

Checks what a provider does not enforce. Keeps the valid parts of a broken answer, and names the rest.
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
# How many rounds of invalid parts are removed: removing some may uncover errors that they had hidden.
MAX_REPAIRS = 40

# How many objects of an answer are tried: the last ones.
MAX_CANDIDATES = 20

CUT_OFF = "it was cut off at the limit of its length: give fewer and shorter entries"
_BROKEN = "it is no complete JSON object"
_ONLY_THOUGHTS = "the answer contains only thoughts: give the JSON object after them, and think less"

_THOUGHTS = re.compile(r"think|thought|reason|analysis|draft|reflect", re.IGNORECASE)

# Strings, and the ends of objects outside of them: behind the last of these a figure may be half of one.
_CLOSING = re.compile(r'"(?:\\.|[^"\\])*"?|\}', re.DOTALL)


# Characters of an entry that could not be read.
LONGEST_SHOWN = 400


class Decoded(NamedTuple):
    """The value, and what was wrong with the text it was read from, in words for who wrote it; '' for nothing.

    `unread` are the entries that are left out of the value, or are nothing in it.
    """

    value: Any
    wrong: str
    fault: Fault = ""
    unread: tuple[Unread, ...] = ()


class _Candidate(NamedTuple):
    """An object that may be the answer, and what is wrong with its JSON."""

    tree: dict[str, Any]
    wrong: str = ""

    def likeness(self, form: type[Value]) -> int:
        """2 if it has all fields of the form, or some and is cut off; 1 if it has some; 0 if none."""
        known = form.model_fields.keys() & self.tree.keys()
        return 2 if known and (self.wrong or len(known) == len(form.model_fields)) else min(1, len(known))


def decoded(text: str, form: type[Value], *, cut_off: bool = False, has_thoughts: bool = False) -> Decoded:
    """Return the last object of the form that is not part of the model's thoughts.

    Items that break the form are left out, and so is what a cut-off answer did not finish. `has_thoughts`: the provider
    sent the model's thoughts separately from the text.

    Raises:
        BadAnswer: nothing of it can be used; its text says why.
    """
    text = text.strip()
    if not text:
        raise _nothing(cut_off=cut_off, has_thoughts=has_thoughts)
    found = answers(text, cut_off=cut_off)
    if found.only_thoughts:
        raise BadAnswer(_ONLY_THOUGHTS, fault="thoughts")
    breaks_off = cut_off or found.breaks_off
    failed: BadAnswer | None = None
    for tree, wrong in _candidates(text, found, form):
        try:
            return _fitted(tree, form, CUT_OFF if cut_off else wrong, "cut_off" if cut_off or wrong else "")
        except BadAnswer as bad:
            failed = failed or bad
    if failed is None:
        told = "the answer cannot be read" if "{" in text else "the answer is words"
        failed = BadAnswer(f"{told}: {_BROKEN}")
    failed.fault = "cut_off" if breaks_off else "unreadable"
    raise failed


def _nothing(*, cut_off: bool, has_thoughts: bool) -> BadAnswer:
    if has_thoughts:
        return BadAnswer(_ONLY_THOUGHTS, fault="thoughts")
    if cut_off:
        return BadAnswer(f"the answer is empty: {CUT_OFF}", fault="cut_off")
    return BadAnswer("the answer is empty", fault="empty")


def _candidates(text: str, found: Answers, form: type[Value]) -> list[_Candidate]:
    """The objects that may be the answer, the likeliest first; of equals, the last one first."""
    every = [
        (start, _Candidate(tree))
        for start, value in found.found[-MAX_CANDIDATES:]
        for tree in (value, *_wrapped(value, form))
    ]
    partial = _partial(text, found.broken) if found.broken >= 0 else None
    if partial:
        every.append((found.broken, _Candidate(partial, _BROKEN)))
    every.sort(key=lambda placed: (placed[1].likeness(form), placed[0]), reverse=True)
    least = 1 if found.broken >= 0 else 0
    return [candidate for _, candidate in every if candidate.likeness(form) >= least]


def _wrapped(tree: dict[str, Any], form: type[Value]) -> list[dict[str, Any]]:
    """The objects in one that has no field of the form, the last one first: {"thinking": "...", "answer": {...}}."""
    if form.model_fields.keys() & tree.keys():
        return []
    return [inner for name, inner in reversed(tree.items()) if isinstance(inner, dict) and not _THOUGHTS.search(name)]


def _partial(text: str, start: int) -> dict[str, Any] | None:
    """The complete part of an unfinished object."""
    whole = [match.end() for match in _CLOSING.finditer(text, start) if match[0] == "}"]
    try:
        tree: object = from_json(text[start : whole[-1]] if whole else "", allow_partial=True)
    except ValueError:
        return None
    return cast("dict[str, Any]", tree) if isinstance(tree, dict) else None


def _fitted(tree: dict[str, Any], form: type[Value], wrong: str, fault: Fault) -> Decoded:
    """Raises: BadAnswer: too little of it is of the form."""
    told, unread = [wrong] if wrong else [], dict[Path, Unread]()
    for _ in range(MAX_REPAIRS):
        try:
            return Decoded(form.model_validate(tree), _joined(told), fault, tuple(unread.values()))
        except ValidationError as failed:
            errors = failed.errors(include_url=False, include_context=False, include_input=False)
        if _takes_texts(tree, errors):
            continue
        complaints = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in errors]
        if not wrong:
            told += [complaint for complaint in complaints if complaint not in told]
        places = [_item(tree, error["loc"]) or _left_out(tree, error, form) for error in errors]
        _note(tree, errors, places, unread)
        if not _repaired(tree, errors, places, form):
            raise BadAnswer(f"the answer is not of the form asked for: {_joined(told or complaints)}")
    raise BadAnswer(f"the answer is not of the form asked for: {_joined(told)}")


def _joined(wrong: list[str]) -> str:
    return "; ".join(wrong[:MAX_COMPLAINTS])


def _note(tree: object, errors: list[ErrorDetails], places: list[Path], unread: dict[Path, Unread]) -> None:
    """Adds what the errors are about, at the places of the answer as it was given."""
    known = [*unread]
    for error, at in zip(errors, places, strict=True):
        place, said = place_before(at, known), json.dumps(_at(tree, at), ensure_ascii=False)[:LONGEST_SHOWN]
        within = ".".join(map(str, error["loc"][len(at) :]))
        wrong = f"{within}: {error['msg']}" if within else error["msg"]
        for inner in [inner for inner in known if len(inner) > len(place) and inner[: len(place)] == place]:
            unread.pop(inner, None)
        first = unread.get(place)
        if first is None:
            unread[place] = Unread(at=place, wrong=wrong, said=said, is_extra=error["type"] == "extra_forbidden")
        elif wrong not in first.wrong:
            unread[place] = first.model_copy(update={"wrong": f"{first.wrong}; {wrong}"})


def _left_out(tree: object, error: ErrorDetails, form: type[Value]) -> Path:
    """What an error outside of lists is about: a field that can be left out, or the part of the answer that has it."""
    at = error["loc"]
    return at if _is_field(tree, error) or not _may_be_nothing(form, at) else at[:1]


def _is_field(tree: object, error: ErrorDetails) -> bool:
    """Whether it is about a field that is missing, that the form does not have, or that was taken for a list."""
    is_known = error["type"] in {"extra_forbidden", "missing"} or _was_missing(tree, error)
    return is_known and isinstance(_at(tree, error["loc"][:-1]), dict)


def _was_missing(tree: object, error: ErrorDetails) -> bool:
    """Whether an empty list was put there, or null where a text belongs."""
    given = _at(tree, error["loc"])
    return given == [] or (given is None and error["type"] == "string_type")


def _may_be_nothing(form: type[Value], at: Path) -> bool:
    field = form.model_fields.get(str(at[0])) if at else None
    return field is not None and type(None) in get_args(field.annotation)


def _repaired(tree: dict[str, Any], errors: list[ErrorDetails], places: list[Path], form: type[Value]) -> bool:
    """Leaves out the items and fields that the errors are about; lists that are missing are empty ones.

    Whether that leaves an answer at all.
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
    """The innermost list item on the way to a place; () where there is none."""
    ways = (place[:length] for length in range(len(place), 0, -1))
    return next((way for way in ways if isinstance(way[-1], int) and isinstance(_at(tree, way[:-1]), list)), ())


def _patched(tree: dict[str, Any], error: ErrorDetails, at: Path, form: type[Value]) -> bool:
    if not _is_field(tree, error):
        if _may_be_nothing(form, at):
            tree[str(at[0])] = None
        return _may_be_nothing(form, at) and ("fix_1" in tree or any(part is not None for part in tree.values()))
    found = cast("dict[object, object]", _at(tree, at[:-1]))
    if at[-1] in found and found[at[-1]] in ([], None):  # no list is missing, so null will do, or an empty text
        found[at[-1]] = None if found[at[-1]] == [] else ""
    elif error["type"] == "extra_forbidden":
        found.pop(at[-1], None)
    else:
        found[at[-1]] = []
    return True


def _takes_texts(tree: object, errors: list[ErrorDetails]) -> bool:
    """Puts the text of a sentence, or of a list of them, where a text alone belongs. Whether there was any."""
    places = [error["loc"] for error in errors if error["type"] == "string_type"]
    wanted = [(at, text) for at in places if (text := _sentences_text(_at(tree, at)))]
    for at, text in wanted:
        cast("Any", _at(tree, at[:-1]))[at[-1]] = text
    return bool(wanted)


def _sentences_text(value: object) -> str:
    """'' for what is no sentence, and no list of them."""
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
