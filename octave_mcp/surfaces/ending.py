"""One Ctrl-C, or one SIGTERM, ends a server within two seconds, whatever its threads wait for.

What that cuts off is carried on by the next server, as it is after a crash.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

LONGEST_SECONDS = 1.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def deadline() -> Callable[[int], None]:
    """What a signal handler calls, with its signal, to have the process ended in time even if closing hangs.

    The thread is there before the signal: a handler that starts one may interrupt the start of another, and wait for
    it for ever. A SimpleQueue may be used in a handler.
    """
    told: SimpleQueue[int] = SimpleQueue()

    def watch() -> None:
        number = told.get()
        time.sleep(LONGEST_SECONDS)
        os._exit(_code(number))

    threading.Thread(target=watch, name="deadline", daemon=True).start()
    return told.put


@contextmanager
def ended_by_a_signal(close: Callable[[], Awaitable[None]]) -> Generator[None]:
    """Has a signal close what runs in this loop, and then end the process.

    A server on stdio cannot simply return: the thread that reads its stdin waits for the next line.
    """
    loop, end_in_time, ending = asyncio.get_running_loop(), deadline(), set[asyncio.Task[None]]()

    async def end(number: int) -> None:
        try:
            await close()
        finally:
            _end(number)

    def told(number: int, _: FrameType | None) -> None:
        end_in_time(number)
        loop.call_soon_threadsafe(lambda: ending.add(asyncio.create_task(end(number))))

    before = {number: signal.signal(number, told) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int) -> None:
    """As others see a process that the signal ended; a first process of a container outlives its own SIGTERM."""
    if number == signal.SIGTERM:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    os._exit(_code(number))


def _code(number: int) -> int:
    """What a shell says of a process that this signal ended."""
    return 128 + number
