"""Removes parts of a draft, and the entries that make no sense without these parts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar, cast, get_args

from octave_mcp.domain.cards import CompetitivePositioning, Objection
from octave_mcp.domain.playbook import CallToAction, TouchDraft
from octave_mcp.domain.value import Path, Value

V = TypeVar("V", bound=Value)

# If an e-mail lost sentences and fewer than this number remain, the rest of its text is removed, too.
MIN_SENTENCES = 2


def pruned(draft: V, dropped: Collection[Path]) -> V | None:
    """Return the draft without the dropped parts, or None if the draft is invalid without them.

    List entries that are None, because they could not be parsed, are removed, too. If an object requires a dropped
    part, the object is removed, too. A dropped text outside a list becomes an empty string. If the subject, the call to
    action or too many sentences of an e-mail were dropped, the sequence keeps the e-mail, but without any text.
    """
    return cast("V | None", _pruned(draft, (), dropped))


def is_empty(touch: TouchDraft[Any]) -> bool:
    """Whether the e-mail lacks a subject or a call to action."""
    return not (touch.subject.strip() and touch.call_to_action.text.strip())


def _pruned(value: object, at: Path, dropped: Collection[Path]) -> object:
    """Return the value without the dropped parts, or None if the rest is not valid."""
    if at in dropped:
        return None
    if isinstance(value, Value):
        return _pruned_value(value, at, dropped)
    if isinstance(value, tuple):
        parts = (_pruned(part, (*at, i), dropped) for i, part in enumerate(cast("tuple[object, ...]", value)))
        return tuple(part for part in parts if part is not None)
    return value


def _pruned_value(value: Value, at: Path, dropped: Collection[Path]) -> Value | None:
    fields: dict[str, object] = {}
    is_entry = bool(at) and isinstance(at[-1], int)
    for name, field in type(value).model_fields.items():
        original: object = getattr(value, name)
        part = _pruned(original, (*at, name), dropped)
        if part is None and original is not None and type(None) not in get_args(field.annotation):
            if isinstance(value, TouchDraft):
                return _emptied(cast("TouchDraft[Any]", value))
            if is_entry or not isinstance(original, str):
                return None
            part = ""
        fields[name] = part
    return _sensible(value.model_copy(update=fields), value)


def _sensible(result: Value, before: Value) -> Value | None:
    """Remove a note if the text that the note describes was dropped. Return None if nothing useful remains."""
    if isinstance(result, TouchDraft):
        return _viable(cast("TouchDraft[Any]", result), cast("TouchDraft[Any]", before))
    kind = type(result)
    if issubclass(kind, Objection) and _claims(before) and not _claims(result):
        return None
    if issubclass(kind, CompetitivePositioning) and _concedes(before) and not _concedes(result):
        return result.model_copy(update={"where_they_win_note": ""})
    return result


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
    """Whether the answer to an objection contains a fact or an inference, and not only polite agreement."""
    return any(part.kind in {"fact", "inference"} for part in cast("Objection[Any]", objection).answer)


def _concedes(card: Value) -> bool:
    return any(rival.where_they_win for rival in cast("CompetitivePositioning[Any]", card).rivals)
