"""Threads for the processor's work: one computes, none can be held up for good.

Python runs one thread at a time, and the event loop waits its turn among those that compute: with two of them callers
wait nearly twice as long as with one, with four five times, and no run ends sooner. So one thread takes the work. If a
piece of it takes long, another thread takes what waits. If it takes too long, its caller gets an error, and it ends.

Code in C, such as a regular expression, cannot be ended, and may stop all threads meanwhile.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import math
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

from octave_mcp.errors import NotReady, TookTooLong

# After this time with one piece of work, a thread no longer keeps the others waiting.
PATIENCE_SECONDS = 2.0
# For one piece of work, from when a thread takes it. The longest that real pages need is a few seconds.
MAX_SECONDS = 60.0
MAX_THREADS = 4
CHECK_SECONDS = 0.25

STOPPED = (
    "a piece of work took more than {:g} seconds and was stopped; the log says which; "
    "lower max_pages and start a new run"
)

_LOG = logging.getLogger(__name__)


class _Ended(BaseException):
    """Raised in a thread whose work took too long; no `except Exception` in that work stops it."""


@dataclass(slots=True, eq=False)
class _Piece:
    work: Callable[[], Any]
    done: Future[Any] = field(default_factory=Future[Any])
    began_at: float = math.inf

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began_at


class Workers(Executor):
    """Does each piece of work in turn."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[_Piece] = SimpleQueue()
        self.current: _Worker | None = None
        """The thread that takes work; the others end with the piece that they have."""
        self._all: list[_Worker] = []
        self._open: set[Future[Any]] = set()
        self._has_work = Event()  # unset, nothing is watched: an idle process wakes up for nothing
        self._lock = Lock()  # never for a worker, in which an exception may be raised at any point

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - its own
        """Its result to be. One that is cancelled before a thread takes it is not begun.

        Raises:
            NotReady: every thread has work that took too long and does not end.
        """
        self.check()
        with self._lock:
            if self.current is None:
                self._begin()
                Thread(target=self._watch, name="compute-watch", daemon=True).start()
                atexit.register(self._close)
        piece = _Piece(partial(work, *args, **kwargs))
        self._open.add(piece.done)
        piece.done.add_done_callback(self._open.discard)
        self.queue.put(piece)
        self._has_work.set()
        return piece.done

    def check(self) -> None:
        """Raises: NotReady: as `submit`."""
        if self._are_lost:
            raise _stuck()

    @property
    def _are_lost(self) -> bool:
        return len(self._all) == MAX_THREADS and all(worker.is_lost for worker in self._all)

    def _begin(self) -> None:
        self.current = _Worker(self)
        self._all.append(self.current)
        self.current.start()

    def _watch(self) -> None:
        while self.current:
            self._has_work.wait()
            time.sleep(CHECK_SECONDS)
            with self._lock:
                self._has_work.clear()
                if self.current:
                    self._look(self.current)
                if self._open or len(self._all) > 1 or any(worker.has_work for worker in self._all):
                    self._has_work.set()

    def _look(self, current: _Worker) -> None:
        self._all = [worker for worker in self._all if worker.is_alive()]
        for worker in self._all:
            worker.look_after()
        takes_work = current in self._all and not current.is_late
        if not takes_work and len(self._all) < MAX_THREADS:
            self._begin()
        while self._are_lost and not self.queue.empty():
            done = self.queue.get().done
            if done.set_running_or_notify_cancel():
                done.set_exception(_stuck())

    def _close(self) -> None:
        """Lets the work under way end, for a moment: an exiting interpreter stops threads wherever they are."""
        with self._lock:
            worker, self.current = self.current, None
        if worker:
            self.queue.put(_Piece(lambda: None))
            worker.let_go()
            worker.join(PATIENCE_SECONDS)


class _Worker(Thread):
    """A thread that is done waits to be let go: another could get its number while `_Ended` is on its way to it."""

    def __init__(self, workers: Workers) -> None:
        super().__init__(name="compute", daemon=True)
        self.is_done = False
        self._workers = workers
        self._piece: _Piece | None = None
        self._let_go = SimpleQueue[bool]()

    def run(self) -> None:
        is_let_go = False
        while not is_let_go:
            with suppress(_Ended, InvalidStateError):  # the latter: its piece was stopped just before it was done
                self._take_work()
                self.is_done = True
                is_let_go = self._let_go.get()

    def _take_work(self) -> None:
        while self._workers.current is self and self._piece is None:
            piece = self._workers.queue.get()
            if piece.done.set_running_or_notify_cancel():
                piece.began_at, self._piece = time.monotonic(), piece
                _do(piece)
                self._piece = None

    def let_go(self) -> None:
        self._let_go.put(item=True)

    @property
    def has_work(self) -> bool:
        return self._piece is not None

    @property
    def is_late(self) -> bool:
        """Whether others should not wait for it."""
        return self.is_done or self._seconds > PATIENCE_SECONDS

    @property
    def is_lost(self) -> bool:
        """Whether it does not end although it was told to."""
        return not self.is_done and self._seconds > MAX_SECONDS + PATIENCE_SECONDS

    @property
    def _seconds(self) -> float:
        piece = self._piece
        return piece.seconds if piece else 0.0

    def look_after(self) -> None:
        piece = self._piece
        if self.is_done:
            self.let_go()
        elif piece and piece.seconds > MAX_SECONDS:
            self._end(piece)

    def _end(self, piece: _Piece) -> None:
        """Gives the caller an error, and raises `_Ended` in the thread: each time, since the work may swallow it."""
        where = self._where
        with suppress(InvalidStateError):
            piece.done.set_exception(TookTooLong(STOPPED.format(MAX_SECONDS)))
            _LOG.error("work took more than %g seconds and was stopped: %s", MAX_SECONDS, where)
        if self.ident and isinstance(piece.done.exception(), TookTooLong):  # else it was done in this moment
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(_Ended))

    @property
    def _where(self) -> str:
        """The innermost calls."""
        frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - documented
        frame = frames.get(self.ident or 0)
        calls = traceback.extract_stack(frame)[-3:] if frame else []
        return " > ".join(f"{call.name} (line {call.lineno} of {Path(call.filename).name})" for call in calls)


def _do(piece: _Piece) -> None:
    try:
        result = piece.work()
    except _Ended:
        raise
    except BaseException as failed:  # noqa: BLE001 - the caller gets it
        piece.done.set_exception(failed)
    else:
        piece.done.set_result(result)


def _stuck() -> NotReady:
    return NotReady("work that does not end holds up this server; if it still does in a minute, restart it")
