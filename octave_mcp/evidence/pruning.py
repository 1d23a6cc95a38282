"""A draft without some of its parts, in a form that still makes sense."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar, cast, get_args

from octave_mcp.domain.cards import CompetitivePositioning, Objection
from octave_mcp.domain.playbook import CallToAction, TouchDraft
from octave_mcp.domain.value import Path, Value

V = TypeVar("V", bound=Value)

# Of an e-mail that lost some: with fewer, it is dropped.
MIN_SENTENCES = 2


def pruned(draft: V, dropped: Collection[Path]) -> V | None:
    """The draft without these parts; None if it cannot do without one.

    Entries that could not be read, which are None, are left out too. A part that its value cannot do without takes that
    value with it; a text outside of a list is left empty. An e-mail without its subject, its call to action or enough
    sentences keeps its place in the sequence, and is empty.
    """
    return cast("V | None", _pruned(draft, (), dropped))


def is_empty(touch: TouchDraft[Any]) -> bool:
    """Whether an e-mail was dropped, and only keeps its place."""
    return not (touch.subject.strip() and touch.call_to_action.text.strip())


def _pruned(value: object, at: Path, gone: Collection[Path]) -> object:
    """The value without these parts; None if it cannot do without one."""
    if at in gone:
        return None
    if isinstance(value, Value):
        return _pruned_value(value, at, gone)
    if isinstance(value, tuple):
        parts = (_pruned(part, (*at, i), gone) for i, part in enumerate(cast("tuple[object, ...]", value)))
        return tuple(part for part in parts if part is not None)
    return value


def _pruned_value(value: Value, at: Path, gone: Collection[Path]) -> Value | None:
    found: dict[str, object] = {}
    is_entry = bool(at) and isinstance(at[-1], int)
    for name, field in type(value).model_fields.items():
        given: object = getattr(value, name)
        part = _pruned(given, (*at, name), gone)
        if part is None and given is not None and type(None) not in get_args(field.annotation):
            if isinstance(value, TouchDraft):
                return _emptied(cast("TouchDraft[Any]", value))
            if is_entry or not isinstance(given, str):
                return None
            part = ""
        found[name] = part
    return _sensible(value.model_copy(update=found), value)


def _sensible(made: Value, before: Value) -> Value | None:
    """What was made of the value before, without what has lost its point."""
    if isinstance(made, TouchDraft):
        return _viable(cast("TouchDraft[Any]", made), cast("TouchDraft[Any]", before))
    kind = type(made)
    if issubclass(kind, Objection) and _claims(before) and not _claims(made):
        return None
    if issubclass(kind, CompetitivePositioning) and _concedes(before) and not _concedes(made):
        return made.model_copy(update={"where_they_win_note": ""})
    return made


def _viable(touch: TouchDraft[Any], before: TouchDraft[Any]) -> TouchDraft[Any]:
    paragraphs = tuple(paragraph for paragraph in touch.paragraphs if paragraph)
    left, had = (sum(map(len, paragraphs)) for paragraphs in (touch.paragraphs, before.paragraphs))
    if is_empty(touch) or left < min(had, MIN_SENTENCES):
        return _emptied(touch)
    return touch.model_copy(update={"paragraphs": paragraphs})


def _emptied(touch: TouchDraft[Any]) -> TouchDraft[Any]:
    nothing = CallToAction(label=touch.call_to_action.label, text="")
    emptied = {"subject": "", "paragraphs": (), "call_to_action": nothing, "opt_out": None, "personalisation": ()}
    emptied |= {"second_opening": (), "make_first": None}
    return touch.model_copy(update=emptied)


def _claims(objection: Value) -> bool:
    """Whether its answer claims something: without that, it only agrees."""
    return any(part.kind in {"fact", "inference"} for part in cast("Objection[Any]", objection).answer)


def _concedes(card: Value) -> bool:
    return any(rival.where_they_win for rival in cast("CompetitivePositioning[Any]", card).rivals)
