"""What every value of the domain is: frozen, closed, compared by content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, create_model

V = TypeVar("V", bound="Value")


Path = tuple[str | int, ...]
"""Where a part of a value is: names of fields and places in lists, as `("facts", 9, "text")`."""


class Value(BaseModel):
    # Deferred: a server that is asked for its tools builds the schemas of those tools, not of every value.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def walk(value: object) -> Iterator[Value]:
    """The value and every value within it, however deep; what holds others comes before them."""
    return (found for _, found in located(value))


def located(value: object, at: Path = ()) -> Iterator[tuple[Path, Value]]:
    """What `walk` gives, each with its path."""
    if isinstance(value, Value):
        yield at, value
        for name in type(value).model_fields:
            yield from located(getattr(value, name), (*at, name))
    elif isinstance(value, tuple):
        for place, part in enumerate(cast("tuple[object, ...]", value)):
            yield from located(part, (*at, place))


def path_text(path: Path) -> str:
    """As it is written in code: `facts[9].text`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


@cache
def only(form: type[Value], names: tuple[str, ...]) -> type[Value]:
    """The form with these fields alone."""
    if {*names} == {*form.model_fields}:
        return form
    fields: dict[str, Any] = {name: (form.model_fields[name].annotation, ...) for name in names}
    return create_model(form.__name__.partition("[")[0], __base__=Value, **fields)


def with_nothing_else(form: type[V], found: Mapping[str, object]) -> V:
    """A value of the form that has these fields; the others are None where they may be, else empty lists."""
    fields = form.model_fields.items()
    nothing = {name: None if type(None) in get_args(field.annotation) else () for name, field in fields}
    return form.model_validate({**nothing, **found})
