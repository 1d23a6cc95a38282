"""What every value of the domain is: frozen, closed, compared by content."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, create_model

V = TypeVar("V", bound="Value")


# Where a part of a value is: names of fields and places in lists, as `("facts", 9, "text")`.
Path = tuple[str | int, ...]


class Value(BaseModel):
    # Deferred: a server that is asked for its tools builds the schemas of those tools, not of every value.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def walk(value: object) -> Iterator[Value]:
    """The value and every value within it, however deep; what holds others comes before them."""
    return (found for _, found in located(value))


def located(value: object, at: Path = ()) -> Iterator[tuple[Path, Value]]:
    """What `walk` gives, each with its path."""
    found: list[tuple[Path, Value]] = []
    _gather(value, at, found)
    return iter(found)


# Generators within generators, and asking pydantic of each text whether it is a value, would take three times as long.
def _gather(value: object, at: Path, found: list[tuple[Path, Value]]) -> None:
    if isinstance(value, tuple):
        for place, part in enumerate(cast("tuple[object, ...]", value)):
            if type(part) not in _LEAVES:
                _gather(part, (*at, place), found)
    elif isinstance(value, Value):
        found.append((at, value))
        for name in type(value).model_fields:
            if type(part := getattr(value, name)) not in _LEAVES:
                _gather(part, (*at, name), found)


_LEAVES = frozenset((str, int, float, bool, type(None)))


def path_text(path: Path) -> str:
    """As it is written in code: `facts[9].text`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def is_within(at: Path, part: Path) -> bool:
    """Whether it is that part, or in it."""
    return at[: len(part)] == part


def overlap(one: Path, other: Path) -> bool:
    """Whether one of the two is the other, or in it."""
    return is_within(one, other) or is_within(other, one)


def part_at(value: object, path: Path) -> object:
    """What stands at a path; None where there is nothing."""
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
    """The type of what stands at a path of a value of this form, None aside.

    Raises:
        KeyError: the form has no such place.
    """
    for step in path:
        form = get_args(form)[0] if isinstance(step, int) else form.model_fields[step].annotation
        if type(None) in (kinds := get_args(form)):
            form = next(kind for kind in kinds if kind is not type(None))
    return form


def changed(value: V, parts: Mapping[Path, object]) -> V:
    """The value with these parts in place of those at their paths, which it must have; it is not validated."""
    above = {path[:length] for path in parts for length in range(len(path))}
    return cast("V", _changed(value, parts, above, ()))


def _changed(value: object, parts: Mapping[Path, object], above: Container[Path], at: Path) -> object:
    """`above` are the paths of what has a part that changes: the others stay as they are."""
    if at in parts:
        return parts[at]
    if at not in above:
        return value
    if isinstance(value, Value):
        names = type(value).model_fields
        return value.model_copy(update={n: _changed(getattr(value, n), parts, above, (*at, n)) for n in names})
    if isinstance(value, tuple):
        listed = enumerate(cast("tuple[object, ...]", value))
        return tuple(_changed(part, parts, above, (*at, place)) for place, part in listed)
    return value


def with_texts(value: V, change: Callable[[str], str]) -> V:
    """The value with each text in it changed; a text of which there are only certain ones stays as it is."""
    texts: dict[Path, object] = {}
    for at, part in located(value):
        for name, field in type(part).model_fields.items():
            if field.annotation is str and (new := change(given := getattr(part, name))) != given:
                texts[(*at, name)] = new
    return changed(value, texts)


def place_before(path: Path, removed: Iterable[Path]) -> Path:
    """The path that a part had before entries were removed from their lists; `removed` are paths of that time."""
    found: Path = ()
    gone = sorted((place for place in removed if place and isinstance(place[-1], int)), key=lambda place: place[-1])
    for step in path:
        if isinstance(step, int):
            for place in gone:
                step += place[:-1] == found and cast("int", place[-1]) <= step  # noqa: PLW2901 - it moves on
        found = (*found, step)
    return found


ADVICE, SPOKEN = "advice", "spoken"
# Tells a rep what to do, or what something is for. It claims nothing of a company, as what is spoken does.
Advice = Annotated[str, ADVICE]
# What a rep and a buyer ask or tell each other.
Spoken = Annotated[str, SPOKEN]


def manner_of(value: Value, field: str) -> Literal["advice", "spoken", ""]:
    """What a field without evidence of its own says, by its type."""
    told = type(value).model_fields[field].metadata
    return "advice" if ADVICE in told else "spoken" if SPOKEN in told else ""


@cache
def only(form: type[Value], names: tuple[str, ...]) -> type[Value]:
    """The form with these fields alone."""
    if {*names} == {*form.model_fields}:
        return form
    fields = {name: field_of(form, name) for name in names}
    return create_model(form.__name__.partition("[")[0], __base__=Value, **fields)


def field_of(form: type[Value], name: str, kind: object = None) -> Any:  # noqa: ANN401 - what create_model takes
    """A required field like that of the form, or one of another `kind` that says the same, as an entry of its list."""
    field = form.model_fields[name]
    kind = kind or field.annotation
    return (Annotated[kind, *field.metadata] if field.metadata else kind, ...)
