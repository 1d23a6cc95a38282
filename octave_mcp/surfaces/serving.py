"""What a server holds while it runs, whichever way it is reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from loguru import logger

from octave_mcp.domain.events import Event
from octave_mcp.errors import OctaveError
from octave_mcp.observability import logs
from octave_mcp.settings import Settings

if TYPE_CHECKING:
    from octave_mcp.app import App

SETTLING_SECONDS = 2.0
"""How long the first call may take to come: a client that has just connected lists the tools before it calls one."""


class Server:
    """The application, opened by the first call, or a little later to carry on the runs of an earlier server.

    Opening it loads a database and an engine, which a client that waits for the list of tools must not wait for.
    `at_once` opens it as soon as the server begins; `observers` are told the events, beside the log.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        grace_seconds: float = 0,
        observers: tuple[Callable[[Event], None], ...] = (),
        at_once: bool = False,
    ) -> None:
        self.settings = settings
        self._grace_seconds = grace_seconds
        self._observers = (logs.log_event, *observers)
        self._called = asyncio.Event()
        if at_once:
            self._called.set()
        self._opening: asyncio.Task[App] | None = None

    def begin(self) -> asyncio.Task[App]:
        self._opening = asyncio.create_task(self._open())
        self._opening.add_done_callback(_log_failure)
        return self._opening

    @property
    def is_open(self) -> bool:
        return self._opening is not None and self._opening.done() and not _failed(self._opening)

    async def app(self) -> App:
        """The open application.

        Raises:
            SetupError, StoreFailed: it cannot be opened; the next call tries again.
        """
        self._called.set()
        opening = self._opening
        if opening is None or _failed(opening):
            opening = self.begin()
        return await asyncio.shield(opening)

    async def close(self, *, at_once: bool = False) -> None:
        """Wait for the runs under way to end; with `at_once`, leave them to the next server."""
        opening, self._opening = self._opening, None
        if opening is None:  # never opened, or already closing
            return
        if not self._called.is_set():
            opening.cancel()
        await asyncio.wait((opening,))
        if not _failed(opening):
            await opening.result().runs.close(0 if at_once else self._grace_seconds)

    async def _open(self) -> App:
        try:
            async with asyncio.timeout(SETTLING_SECONDS):
                await self._called.wait()
        except TimeoutError:
            self._called.set()
        app = await asyncio.to_thread(_make, self.settings, self._observers)
        await app.runs.open()
        return app


def _make(settings: Settings, observers: tuple[Callable[[Event], None], ...]) -> App:
    from octave_mcp.app import App  # noqa: PLC0415 - it brings the store and the engine

    return App(settings, observers)


def _log_failure(opening: asyncio.Task[App]) -> None:
    """The next call gets this error too, but that may be long after the server was started."""
    failed = None if opening.cancelled() else opening.exception()
    if isinstance(failed, OctaveError):
        logger.error("the server cannot open; calls will fail: {}", str(failed))


def _failed(opening: asyncio.Task[App]) -> bool:
    return opening.done() and (opening.cancelled() or opening.exception() is not None)
