"""The application of a running server, shared by the MCP and HTTP surfaces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from octave_mcp.concurrency.computing import stay_responsive
from octave_mcp.concurrency.supervision import Supervisor, finished
from octave_mcp.domain.events import Event
from octave_mcp.errors import NotReady, OctaveError, StoreFailed, by_name, name_of
from octave_mcp.observability import logs
from octave_mcp.observability.optional_traces import traces_for
from octave_mcp.settings import Settings

if TYPE_CHECKING:
    from octave_mcp.app import App

# If no call arrives within this time, the application is opened anyway. Opening the application immediately would delay
# the list of tools, which a client requests as soon as it is connected.
SETTLING_SECONDS = 2.0
# If the database does not open within this time, a call that waits for it returns an error.
OPENING_SECONDS = 30.0
OPENING = "opening the database"


class Server:
    """Opens the application on the first call, and closes it when the server stops.

    If no call arrives within SETTLING_SECONDS, the application is opened anyway, to resume the runs of an earlier
    server. The packages `store` and `engine` are imported only when the application is opened. If opening fails, it is
    retried until it succeeds.

    `at_once` opens the application as soon as the server starts. `observers` receive all events, in addition to the
    log. If `tunes_when_open` is true, the interpreter is tuned as soon as the application is open. Tuning it before
    that would delay the tool list.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        grace_seconds: float = 0,
        observers: tuple[Callable[[Event], None], ...] = (),
        at_once: bool = False,
        tunes_when_open: bool = False,
    ) -> None:
        self.settings = settings
        self._grace_seconds = grace_seconds
        self._tunes_when_open = tunes_when_open
        self._traces = traces_for(settings)
        self._observers = (logs.log_event, *observers, *((self._traces.observe,) if self._traces else ()))
        self._called, self._attempted = asyncio.Event(), asyncio.Event()
        if at_once:
            self._called.set()
        self._supervisor = Supervisor()
        self._app: App | None = None
        self._failed: OctaveError | None = None

    def begin(self) -> None:
        logs.warn_about_unknown(self.settings)
        self._supervisor.start(OPENING, self._open)

    @property
    def is_open(self) -> bool:
        return self._app is not None

    @property
    def failing(self) -> dict[str, str]:
        """The background tasks that have failed and are being retried, each with the reason of its failure."""
        return {**self._supervisor.failing, **(self._app.supervisor.failing if self._app else {})}

    async def app(self) -> App:
        """Wait until the application is open, and return it.

        Raises:
            SetupError, StoreFailed, NotReady: If the application could not be opened. The text of the error is the
            reason why the last attempt failed.
        """
        self._called.set()
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                await self._attempted.wait()
        except TimeoutError:
            raise NotReady("the database does not answer; check that it is running, then try again") from None
        if self._app is None:
            raise self._reason()
        return self._app

    def _reason(self) -> OctaveError:
        # Create a new error for each call, because raising the same error again would lengthen its traceback.
        if self._failed:
            return by_name(name_of(self._failed), str(self._failed))
        return NotReady(self.failing.get(OPENING, "the server is stopping; try again in a moment"))

    async def when_open(self) -> App | None:
        """Wait for the first attempt to open the application, but do not cause it. Return None if it failed."""
        await self._attempted.wait()
        return self._app

    async def close(self, *, at_once: bool = False) -> None:
        """Give the runs a grace period to finish, and then close the application.

        With `at_once`, there is no grace period, and the next server resumes the runs.
        """
        await self._supervisor.close()
        app, self._app = self._app, None
        if app:
            await app.runs.close(0 if at_once else self._grace_seconds)
        if self._traces:
            await asyncio.to_thread(self._traces.close)

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(SETTLING_SECONDS):
                await self._called.wait()
        except TimeoutError:
            self._called.set()
        try:
            await finished(self._open_app())
        except OctaveError as failed:
            self._failed = self._with_advice(failed)
            raise self._failed from None
        finally:
            self._attempted.set()

    async def _open_app(self) -> None:
        app = await asyncio.to_thread(_make, self.settings, self._observers)
        await app.runs.open()
        self._app, self._failed = app, None
        if self._tunes_when_open:
            stay_responsive()

    def _with_advice(self, failed: OctaveError) -> OctaveError:
        if not isinstance(failed, StoreFailed):
            return failed
        setting = "OCTAVE_DATABASE_URL" if self.settings.database_url else "OCTAVE_HOME"
        return StoreFailed(f"{failed}; check {setting}; the server keeps retrying")


def _make(settings: Settings, observers: tuple[Callable[[Event], None], ...]) -> App:
    from octave_mcp.app import App  # noqa: PLC0415 - slow to import, and not needed to list the tools

    return App(settings, observers)
