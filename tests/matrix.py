"""Parameters for tests with many cases. `make test` runs a sample of the cases, and `make long` runs the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import pytest
from _pytest.mark import ParameterSet

T = TypeVar("T")


def sampled(values: Iterable[T], short: Callable[[T], bool]) -> list[ParameterSet]:
    """Return pytest parameters, one for each value.

    If `short` returns false for a value, `make test` skips the value, and only `make long` tests it. If a value is a
    tuple, its items become several arguments of the test, as in `pytest.mark.parametrize`.
    """
    return [pytest.param(*_spread(value), marks=() if short(value) else (pytest.mark.long,)) for value in values]


def _spread(value: object) -> tuple[Any, ...]:
    return cast("tuple[Any, ...]", value) if isinstance(value, tuple) else (value,)
