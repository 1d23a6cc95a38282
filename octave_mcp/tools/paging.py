"""Paging of long answers: lists by the id of the last entry, sections of a playbook by the number of the piece."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from pydantic_core import to_jsonable_python

from octave_mcp.errors import InputError

T = TypeVar("T")
Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | bool | None"

# About 20,000 tokens: the most that one answer carries of a section.
SECTION_CHARACTERS = 76_000


def cursor_of(ids: Sequence[str], limit: int) -> str | None:
    """The cursor of a list of which one more than `limit` was asked for: the last that is shown, if there are more."""
    return ids[limit - 1] if len(ids) > limit else None


def dumped(value: object) -> Json:
    """A part of a playbook as JSON."""
    return to_jsonable_python(value)


def piece_at(pieces: Sequence[T], cursor: str | None, section: str) -> tuple[T, str | None]:
    """The piece that a cursor points at, and the cursor of the one after it."""
    if cursor is not None and cursor not in map(str, range(len(pieces))):
        raise InputError(f"{cursor!r} is no cursor of {section!r}; leave it out to begin at the start")
    at = int(cursor or 0)
    return pieces[at], str(at + 1) if at + 1 < len(pieces) else None


def pieces_of(value: Json, limit: int) -> list[Json]:
    """The value in pieces of its own form, each of at most `limit` characters as far as lists and objects allow."""
    if not isinstance(value, list | dict) or len(json.dumps(value, ensure_ascii=False)) <= limit:
        return [value]
    if isinstance(value, list):
        items = [piece for item in value for piece in pieces_of(item, limit)]
        return [list(group) for group in _grouped(items, range(len(items)), limit)]
    entries = [(key, piece) for key, part in value.items() for piece in pieces_of(part, limit)]
    return [dict(group) for group in _grouped(entries, [key for key, _ in entries], limit)]


def _grouped(items: Sequence[T], keys: Sequence[str | int], limit: int) -> list[list[T]]:
    """The items in order, in groups of at most `limit` characters, in none of which a key comes twice."""
    groups: list[list[T]] = [[]]
    size = 0
    seen: set[str | int] = set()
    for item, key in zip(items, keys, strict=True):
        length = len(json.dumps(item, ensure_ascii=False))
        if groups[-1] and (size + length > limit or key in seen):
            groups.append([])
            size = 0
            seen.clear()
        groups[-1].append(item)
        size += length
        seen.add(key)
    return groups
