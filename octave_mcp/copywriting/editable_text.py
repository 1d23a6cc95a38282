"""Shows a part of a playbook as the text or JSON that `edit_input.read` parses, and lists the parts within it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from textwrap import shorten
from typing import Any, Literal, NamedTuple, cast, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import to_json

from octave_mcp.copywriting.edit_input import COMPUTED, IDENTIFIERS, form_of, text_parser
from octave_mcp.domain.evidence import Claim
from octave_mcp.domain.parts import written
from octave_mcp.domain.playbook import Playbook, Touch
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, part_at

PREVIEW_CHARACTERS = 90
# Fields that people do not write as text.
NOT_OFFERED = COMPUTED | IDENTIFIERS | {"they_say", "email"}


class EditableText(NamedTuple):
    """A part of a playbook for editing. `is_json`: whether the part cannot be written as plain text."""

    text: str
    is_json: bool


class PartWithin(NamedTuple):
    """A part within another part: its path, and the start of its text."""

    path: str
    preview: str


def editable_text(playbook: Playbook, path: Path) -> EditableText:
    """Return the part as text: an e-mail, a sentence, a paragraph or a list of lines. Return anything else as JSON."""
    part = part_at(playbook, path)
    is_empty = part is None or part == ()
    plain = "" if is_empty and text_parser(form_of(playbook, path)) else _plain(part)
    return EditableText(to_json(part, indent=2).decode(), is_json=True) if plain is None else EditableText(plain, False)


def parts_within(playbook: Playbook, path: Path) -> Iterator[PartWithin]:
    """Yield the parts that people can edit one by one. A part that is plain text has none."""
    part = part_at(playbook, path)
    if _plain(part) is not None:
        return
    for key, inner in _children(part):
        if preview := _preview(inner):
            yield PartWithin(written(playbook, (*path, key)), preview)


def _plain(part: object) -> str | None:
    match part:
        case str() | date():
            return str(part)
        case Touch():
            return f"Subject: {part.subject}\n\n{part.body}"
        case Sentence() | Claim():
            return cast("Any", part).text
        case tuple() if part and all(isinstance(entry, str) for entry in cast("tuple[object, ...]", part)):
            return "\n".join(cast("tuple[str, ...]", part))
        case tuple() if part and all(isinstance(entry, Sentence) for entry in cast("tuple[object, ...]", part)):
            return " ".join(sentence.text for sentence in cast("tuple[Any, ...]", part))
        case _:
            return None


def _children(part: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(part, tuple):
        yield from enumerate(cast("tuple[object, ...]", part))
    elif isinstance(part, Value):
        fields = type(part).model_fields.items()
        yield from ((name, getattr(part, name)) for name, field in fields if not _is_code(name, field))


def _is_code(name: str, field: FieldInfo) -> bool:
    """Whether a field contains a code and no text, such as the company of a trigger or the e-mail of a brief."""
    return name in NOT_OFFERED or get_origin(field.annotation) is Literal


def _preview(part: object) -> str:
    text = _plain(part)
    if text is None:
        inner = (_preview(inner) for _, inner in _children(part) if not isinstance(inner, date))
        text = next(filter(None, inner), "")
    return shorten(text, PREVIEW_CHARACTERS, placeholder="…")
