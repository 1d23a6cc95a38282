"""What every value of the domain is: frozen, closed, compared by content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    # Deferred: a server that is asked for its tools builds the schemas of those tools, not of every value.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def walk(value: object) -> Iterator[Value]:
    """The value and every value within it, however deep; what holds others comes before them."""
    if isinstance(value, Value):
        yield value
        for name in type(value).model_fields:
            yield from walk(getattr(value, name))
    elif isinstance(value, tuple):
        for part in cast("tuple[object, ...]", value):
            yield from walk(part)
