"""Parses text or JSON with which a person replaces a part of a playbook."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import from_json, to_jsonable_python

from octave_mcp.copywriting.readability import sentences
from octave_mcp.domain.evidence import Claim, EvidenceId
from octave_mcp.domain.parts import EDITABLE, RECORDED, Given, child
from octave_mcp.domain.playbook import Playbook, Touch
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, part_at, path_text
from octave_mcp.errors import InputError

# The checks fill in these fields, so people cannot choose them as the part to edit.
COMPUTED = frozenset({"score", "support", "evidence"})
# These fields identify a persona, so people cannot choose them as the part to edit.
IDENTIFIERS = frozenset({"id", "persona_id", "rank"})
MAX_SHAPE_DEPTH = 4
MAX_COMPLAINTS = 3
EMAIL = "an e-mail: give it as 'Subject: ...', an empty line, and the body"
# The possessive quantifiers (`*+`) prevent backtracking, which takes quadratic time on long sequences of blanks.
_EMAIL = re.compile(
    r"\s*+Subject:[ \t]*+(?P<subject>[^\r\n]*+)\r?\n[ \t]*+\r?\n(?P<body>.*\S.*)", re.IGNORECASE | re.DOTALL
)


def check_editable(playbook: Playbook, path: Path, name: str) -> None:
    """Raise InputError if people are not allowed to edit this part.

    The message names the parts that people can edit.
    """
    section, last = path[0], path[-1]
    if section in RECORDED:
        raise InputError(
            f"{section!r} records what the run found and did, and cannot be edited; choose one of {', '.join(EDITABLE)}"
        )
    if COMPUTED & {*path}:
        raise InputError(f"{name!r} is set by the checks; edit the text that it is about")
    if last in IDENTIFIERS:
        raise InputError(f"{name!r} identifies the persona in other sections, and cannot be edited")
    if "sentences" in path and isinstance(part_at(playbook, path[: path.index("sentences")]), Touch):
        raise InputError(f"{name!r}: the sentences of an e-mail are taken from its body; edit the body or the e-mail")


def read(given: Given, playbook: Playbook, path: Path, name: str) -> object:
    """Parse the new part as a value of the current part's type.

    Raises:
        InputError: If `given` does not have the structure of the part; the message shows that structure.
    """
    if (given.text is None) == (given.content is None):
        raise InputError("give either text or content")
    current, form = part_at(playbook, path), form_of(playbook, path)
    text = given.content if isinstance(given.content, str) else given.text
    if text is None:
        return _of_json(given.content, current, form, name)
    return _of_text(text, current, form, name)


def form_of(playbook: Playbook, path: Path) -> Any:  # noqa: ANN401 - a type
    """Return the type that a value at this path must have.

    If the path already has a value, return the type of that value.
    """
    value: object = playbook
    form: Any = Playbook
    for step in path:
        fields = type(value).model_fields if isinstance(value, Value) else {}
        form = fields[step].annotation if isinstance(step, str) and fields else get_args(_bare(form))[0]
        value = child(value, step)
    return type(value) if isinstance(value, Value) else form


def _bare(form: Any) -> Any:  # noqa: ANN401 - a type
    """Return the type without `Annotated` and without None."""
    if get_origin(form) is Annotated:
        return _bare(get_args(form)[0])
    if get_origin(form) in {Union, UnionType}:
        kinds = [kind for kind in get_args(form) if kind is not NoneType]
        return _bare(kinds[0]) if len(kinds) == 1 else form
    return form


def _of_text(text: str, current: object, form: Any, name: str) -> object:  # noqa: ANN401 - a type
    parse = text_parser(form)
    return parse(text, current, name) if parse else _of_json(_json(text, _bare(form), name), current, form, name)


def text_parser(form: Any) -> Callable[[str, Any, str], object] | None:  # noqa: ANN401 - a type
    """Return what parses plain text as a value of this type, or None if people write such a value as JSON.

    The arguments of the parser are the text, the current value, and the name of the part for errors.
    """
    bare = _bare(form)
    if get_origin(bare) is tuple:
        entry = _bare(get_args(bare)[0])
        return partial(_entries, entry) if entry is str or _is_subclass(entry, Sentence) else None
    if _is_subclass(bare, Sentence, Claim):
        return partial(_sentence, bare)
    if bare is Touch:
        return _email
    if bare is str:
        return _unchanged
    return None if _is_subclass(bare, Value) else partial(_single, form)


def _unchanged(text: str, *_: object) -> str:
    return text


def _single(form: Any, text: str, _: object, name: str) -> object:  # noqa: ANN401 - a type
    """Parse a date, a number or a word from a list of choices."""
    return _validated(text, form, name)


def _entries(entry: Any, text: str, *_: object) -> tuple[object, ...]:  # noqa: ANN401 - a type
    """Split a text into lines for a list of texts, or into sentences for a paragraph."""
    if entry is str:
        return tuple(line for line in text.splitlines() if line.strip())
    return tuple(_sentence(entry, sentence) for sentence in _paragraph(text))


def _json(text: str, form: Any, name: str) -> JsonValue:  # noqa: ANN401 - a type
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as wrong:
        raise InputError(f"{name!r} is not plain text: give JSON of the form {shape(form)} ({wrong})") from None


def _is_subclass(form: object, *kinds: type) -> bool:
    return isinstance(form, type) and issubclass(form, kinds)


def _sentence(form: Any, text: str, *_: object) -> Value:  # noqa: ANN401 - a type
    """Convert a text to a sentence object without evidence.

    The checks determine the kind and the evidence of the sentence later.
    """
    kind = {"kind": "fact"} if _is_subclass(form, Sentence) else {}
    return form(text=text, evidence=(), **kind)


def _paragraph(text: str) -> list[str]:
    """Split the text into sentences.

    If joining the sentences with spaces would not restore the original text, return the text as one sentence.
    """
    parts = sentences(text)
    return parts if " ".join(parts) == text else [text]


def _email(text: str, current: Touch, name: str) -> Touch:
    match = _EMAIL.fullmatch(text)
    if match is None or not match["subject"].strip():
        raise InputError(f"{name!r} is {EMAIL}")
    return current.model_copy(update={"subject": match["subject"], "body": match["body"]})


def _of_json(content: JsonValue, current: object, form: Any, name: str) -> object:  # noqa: ANN401 - a type
    """Validate JSON. If a field is missing in the new object, keep its current value."""
    if isinstance(content, dict) and isinstance(current, Value):
        content = {**to_jsonable_python(current), **content}
    return _validated(content, form, name)


def _validated(content: JsonValue, form: Any, name: str) -> Any:  # noqa: ANN401 - a type, and a value of it
    try:
        return TypeAdapter(form).validate_json(json.dumps(content, ensure_ascii=False))
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_input=False, include_context=False)
        complaints = "; ".join(_complaint(error) for error in errors[:MAX_COMPLAINTS])
        more = len(errors) - MAX_COMPLAINTS
        listed = f"{complaints}; and {more} more" if more > 0 else complaints
        hint = f" As text it is {EMAIL}." if _bare(form) is Touch else ""
        raise InputError(f"{name!r} does not have the form {shape(form)}: {listed}.{hint}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{name!r}: the text has an unpaired surrogate, or the JSON is nested too deeply") from None


def _complaint(error: Any) -> str:  # noqa: ANN401 - pydantic's own
    place = path_text(error["loc"])
    return f"{place}: {error['msg']}" if place else str(error["msg"])


def shape(form: Any) -> str:  # noqa: ANN401 - a type
    """Describe a type for people, for example '{"show": text, "because": SENTENCE}, where SENTENCE is ...'."""
    text, sentence = _shape(form, MAX_SHAPE_DEPTH), f"{{{', '.join(_fields(Sentence[EvidenceId], 2))}}}"
    return sentence if text == "SENTENCE" else f"{text}, where SENTENCE is {sentence}" if "SENTENCE" in text else text


def _shape(form: Any, depth: int) -> str:  # noqa: ANN401 - a type
    bare = _bare(form)
    if _is_subclass(bare, Sentence):
        return "SENTENCE"
    if get_origin(bare) is tuple:
        return f"[{_shape(get_args(bare)[0], depth)}, ...]"
    if get_origin(bare) is Literal:
        return " | ".join(json.dumps(option) for option in get_args(bare))
    if get_origin(bare) in {Union, UnionType}:
        return " or ".join(_shape(kind, depth) for kind in get_args(bare))
    if not _is_subclass(bare, Value):
        return {str: "text", int: "number", float: "number", bool: "true | false"}.get(bare, "text")
    return f"{{{', '.join(_fields(bare, depth))}}}" if depth else "{...}"


def _fields(form: type[Value], depth: int) -> Iterator[str]:
    for name, field in form.model_fields.items():
        if name not in {"score", "support"}:
            yield f"{json.dumps(name)}: {_shape(field.annotation, depth - 1)}"
