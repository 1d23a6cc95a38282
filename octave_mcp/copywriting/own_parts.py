"""Copies people's edits unchanged from an old playbook to the same places in a newly generated playbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple, cast

from octave_mcp.domain.evidence import Evidence, EvidenceId, Finding
from octave_mcp.domain.notices import OwnText
from octave_mcp.domain.parts import NAMING, own_texts, written
from octave_mcp.domain.playbook import Playbook, Touch
from octave_mcp.domain.value import Path, Value, part_at, walk

MAX_QUOTED_CHARACTERS = 200
_KEYS = ("day", *NAMING)


class _Placed(NamedTuple):
    """A section or playbook into which a part was copied, and the path of the copied part."""

    value: object
    at: Path


def with_own_parts(new: Playbook, old: Playbook) -> Playbook:
    """Copy the parts that people wrote, and the evidence for them, from the old playbook into the new one."""
    new_evidence, marks = new.evidence, dict[OwnText, OwnText]()
    # Parts with low indexes are copied first. If an entry is missing in the new list, it is inserted at its old index,
    # so earlier entries must already be in the list.
    for path, record in sorted(own_texts(old), key=lambda item: tuple(map(_sort_key, item[0]))):
        placed = _with_part(new, old, _with_checks(old, path))
        new = cast("Playbook", placed.value)
        new_warnings = (
            *_changed_persona(new, old, placed.at),
            *_lost_quotations(part_at(old, path), old.evidence, new_evidence),
        )
        warnings = tuple(dict.fromkeys((*record.warnings, *new_warnings)))
        at = (*placed.at, *path[len(placed.at) :])
        marks[record] = record.model_copy(update={"path": written(new, at), "warnings": warnings})
    old_evidence = {i: old.evidence[i] for i in _cited(new) if i not in new_evidence and i in old.evidence}
    own_text = tuple(marks[record] for record in old.own_text if record in marks)
    return new.model_copy(update={"evidence": {**new_evidence, **old_evidence}, "own_text": own_text})


def _with_checks(playbook: Playbook, path: Path) -> Path:
    """Return the path of the value to copy.

    If the part has a verdict or a score, return the path of the whole claim or e-mail, so that the verdict or score is
    copied, too.
    """
    owner = part_at(playbook, path[:-1])
    is_checked = isinstance(owner, Finding) or (isinstance(owner, Touch) and path[-1] == "body")
    return path[:-1] if is_checked and isinstance(path[-1], str) else path


def personas_of_people(playbook: Playbook) -> frozenset[str]:
    """Return the ids of the personas for whom a person has edited at least one part."""
    return frozenset(filter(None, (_persona_id(playbook, path) for path, _ in own_texts(playbook))))


def _persona_id(playbook: Playbook, path: Path) -> str:
    """Return the id of the persona that a part is for, or '' if the part is for all personas."""
    entries = (part_at(playbook, path[:length]) for length in range(1, len(path) + 1))
    persona_ids = (getattr(entry, "persona_id", None) for entry in entries)
    own_id = getattr(part_at(playbook, path[:2]), "id", "") if path[0] == "priority_personas" else ""
    return next(filter(None, persona_ids), own_id)


def _sort_key(step: str | int) -> tuple[str, int]:
    return (step, 0) if isinstance(step, str) else ("", step)


def _with_part(new: object, old: object, path: Path) -> _Placed:
    """Copy the part at `path` from the old value to the new value.

    List entries are matched by an identifying field or by their text, because indexes can change.
    """
    if not path or type(new) is not type(old):
        return _Placed(old, path)
    step, rest = path[0], path[1:]
    if isinstance(new, Value) and isinstance(step, str):
        inner = _with_part(getattr(new, step), getattr(old, step), rest)
        return _Placed(new.model_copy(update={step: inner.value}), (step, *inner.at))
    if isinstance(new, tuple) and isinstance(step, int):
        return _with_part_in_list(cast("tuple[object, ...]", new), cast("tuple[object, ...]", old), step, rest)
    return _Placed(old, path)


def _with_part_in_list(new: tuple[object, ...], old: tuple[object, ...], step: int, rest: Path) -> _Placed:
    place = _index_in_new(new, old, step)
    if place is None:
        at = min(step, len(new))
        return _Placed((*new[:at], old[step], *new[at:]), (at, *rest))
    inner = _with_part(new[place], old[step], rest)
    return _Placed((*new[:place], inner.value, *new[place + 1 :]), (place, *inner.at))


def _index_in_new(new: Sequence[object], old: Sequence[object], step: int) -> int | None:
    """Find the entry `old[step]` in the new list, and return its new index. Return None if the entry is missing.

    Match the entries by the first field in `_KEYS` whose value is unique in each list. If there is no such field,
    match the entries by their text.
    """
    for name in _KEYS:
        key, *others = (getattr(entry, name, None) for entry in (old[step], *old[:step], *old[step + 1 :]))
        indexes = [at for at, entry in enumerate(new) if getattr(entry, name, None) == key]
        if key is not None and key not in others and len(indexes) < 2:  # noqa: PLR2004 - one
            return indexes[0] if indexes else None
    # `autojunk` is turned off, because it would ignore the most frequent entries of long lists and the most frequent
    # letters of long texts.
    texts = [list(map(_text, entries)) for entries in (old, new)]
    for _, start, end, new_start, new_end in SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
        if start <= step < end:
            return _most_alike(texts[0][step], texts[1], range(new_start, new_end))
    return None


def _text(entry: object) -> str:
    return entry.model_dump_json() if isinstance(entry, Value) else str(entry)


def _most_alike(text: str, entries: Sequence[str], places: Sequence[int]) -> int | None:
    return max(places, key=lambda at: SequenceMatcher(None, text, entries[at], autojunk=False).ratio(), default=None)


def _changed_persona(new: Playbook, old: Playbook, at: Path) -> Iterator[str]:
    """Yield a warning if the persona of this part has a different job title in the new playbook."""
    id_ = _persona_id(new, at)
    was, now = (
        next((persona.title for persona in playbook.priority_personas if persona.id == id_), "")
        for playbook in (old, new)
    )
    if was and now and was != now:
        yield f"it was written for {was!r}, and is now with the text for {now!r}"


def _lost_quotations(
    part: object, old_evidence: Mapping[EvidenceId, Evidence], new_evidence: Mapping[EvidenceId, Evidence]
) -> Iterator[str]:
    """Yield a warning for each cited quotation that is no longer on the pages."""
    for i in dict.fromkeys(_cited(part)):
        if i in old_evidence and i not in new_evidence:
            yield f'the pages no longer say "{old_evidence[i].quote[:MAX_QUOTED_CHARACTERS]}", which it cites'


def _cited(value: object) -> Iterator[EvidenceId]:
    return (i for part in walk(value) for i in cast("tuple[EvidenceId, ...]", getattr(part, "evidence", ())))
