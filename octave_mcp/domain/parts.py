"""The parts of a playbook by the names that people and programs give them: 'email_sequences.persona-1.touches[2].body'.

A part of a list is named by its place, from 0, or by what its entries are called. What is neither a plain name nor a
place is written as a JSON string: 'evidence["a.b"]'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import cast

from octave_mcp.domain.names import normal
from octave_mcp.domain.notices import OwnText
from octave_mcp.domain.playbook import SECTIONS, Playbook
from octave_mcp.domain.value import Path, Value, part_at
from octave_mcp.errors import UnknownName

# The fields by whose value an entry of a list may be named.
NAMING = ("id", "persona_id", "kind", "seat", "name", "customer")
# The lists whose entries are called by the value of this field where a path is written.
_NAMED_BY = {
    "priority_personas": "id",
    "buyer_personas": "id",
    "email_sequences": "persona_id",
    "talk_tracks": "persona_id",
    "battle_cards": "kind",
    "buying_committee": "seat",
}
MAX_LISTED, LONGEST_PLACE = 30, 6
_STEP = re.compile(
    r'\[(?P<place>\d+)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]|\.?(?P<name>(?:(?!\[\d+\]|\["|\.).)+)', re.DOTALL
)
_PLAIN = re.compile(r"[^\W\d][\w-]*")


def steps_of(written: str) -> tuple[str, ...]:
    """The steps of a path as it is written; none if it cannot be read."""
    found: list[str] = []
    at = 0
    while at < len(written) and (step := _STEP.match(written, at)):
        quoted = step["quoted"]
        try:
            found.append(json.loads(quoted, strict=False) if quoted else step["name"] or step["place"])
        except ValueError:  # an escape that JSON does not have
            return ()
        at = step.end()
    return tuple(found) if at == len(written) else ()


def first_of(written: str) -> str:
    """The section that a path begins with."""
    return next(iter(steps_of(written)), "")


def check_section(written: str) -> None:
    """Raises: UnknownName: the path begins with no section."""
    if first_of(written) not in SECTIONS:
        raise UnknownName(f"there is no section {written!r}; choose one of {', '.join(SECTIONS)}")


def place_of(playbook: Playbook, written: str) -> Path:
    """The path of the one part that is called so.

    Raises:
        UnknownName: there is no such part, or there are several; the text lists those there are.
    """
    check_section(written)
    value: object = playbook
    path: Path = ()
    for step in steps_of(written):
        found = keys_of(value, step)
        if not found:
            raise no_part(written, step, value)
        if len(found) > 1:
            places = ", ".join(f"[{place}]" for place in found)
            raise UnknownName(f"{written!r}: {step!r} is the name of several parts; choose one of {places}")
        value, path = child(value, found[0]), (*path, found[0])
    return path


def no_part(written: str, step: str, value: object) -> UnknownName:
    return UnknownName(f"{written!r} has no part {step!r}; it has {_there(value) or 'none'}")


def keys_of(value: object, step: str) -> Sequence[str | int]:
    """The field of this name, or the places in a list: the one of this number, or all whose entries are called so."""
    if isinstance(value, Value):
        return [step] if step in type(value).model_fields else []
    if isinstance(value, dict):
        return [step] if step in value else []
    if not isinstance(value, tuple):
        return []
    listed = cast("tuple[object, ...]", value)
    if step.isdecimal() and len(step) <= LONGEST_PLACE:
        return [place] if (place := int(step)) < len(listed) else []
    wanted = normal(step)
    return [place for place, entry in enumerate(listed) if wanted in map(normal, names_of(entry))]


def child(value: object, key: str | int) -> object:
    return getattr(value, str(key)) if isinstance(value, Value) else cast("dict[str | int, object]", value)[key]


def names_of(entry: object) -> Iterator[str]:
    """What an entry of a list may be called."""
    found = (getattr(entry, field, None) for field in NAMING)
    return (name for name in found if isinstance(name, str))


def own_texts(playbook: Playbook) -> Iterator[tuple[Path, OwnText]]:
    """The parts that people wrote, and are still there, with their paths."""
    for own in playbook.own_text:
        with suppress(UnknownName):
            yield place_of(playbook, own.path), own


def written(playbook: Playbook, path: Path) -> str:
    """The path of a part as it is written; the last step need not be there."""
    value: object = playbook
    text, before = "", ""
    for step in path:
        text += _written(value, step, before)
        value, before = part_at(value, (step,)), str(step)
    return text.removeprefix(".")


def _written(value: object, step: str | int, listed_in: str) -> str:
    if isinstance(step, str):
        return f".{step}" if _PLAIN.fullmatch(step) else f"[{json.dumps(step)}]"
    entry = child(value, step)
    name: str | None = getattr(entry, _NAMED_BY.get(listed_in, ""), None)
    is_named = name and _PLAIN.fullmatch(name) and keys_of(value, name) == [step]
    return f".{name}" if is_named else f"[{step}]"


def _there(value: object) -> str:
    """The names of the parts of a value, for an error."""
    if isinstance(value, Value):
        return _shortened([*type(value).model_fields])
    if isinstance(value, dict):
        return _shortened([*cast("dict[str, object]", value)])
    listed = cast("tuple[object, ...]", value) if isinstance(value, tuple) else ()
    names = dict.fromkeys(name for entry in listed for name in names_of(entry) if "." not in name)
    places = f"a number from 0 to {len(listed) - 1}"
    return ", or ".join(filter(None, (_shortened([*names]), places))) if listed else ""


def _shortened(names: list[str]) -> str:
    more = len(names) - MAX_LISTED
    return ", ".join([*names[:MAX_LISTED], *([f"and {more} more"] if more > 0 else [])])
