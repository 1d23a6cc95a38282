"""Split long lists and long sections of a playbook into pieces that callers request one by one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from pydantic_core import to_jsonable_python

from octave_mcp.errors import InputError

T = TypeVar("T")
Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | bool | None"

# Approximate maximum number of characters of a section in one result, about 20,000 tokens. A single longer text can
# exceed it.
SECTION_CHARACTERS = 76_000


def cursor_of(ids: Sequence[str], limit: int) -> str | None:
    """Return the id after which the next list starts, or None if there are no more entries.

    `ids` must be the result of a query for `limit + 1` entries.
    """
    return ids[limit - 1] if len(ids) > limit else None


def dumped(value: object) -> Json:
    """Convert a part of a playbook to JSON values."""
    return to_jsonable_python(value)


def piece_at(pieces: Sequence[T], cursor: str | None, section: str) -> tuple[T, str | None]:
    """Return the piece at the cursor, and the cursor of the next piece.

    Raises:
        InputError: If the cursor is invalid.
    """
    if cursor is not None and cursor not in map(str, range(len(pieces))):
        raise InputError(f"invalid cursor {cursor!r} for {section!r}; leave it out to start at the beginning")
    at = int(cursor or 0)
    return pieces[at], str(at + 1) if at + 1 < len(pieces) else None


def pieces_of(value: Json, limit: int) -> list[Json]:
    """Split a list or an object into lists or objects of at most `limit` characters each.

    A text is never split, so a text that is longer than the limit becomes a piece that exceeds the limit.
    """
    if not isinstance(value, list | dict) or len(json.dumps(value, ensure_ascii=False)) <= limit:
        return [value]
    if isinstance(value, list):
        items = [piece for item in value for piece in pieces_of(item, limit)]
        return [list(group) for group in _grouped(items, range(len(items)), limit)]
    entries = [(key, piece) for key, part in value.items() for piece in pieces_of(part, limit)]
    return [dict(group) for group in _grouped(entries, [key for key, _ in entries], limit)]


def _grouped(items: Sequence[T], keys: Sequence[str | int], limit: int) -> list[list[T]]:
    """Split the items into groups of at most `limit` characters, without changing their order.

    If a long value was split, put its pieces into different groups. All its pieces have the same key, so they would
    overwrite each other in one JSON object.
    """
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
