"""People's own texts in a playbook that is written again: each stays as it is, in its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple, cast

from octave_mcp.domain.evidence import Evidence, EvidenceId, Finding
from octave_mcp.domain.notices import OwnText
from octave_mcp.domain.parts import NAMING, own_texts, written
from octave_mcp.domain.playbook import Playbook, Touch
from octave_mcp.domain.value import Path, Value, part_at, walk

# Characters of a quotation in a warning.
LONGEST_QUOTED = 200
# The fields that say which entry of its list one is, if no other has the same.
_KEYS = ("day", *NAMING)


class _Put(NamedTuple):
    """A value with the part in it, and where that is now."""

    value: object
    at: Path


def with_own_parts(new: Playbook, old: Playbook) -> Playbook:
    """The new playbook with what people wrote in the old one; each part keeps what it cites."""
    said, marks = new.evidence, dict[OwnText, OwnText]()
    for path, own in sorted(own_texts(old), key=lambda found: tuple(map(_order, found[0]))):
        put = _put(new, old, _with_checks(old, path))
        new = cast("Playbook", put.value)
        told = (*_of_persona(new, old, put.at), *_gone(part_at(old, path), old.evidence, said))
        warnings = tuple(dict.fromkeys((*own.warnings, *told)))
        at = (*put.at, *path[len(put.at) :])
        marks[own] = own.model_copy(update={"path": written(new, at), "warnings": warnings})
    kept = {i: old.evidence[i] for i in _cited(new) if i not in said and i in old.evidence}
    own_text = tuple(marks[own] for own in old.own_text if own in marks)
    return new.model_copy(update={"evidence": {**said, **kept}, "own_text": own_text})


def _with_checks(playbook: Playbook, path: Path) -> Path:
    """The path of the part together with what the checks made of it: the verdict on a claim, the score of an e-mail."""
    owner = part_at(playbook, path[:-1])
    is_checked = isinstance(owner, Finding) or (isinstance(owner, Touch) and path[-1] == "body")
    return path[:-1] if is_checked and isinstance(path[-1], str) else path


def personas_of_people(playbook: Playbook) -> frozenset[str]:
    """The ids of the personas for whom people wrote something."""
    return frozenset(filter(None, (_persona(playbook, path) for path, _ in own_texts(playbook))))


def _persona(playbook: Playbook, path: Path) -> str:
    """The id of the persona that a part is for; '' if it is for all."""
    entries = (part_at(playbook, path[:length]) for length in range(1, len(path) + 1))
    named = (getattr(entry, "persona_id", None) for entry in entries)
    own = getattr(part_at(playbook, path[:2]), "id", "") if path[0] == "priority_personas" else ""
    return next(filter(None, named), own)


def _order(step: str | int) -> tuple[str, int]:
    return (step, 0) if isinstance(step, str) else ("", step)


def _put(new: object, old: object, path: Path) -> _Put:
    """The new value with what stands at the path of the old one; entries of lists are found by what they are."""
    if not path or type(new) is not type(old):
        return _Put(old, path)
    step, rest = path[0], path[1:]
    if isinstance(new, Value) and isinstance(step, str):
        inner = _put(getattr(new, step), getattr(old, step), rest)
        return _Put(new.model_copy(update={step: inner.value}), (step, *inner.at))
    if isinstance(new, tuple) and isinstance(step, int):
        return _put_in_list(cast("tuple[object, ...]", new), cast("tuple[object, ...]", old), step, rest)
    return _Put(old, path)


def _put_in_list(new: tuple[object, ...], old: tuple[object, ...], step: int, rest: Path) -> _Put:
    place = _place(new, old, step)
    if place is None:
        at = min(step, len(new))
        return _Put((*new[:at], old[step], *new[at:]), (at, *rest))
    inner = _put(new[place], old[step], rest)
    return _Put((*new[:place], inner.value, *new[place + 1 :]), (place, *inner.at))


def _place(new: Sequence[object], old: Sequence[object], step: int) -> int | None:
    """Where the new list has what the old one has at this place; None if it no longer has it."""
    for name in _KEYS:
        key, *others = (getattr(entry, name, None) for entry in (old[step], *old[:step], *old[step + 1 :]))
        found = [at for at, entry in enumerate(new) if getattr(entry, name, None) == key]
        if key is not None and key not in others and len(found) < 2:  # noqa: PLR2004 - one
            return found[0] if found else None
    texts = [list(map(_text, entries)) for entries in (old, new)]
    for _, start, end, new_start, new_end in SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
        if start <= step < end:
            return _most_alike(texts[0][step], texts[1], range(new_start, new_end))
    return None


def _text(entry: object) -> str:
    return entry.model_dump_json() if isinstance(entry, Value) else str(entry)


def _most_alike(text: str, entries: Sequence[str], places: Sequence[int]) -> int | None:
    return max(places, key=lambda at: SequenceMatcher(None, text, entries[at], autojunk=False).ratio(), default=None)


def _of_persona(new: Playbook, old: Playbook, at: Path) -> Iterator[str]:
    """That the persona which the part is for is another now."""
    own = _persona(new, at)
    was, now = (next((one.title for one in found.priority_personas if one.id == own), "") for found in (old, new))
    if was and now and was != now:
        yield f"it was written for {was!r}, and is now with the text for {now!r}"


def _gone(part: object, known: Mapping[EvidenceId, Evidence], said: Mapping[EvidenceId, Evidence]) -> Iterator[str]:
    """What the part cites that the pages no longer say."""
    for i in dict.fromkeys(_cited(part)):
        if i in known and i not in said:
            yield f'the pages no longer say "{known[i].quote[:LONGEST_QUOTED]}", which it cites'


def _cited(value: object) -> Iterator[EvidenceId]:
    return (i for part in walk(value) for i in cast("tuple[EvidenceId, ...]", getattr(part, "evidence", ())))
