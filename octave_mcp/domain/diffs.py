"""What differs between two playbooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, cast

from pydantic import JsonValue, WithJsonSchema
from pydantic_core import to_json, to_jsonable_python

from octave_mcp.domain.parts import keys_of, steps_of, written
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.value import Path, Value, part_at

# Without a schema of its own that others refer to.
AnyJson = Annotated[JsonValue, WithJsonSchema({"description": "Any JSON"})]


class Change(Value):
    """A part that differs. `path` is as the playbook before writes it.

    An entry that only one of the playbooks has, such as a piece of evidence, is null in the other.
    """

    path: str
    before: AnyJson
    after: AnyJson


Diff = tuple[Change, ...]


def diff(before: Playbook, after: Playbook) -> Diff:
    """The smallest parts that differ; a list with more or fewer entries differs as a whole."""
    return tuple(
        Change(path=written(before, at), before=to_jsonable_python(old), after=to_jsonable_python(new))
        for at, old, new in _differing(before, after, ())
    )


def applied(changes: Sequence[Change], base: Playbook) -> Playbook:
    """`applied(diff(a, b), a) == b`."""
    found: Any = base.model_dump(mode="json")
    for change in changes:
        *above, last = _path_in(base, change.path)
        place = found
        for step in above:
            place = place[step]
        if change.after is None and isinstance(part_at(base, tuple(above)), dict):
            del place[last]
        else:
            place[last] = change.after
    return Playbook.model_validate_json(to_json(found))


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
    """The parts of two values of one form, in pairs; None for texts, numbers, and lists of different lengths."""
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
    """The path as the base has it; the last step may be the key of an entry that the base does not have."""
    found: Path = ()
    for step in steps_of(path):
        keys = keys_of(part_at(base, found), step)
        found = (*found, keys[0] if keys else step)
    return found
