"""Parses and formats paths to parts of a playbook, such as 'email_sequences.persona-1.touches[2].body'.

A path addresses an entry of a list by its index, counted from 0, or by its name. Names that are not plain identifiers
are written as JSON strings: 'evidence["a.b"]'.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple, cast

from pydantic import JsonValue

from octave_mcp.domain.names import normal
from octave_mcp.domain.notices import OwnText
from octave_mcp.domain.playbook import SECTIONS, Playbook
from octave_mcp.domain.value import Path, Value, part_at
from octave_mcp.errors import UnknownName

# The value of any of these fields can be used in a path as the name of a list entry.
NAMING = ("id", "persona_id", "kind", "seat", "name", "customer")
# For these lists, a path contains the value of this field instead of the entry's index: 'talk_tracks.persona-1' instead
# of 'talk_tracks[0]'. Unlike an index, the value stays valid if an edit moves the entry.
_NAMED_BY = {
    "priority_personas": "id",
    "buyer_personas": "id",
    "email_sequences": "persona_id",
    "talk_tracks": "persona_id",
    "battle_cards": "kind",
    "buying_committee": "seat",
}
# Sections that record how the playbook was made. These sections can be read, but neither edited nor revised.
RECORDED = frozenset({"evidence", "pages", "failed_pages", "gaps", "flags", "own_text", "cost", "timings"})
EDITABLE = tuple(section for section in SECTIONS if section not in RECORDED)
# An error message lists at most this many names.
MAX_LISTED = 30
# A number with more digits is treated as a name, because int() raises an error on thousands of digits.
MAX_INDEX_DIGITS = 6


class Given(NamedTuple):
    """A person's new version of a part, either as text or as JSON."""

    text: str | None = None
    content: JsonValue = None


_STEP = re.compile(
    r'\[(?P<place>\d+)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]|\.?(?P<name>(?:(?!\[\d+\]|\["|\.).)+)', re.DOTALL
)
_PLAIN = re.compile(r"[^\W\d][\w-]*")


def steps_of(written: str) -> tuple[str, ...]:
    """Split a path into its steps. The result is empty if the path is malformed."""
    steps: list[str] = []
    at = 0
    while at < len(written) and (step := _STEP.match(written, at)):
        quoted = step["quoted"]
        try:
            steps.append(json.loads(quoted, strict=False) if quoted else step["name"] or step["place"])
        except ValueError:  # an invalid JSON escape, such as "\x"
            return ()
        at = step.end()
    return tuple(steps) if at == len(written) else ()


def first_of(written: str) -> str:
    """Return the first step of a path, which names the section; '' if the path is malformed."""
    return next(iter(steps_of(written)), "")


def check_section(written: str, listed: Iterable[str] = SECTIONS) -> None:
    """Check that a path starts with a section.

    Raises:
        UnknownName: If the path does not start with a section. The message suggests the sections in `listed`.
    """
    if first_of(written) not in SECTIONS:
        raise UnknownName(f"there is no section {written!r}; choose one of {', '.join(listed)}")


def place_of(playbook: Playbook, written: str) -> Path:
    """Parse a path: 'talk_tracks.persona-1.pitch' becomes ('talk_tracks', 0, 'pitch').

    Raises:
        UnknownName: If the path leads to no part or to more than one. The message lists the valid choices.
    """
    check_section(written, EDITABLE)
    value: object = playbook
    path: Path = ()
    for step in steps_of(written):
        keys = keys_of(value, step)
        if not keys:
            raise no_part(written, step, value)
        if len(keys) > 1:
            indexes = ", ".join(f"[{index}]" for index in keys)
            raise UnknownName(f"{written!r}: {step!r} is the name of several parts; choose one of {indexes}")
        value, path = child(value, keys[0]), (*path, keys[0])
    return path


def no_part(written: str, step: str, value: object) -> UnknownName:
    return UnknownName(f"{written!r} has no part {step!r}; {_choices(value)}")


def keys_of(value: object, step: str) -> Sequence[str | int]:
    """Return the field name, key or index for one step of a path.

    If several list entries have the same name, return the indexes of all of them.
    """
    if isinstance(value, Value):
        return [step] if step in type(value).model_fields else []
    if isinstance(value, dict):
        return [step] if step in value else []
    if not isinstance(value, tuple):
        return []
    listed = cast("tuple[object, ...]", value)
    if step.isdecimal() and len(step) <= MAX_INDEX_DIGITS:
        return [index] if (index := int(step)) < len(listed) else []
    wanted = normal(step)
    return [index for index, entry in enumerate(listed) if wanted in map(normal, names_of(entry))]


def child(value: object, key: str | int) -> object:
    return getattr(value, str(key)) if isinstance(value, Value) else cast("dict[str | int, object]", value)[key]


def names_of(entry: object) -> Iterator[str]:
    """Yield the names that a path can use for an entry of a list."""
    values = (getattr(entry, field, None) for field in NAMING)
    return (name for name in values if isinstance(name, str))


def own_texts(playbook: Playbook) -> Iterator[tuple[Path, OwnText]]:
    """Yield each text that a person wrote, with its path. Skip texts whose path no longer exists in the playbook."""
    for own in playbook.own_text:
        with suppress(UnknownName):
            yield place_of(playbook, own.path), own


def written(playbook: Playbook, path: Path) -> str:
    """Convert a path to text. The last step can be a new key, which the playbook does not contain yet."""
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
    # Another entry can have the same name, even in another field. The path then contains the index instead.
    is_named = name and _PLAIN.fullmatch(name) and keys_of(value, name) == [step]
    return f".{name}" if is_named else f"[{step}]"


def _choices(value: object) -> str:
    if isinstance(value, tuple):
        return _choices_in(cast("tuple[object, ...]", value))
    keys: Iterable[str] = ()
    if isinstance(value, Value):
        keys = type(value).model_fields
    elif isinstance(value, dict):
        keys = cast("dict[str, object]", value)
    return f"choose one of {_shortened([*keys])}" if keys else "this value has no parts"


def _choices_in(listed: tuple[object, ...]) -> str:
    if not listed:
        return "it is empty"
    # Leave out names that several entries share, such as the kind of an e-mail, because they identify no entry. Leave
    # out names with a dot, because they need quotation marks in a path.
    counts = Counter(name for entry in listed for name in {*names_of(entry)} if "." not in name)
    names = [name for entry in listed for name in dict.fromkeys(names_of(entry)) if counts[name] == 1]
    index = "index 0" if len(listed) == 1 else f"an index from 0 to {len(listed) - 1}"
    return f"choose one of {_shortened([*names])}, or {index}" if names else f"choose {index}"


def _shortened(names: list[str]) -> str:
    more = len(names) - MAX_LISTED
    return ", ".join([*names[:MAX_LISTED], *([f"and {more} more"] if more > 0 else [])])
