"""Work done here and now, in the caller's event loop; a run ends with its process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class Inline:
    async def step(self, name: str, call: Callable[[], Awaitable[T]]) -> T:  # noqa: ARG002 - a durable engine needs it
        return await call()

    async def branch(self, name: str, call: Callable[[], Awaitable[T]]) -> T:  # noqa: ARG002 - ditto
        return await call()
