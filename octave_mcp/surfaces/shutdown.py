"""Ends a server within two seconds after Ctrl-C or SIGTERM, even if its threads are blocked.

The next server resumes the interrupted runs, as after a crash.
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

MAX_SECONDS = 1.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def exit_timer() -> Callable[[int], None]:
    """Return a callback for signal handlers. The callback ends the process after MAX_SECONDS, even if closing hangs."""
    # Start the thread here and not in the signal handler. A handler can interrupt code that is just starting a thread,
    # and if the handler then started a thread too, it would deadlock. It is safe for the handler to put a number into a
    # SimpleQueue.
    signals: SimpleQueue[int] = SimpleQueue()

    def watch() -> None:
        number = signals.get()
        time.sleep(MAX_SECONDS)
        os._exit(_code(number))

    threading.Thread(target=watch, name="exit-timer", daemon=True).start()
    return signals.put


@contextmanager
def ended_by_a_signal(close: Callable[[], Awaitable[None]]) -> Generator[None]:
    """On a signal, call `close` in the running event loop, and then end the process."""
    # End the process after `close`. Otherwise, the MCP server on stdio would still wait for the next line from the
    # client.
    loop, end_in_time, ending = asyncio.get_running_loop(), exit_timer(), set[asyncio.Task[None]]()

    async def end(number: int) -> None:
        try:
            await close()
        finally:
            _end(number)

    def on_signal(number: int, _: FrameType | None) -> None:
        end_in_time(number)
        loop.call_soon_threadsafe(lambda: ending.add(asyncio.create_task(end(number))))

    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int) -> None:
    """Exit in the same way as if the signal had ended the process."""
    # In a container, SIGTERM with its default action does not end process 1. In this case, os._exit ends the process.
    if number == signal.SIGTERM:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    os._exit(_code(number))


def _code(number: int) -> int:
    return 128 + number
