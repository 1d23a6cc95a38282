"""The base class of all domain types, and functions that find parts of a value or return a changed copy of it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, create_model

V = TypeVar("V", bound="Value")

# Location of a part of a value: field names, keys and list indexes, such as `("facts", 9, "text")`.
Path = tuple[str | int, ...]


class Value(BaseModel):
    """Base class of immutable values that are compared by content. Unknown fields are rejected."""

    # Build validators on first use, because a server that only lists its tools needs few of the many types.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def walk(value: object) -> Iterator[Value]:
    """Yield the value and all values nested in it, parents before children."""
    return (part for _, part in located(value))


def located(value: object, at: Path = ()) -> Iterator[tuple[Path, Value]]:
    """Yield the value and all values nested in it, each with its path, parents before children."""
    found: list[tuple[Path, Value]] = []
    _gather(value, at, found)
    return iter(found)


# For speed, this function appends to one list, reads only the fields that can hold values, and skips scalars by their
# exact type. Nested generators with an isinstance check for each text took six times as long as this function.
def _gather(value: object, at: Path, found: list[tuple[Path, Value]]) -> None:
    if isinstance(value, tuple):
        for index, part in enumerate(cast("tuple[object, ...]", value)):
            if type(part) not in _SCALARS:
                _gather(part, (*at, index), found)
    elif isinstance(value, Value):
        found.append((at, value))
        for name in _fields_with_values(type(value)):
            if type(part := getattr(value, name)) not in _SCALARS:
                _gather(part, (*at, name), found)


_SCALARS = frozenset((str, int, float, bool, type(None)))
_WITHOUT_VALUES = _SCALARS | {date, datetime, ...}
# The number of types to remember the fields of. The patches of answers are created types, so the number is limited.
MAX_FORMS = 1024


@lru_cache(maxsize=MAX_FORMS)
def _fields_with_values(form: type[Value]) -> tuple[str, ...]:
    """Return the fields that can hold other values, directly or in a tuple."""
    return tuple(name for name, field in form.model_fields.items() if _may_hold_values(field.annotation))


def _may_hold_values(kind: object) -> bool:
    if get_origin(kind) is Literal:
        return False
    return any(map(_may_hold_values, kinds)) if (kinds := get_args(kind)) else kind not in _WITHOUT_VALUES


@lru_cache(maxsize=MAX_FORMS)
def defined(form: type[Value], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the names that `form` defines, as a field or as a property.

    Reading a missing attribute of a value raises and catches several errors, which takes much longer.
    """
    return tuple(name for name in names if name in form.model_fields or hasattr(form, name))


def path_text(path: Path) -> str:
    """Format a path like code: `facts[9].text`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def is_within(at: Path, part: Path) -> bool:
    """Whether the path `at` is equal to the path `part` or inside it."""
    return at[: len(part)] == part


def overlap(first: Path, second: Path) -> bool:
    """Whether two paths are equal or one of them is inside the other."""
    return is_within(first, second) or is_within(second, first)


def part_at(value: object, path: Path) -> object:
    """Return the part of a value at a path, or None if the value has no such part."""
    for step in path:
        if isinstance(value, Value) and isinstance(step, str):
            value = getattr(value, step, None)
        elif isinstance(value, tuple) and isinstance(step, int):
            parts = cast("tuple[object, ...]", value)
            value = parts[step] if step < len(parts) else None
        elif isinstance(value, dict):
            value = cast("dict[str | int, object]", value).get(step)
        else:
            return None
    return value


def form_at(form: Any, path: Path) -> Any:  # noqa: ANN401 - a type
    """Return the type of the part that `path` leads to, starting at the type `form`.

    If the part is optional, the result is the type without `None`.

    Raises:
        KeyError: If the type has no such field.
    """
    for step in path:
        form = get_args(form)[0] if isinstance(step, int) else form.model_fields[step].annotation
        if type(None) in (kinds := get_args(form)):
            form = next(kind for kind in kinds if kind is not type(None))
    return form


def changed(value: V, parts: Mapping[Path, object]) -> V:
    """Return a copy of `value` with the parts at the given paths replaced.

    The paths must exist; the copy is not validated.
    """
    above = {path[:length] for path in parts for length in range(len(path))}
    return cast("V", _changed(value, parts, above, ()))


def _changed(value: object, parts: Mapping[Path, object], above: Container[Path], at: Path) -> object:
    """`at`: the path of `value`. `above`: the paths of all values that contain a replaced part."""
    if at in parts:
        return parts[at]
    if at not in above:
        return value
    if isinstance(value, Value):
        names = type(value).model_fields
        return value.model_copy(update={n: _changed(getattr(value, n), parts, above, (*at, n)) for n in names})
    if isinstance(value, tuple):
        listed = enumerate(cast("tuple[object, ...]", value))
        return tuple(_changed(part, parts, above, (*at, index)) for index, part in listed)
    return value


def with_texts(value: V, change: Callable[[str], str]) -> V:
    """Return a copy of `value` in which `change` was applied to every text field, but not to `Literal` fields."""
    texts: dict[Path, object] = {}
    for at, part in located(value):
        for name, field in type(part).model_fields.items():
            if field.annotation is str and (new := change(given := getattr(part, name))) != given:
                texts[(*at, name)] = new
    return changed(value, texts)


def place_before(path: Path, removed: Iterable[Path]) -> Path:
    """Return the original path of a part.

    `path`: the path of the part after the removal of some list entries. `removed`: the paths that the removed entries
    had originally.
    """
    original: Path = ()
    entries = sorted((entry for entry in removed if entry and isinstance(entry[-1], int)), key=lambda entry: entry[-1])
    for step in path:
        if isinstance(step, int):
            # Add one to the index for each removed entry at or before the index. Process the removed entries in
            # ascending order: if the entries 2 and 3 were removed, the index 2 becomes 3, and then 4.
            for entry in entries:
                step += entry[:-1] == original and cast("int", entry[-1]) <= step  # noqa: PLW2901 - moves up
        original = (*original, step)
    return original


ADVICE, SPOKEN = "advice", "spoken"
# Text that tells a rep what to do or what something is for. It can name sales methods without evidence.
Advice = Annotated[str, ADVICE]
# Text that the rep says to the buyer, or that the buyer says to the rep.
Spoken = Annotated[str, SPOKEN]


def manner_of(value: Value, field: str) -> Literal["advice", "spoken", ""]:
    """Return 'advice' if the type of the field is `Advice`, 'spoken' if it is `Spoken`, otherwise ''."""
    markers = type(value).model_fields[field].metadata
    return "advice" if ADVICE in markers else "spoken" if SPOKEN in markers else ""


@cache
def only(form: type[Value], names: tuple[str, ...]) -> type[Value]:
    """Return a copy of the type `form` that has only the fields listed in `names`."""
    if {*names} == {*form.model_fields}:
        return form
    fields = {name: field_of(form, name) for name in names}
    return create_model(form.__name__.partition("[")[0], __base__=Value, **fields)


def field_of(form: type[Value], name: str, kind: object = None) -> Any:  # noqa: ANN401 - what create_model takes
    """Define a required field with the same type and metadata as the field `name` in the type `form`.

    If `kind` is given, the new field has the type `kind` instead, for example the type of one list entry.
    """
    field = form.model_fields[name]
    kind = kind or field.annotation
    return (Annotated[kind, *field.metadata] if field.metadata else kind, ...)
