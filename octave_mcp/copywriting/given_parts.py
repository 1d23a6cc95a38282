"""What a person gives for a part of a playbook, as text or as JSON, read as a value of that part's form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, cast, get_args, get_origin

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import from_json, to_jsonable_python

from octave_mcp.copywriting.readability import sentences
from octave_mcp.domain.evidence import Claim, EvidenceId
from octave_mcp.domain.parts import child
from octave_mcp.domain.playbook import SECTIONS, Playbook, Touch
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, part_at, path_text
from octave_mcp.errors import InputError

# The sections that say what a run found and did: there is no text in them to edit.
RECORDED = frozenset({"evidence", "pages", "failed_pages", "gaps", "flags", "own_text", "cost", "timings"})
# The fields that the checks fill in.
COMPUTED = frozenset({"score", "support", "evidence"})
# The fields by which other sections name a persona.
NAMES = frozenset({"id", "persona_id", "rank"})
# How many levels of a form an error shows.
DEEPEST = 4
MAX_COMPLAINTS = 3
EMAIL = "an e-mail: give it as 'Subject: ...', an empty line, and the body"
_EMAIL = re.compile(
    r"\s*+Subject:[ \t]*+(?P<subject>[^\r\n]*+)\r?\n[ \t]*+\r?\n(?P<body>.*\S.*)", re.IGNORECASE | re.DOTALL
)


class Given(NamedTuple):
    """What a person gives: a text, or JSON."""

    text: str | None = None
    content: JsonValue = None


def check_editable(playbook: Playbook, path: Path, name: str) -> None:
    """Raises: InputError: this part is not for people to write; the text says which is."""
    section, last = path[0], path[-1]
    if section in RECORDED:
        there = ", ".join(one for one in SECTIONS if one not in RECORDED)
        raise InputError(f"{section!r} says what the run found and did, and cannot be edited; choose one of {there}")
    if COMPUTED & {*path}:
        raise InputError(f"{name!r} is filled in by the checks; edit the text that it is about")
    if last in NAMES:
        raise InputError(f"{name!r} is the name by which other sections know the persona, and cannot be edited")
    if "sentences" in path and isinstance(part_at(playbook, path[: path.index("sentences")]), Touch):
        raise InputError(f"{name!r}: the sentences of an e-mail are those of its body; edit the body, or the e-mail")


def read(given: Given, playbook: Playbook, path: Path, name: str) -> object:
    """The new part, in the form of the one at this path.

    Raises:
        InputError: it does not have that form; the text shows the form.
    """
    if (given.text is None) == (given.content is None):
        raise InputError("give text or content: one of them")
    current, form = part_at(playbook, path), form_of(playbook, path)
    text = given.content if isinstance(given.content, str) else given.text
    if text is None:
        return _of_json(given.content, current, form, name)
    return _of_text(text, current, form, name)


def form_of(playbook: Playbook, path: Path) -> Any:  # noqa: ANN401 - a type
    """The type of the values allowed at a path; for a value that is there, its own type."""
    value: object = playbook
    form: Any = Playbook
    for step in path:
        fields = type(value).model_fields if isinstance(value, Value) else {}
        form = fields[step].annotation if isinstance(step, str) and fields else get_args(_bare(form))[0]
        value = child(value, step)
    return type(value) if isinstance(value, Value) else form


def _bare(form: Any) -> Any:  # noqa: ANN401 - a type
    """The type without what is said about it, and without None."""
    if get_origin(form) is Annotated:
        return _bare(get_args(form)[0])
    if get_origin(form) in {Union, UnionType}:
        kinds = [kind for kind in get_args(form) if kind is not NoneType]
        return _bare(kinds[0]) if len(kinds) == 1 else form
    return form


def _of_text(text: str, current: object, form: Any, name: str) -> object:  # noqa: ANN401 - a type
    bare = _bare(form)
    if bare is str:
        return text
    if bare is Touch:
        return _email(text, cast("Touch", current), name)
    if _is_a(bare, Sentence, Claim):
        return _sentence(bare, text)
    entry = _bare(get_args(bare)[0]) if get_origin(bare) is tuple else None
    if entry is str or _is_a(entry, Sentence):
        return tuple(_entries(text, entry))
    if entry is None and not _is_a(bare, Value):
        return _validated(text, form, name)
    return _of_json(_json(text, bare, name), current, form, name)


def _entries(text: str, entry: Any) -> Iterator[object]:  # noqa: ANN401 - a type
    """The lines of a list of texts, the sentences of a paragraph."""
    if entry is str:
        yield from (line for line in text.splitlines() if line.strip())
    else:
        yield from (_sentence(entry, one) for one in _paragraph(text))


def _json(text: str, form: Any, name: str) -> JsonValue:  # noqa: ANN401 - a type
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as wrong:
        raise InputError(f"{name!r} is not a text: give JSON of its form, {shape(form)} ({wrong})") from None


def _is_a(form: object, *kinds: type) -> bool:
    return isinstance(form, type) and issubclass(form, kinds)


def _sentence(form: Any, text: str) -> Value:  # noqa: ANN401 - a type
    """Its kind and its evidence are found by the checks."""
    kind = {"kind": "fact"} if _is_a(form, Sentence) else {}
    return form(text=text, evidence=(), **kind)


def _paragraph(text: str) -> list[str]:
    """Its sentences; where joining them would not give the text again, it is one."""
    found = sentences(text)
    return found if " ".join(found) == text else [text]


def _email(text: str, current: Touch, name: str) -> Touch:
    found = _EMAIL.fullmatch(text)
    if found is None or not found["subject"].strip():
        raise InputError(f"{name!r} is {EMAIL}")
    return current.model_copy(update={"subject": found["subject"], "body": found["body"]})


def _of_json(content: JsonValue, current: object, form: Any, name: str) -> object:  # noqa: ANN401 - a type
    """Fields of an object that are left out stay as they are."""
    if isinstance(content, dict) and isinstance(current, Value):
        content = {**to_jsonable_python(current), **content}
    return _validated(content, form, name)


def _validated(content: JsonValue, form: Any, name: str) -> Any:  # noqa: ANN401 - a type, and a value of it
    try:
        return TypeAdapter(form).validate_json(json.dumps(content, ensure_ascii=False))
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_input=False, include_context=False)
        told = "; ".join(_complaint(error) for error in errors[:MAX_COMPLAINTS])
        more = len(errors) - MAX_COMPLAINTS
        listed = f"{told}; and {more} more" if more > 0 else told
        hint = f" As text it is {EMAIL}." if _bare(form) is Touch else ""
        raise InputError(f"{name!r} does not have the form {shape(form)}: {listed}.{hint}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{name!r}: there is half a character in the text, or it is nested too deeply") from None


def _complaint(error: Any) -> str:  # noqa: ANN401 - pydantic's own
    place = path_text(error["loc"])
    return f"{place}: {error['msg']}" if place else str(error["msg"])


def shape(form: Any) -> str:  # noqa: ANN401 - a type
    """The form of a part, to be read by people: '{"show": text, "because": SENTENCE}, where SENTENCE is ...'."""
    told, sentence = _shape(form, DEEPEST), f"{{{', '.join(_fields(Sentence[EvidenceId], 2))}}}"
    return sentence if told == "SENTENCE" else f"{told}, where SENTENCE is {sentence}" if "SENTENCE" in told else told


def _shape(form: Any, depth: int) -> str:  # noqa: ANN401 - a type
    bare = _bare(form)
    if _is_a(bare, Sentence):
        return "SENTENCE"
    if get_origin(bare) is tuple:
        return f"[{_shape(get_args(bare)[0], depth)}, ...]"
    if get_origin(bare) is Literal:
        return " | ".join(json.dumps(one) for one in get_args(bare))
    if get_origin(bare) in {Union, UnionType}:
        return " or ".join(_shape(kind, depth) for kind in get_args(bare))
    if not _is_a(bare, Value):
        return {str: "text", int: "number", float: "number", bool: "true | false"}.get(bare, "text")
    return f"{{{', '.join(_fields(bare, depth))}}}" if depth else "{...}"


def _fields(form: type[Value], depth: int) -> Iterator[str]:
    for name, field in form.model_fields.items():
        if name not in {"score", "support"}:
            yield f"{json.dumps(name)}: {_shape(field.annotation, depth - 1)}"
