"""Differences between two playbooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, cast

from pydantic import JsonValue, WithJsonSchema
from pydantic_core import to_json, to_jsonable_python

from octave_mcp.domain.parts import keys_of, steps_of, written
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.value import Path, Value, part_at

# Without this annotation, pydantic would add a definition of JsonValue to the schema of each tool that returns changes,
# which would make the schemas longer.
AnyJson = Annotated[JsonValue, WithJsonSchema({"description": "Any JSON"})]


class Change(Value):
    """A part that differs between two playbooks. `path` is the part's path in the earlier playbook.

    `before` is null for an added entry, such as new evidence; `after` is null for a removed entry.
    """

    path: str
    before: AnyJson
    after: AnyJson


Diff = tuple[Change, ...]


def diff(before: Playbook, after: Playbook) -> Diff:
    """Return the smallest parts that differ. If the length of a list changed, the whole list is one change."""
    return tuple(
        Change(path=written(before, at), before=to_jsonable_python(old), after=to_jsonable_python(new))
        for at, old, new in _differing(before, after, ())
    )


def applied(changes: Sequence[Change], base: Playbook) -> Playbook:
    """Apply the changes to the earlier playbook `base`, so that `applied(diff(a, b), a) == b`."""
    document: Any = base.model_dump(mode="json")
    for change in changes:
        *above, last = _path_in(base, change.path)
        holder = document
        for step in above:
            holder = holder[step]
        # In a mapping, null means that the entry was removed; in a field or a list, null is an ordinary value.
        if change.after is None and isinstance(part_at(base, tuple(above)), dict):
            del holder[last]
        else:
            holder[last] = change.after
    return Playbook.model_validate_json(to_json(document))


def _differing(old: object, new: object, at: Path) -> Iterator[tuple[Path, object, object]]:
    if old == new:
        return
    parts = _parts(old, new)
    if parts is None:
        yield at, old, new
    else:
        for key, one, other in parts:
            yield from _differing(one, other, (*at, key))


def _parts(old: object, new: object) -> Iterable[tuple[str | int, object, object]] | None:
    """Return a (key, old, new) tuple for each part; None for scalars and for lists of different lengths."""
    if isinstance(old, Value) and type(old) is type(new):
        return ((name, getattr(old, name), getattr(new, name)) for name in type(old).model_fields)
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("dict[str, object]", old), cast("dict[str, object]", new)
        return ((key, before.get(key), after.get(key)) for key in {**before, **after})
    if isinstance(old, tuple) and isinstance(new, tuple):
        one, other = cast("tuple[object, ...]", old), cast("tuple[object, ...]", new)
        return zip(range(len(one)), one, other, strict=True) if len(one) == len(other) else None
    return None


def _path_in(base: Playbook, path: str) -> Path:
    """Parse a path into field names, keys and indexes.

    The last step can be a key that `base` does not have, because a change can add an entry.
    """
    found: Path = ()
    for step in steps_of(path):
        keys = keys_of(part_at(base, found), step)
        found = (*found, keys[0] if keys else step)
    return found
