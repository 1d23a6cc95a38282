"""Run coroutines concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, TypeVar, overload

from octave_mcp.concurrency.critical_path import joined, strand_in

T = TypeVar("T")
U = TypeVar("U")


@overload
async def together(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U], /) -> tuple[T, U]: ...
@overload
async def together(*calls: Coroutine[Any, Any, T]) -> tuple[T, ...]: ...
async def together(*calls: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """Run calls concurrently and return their results in order.

    If a call fails, cancel the other calls and raise the failure.
    """
    # A TaskGroup alone would raise an ExceptionGroup, which `except OctaveError` does not catch. `asyncio.gather` would
    # leave the other calls running and spending money.
    contexts = [copy_context() for _ in calls]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call, context=own) for call, own in zip(calls, contexts, strict=True)]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    finally:
        joined(*map(strand_in, contexts))
    return tuple(task.result() for task in tasks)
