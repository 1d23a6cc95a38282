"""An executor for CPU-bound work. One thread runs all jobs, but a slow job does not block the queue.

Python runs only one thread at a time, so the event loop takes turns with the computing threads. With two computing
threads, callers wait nearly twice as long as with one thread. With four threads, callers wait five times as long. More
threads do not make any run end sooner. Therefore one thread takes all jobs. If a job is slow, another thread takes over
the queue. A job that takes too long is stopped, and its caller gets an error.

Among the jobs of runs that read pages, those of the oldest run come first, so that some of many runs that start at once
end sooner. All other jobs take turns with these jobs. Other jobs are those of requests, and those of runs that have
just started, because opening a website has a time limit.

C code, such as the regular expression engine, cannot be stopped, and can block all other threads while it runs.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import math
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

from octave_mcp.concurrency.current import READING_SINCE
from octave_mcp.errors import NotReady, TookTooLong

# If a job runs for longer than this, it is slow, and another thread takes over the queue.
SLOW_SECONDS = 2.0
# Time limit of a job, measured from its start. Even the slowest real pages need only a few seconds of computation.
MAX_SECONDS = 60.0
MAX_THREADS = 4
CHECK_SECONDS = 0.25

_STOPPED = "a computation took more than {:g} seconds and was stopped; see the log; lower max_pages and start a new run"

_LOG = logging.getLogger(__name__)


class _Stopped(BaseException):
    """Raised in a thread whose job took too long.

    `_Stopped` is a `BaseException`, so that `except Exception` in the job does not catch it.
    """


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[], Any]
    done: Future[Any] = field(default_factory=Future[Any])
    started_at: float = math.inf

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started_at


class _Queue:
    """Jobs in the order in which they are to be executed.

    `_Stopped` can be raised in a thread that uses the queue, so the queue has no lock.
    """

    def __init__(self) -> None:
        self._others = deque[_Job]()
        self._runs: list[tuple[float, int, _Job]] = []
        self._numbers = count()
        self._queued = SimpleQueue[bool]()
        self._last_was_other = False

    def put(self, job: _Job) -> None:
        if (since := READING_SINCE.get()) is None:
            self._others.append(job)
        else:
            heappush(self._runs, (since, next(self._numbers), job))
        self._queued.put(item=True)

    def get(self) -> _Job:
        """Remove the first job and return it. If there is none, wait for one."""
        self._queued.get()
        # After another job, the next job is a run's, so that many requests cannot stop all runs.
        takes_other = bool(self._others) and not (self._last_was_other and self._runs)
        self._last_was_other = takes_other
        # While one thread takes over from another, both can take a job, so the chosen job can be gone.
        with suppress(IndexError):
            return self._others.popleft() if takes_other else heappop(self._runs)[-1]
        return heappop(self._runs)[-1] if takes_other else self._others.popleft()

    @property
    def is_empty(self) -> bool:
        return self._queued.empty()


class Workers(Executor):
    """An executor that runs one job at a time, or more if a job is slow."""

    def __init__(self) -> None:
        self.queue = _Queue()
        self.current: _Worker | None = None
        """The worker that takes jobs from the queue. Every other worker ends after its current job."""
        self._all: list[_Worker] = []
        self._open: set[Future[Any]] = set()
        # The event is cleared while there are no jobs, so that the watching thread does not wake an idle process.
        self._has_work = Event()
        # Workers must not take this lock: `_Stopped` can be raised in a worker at any instruction, so the lock might
        # never be released.
        self._lock = Lock()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - its own
        """Queue a job and return its future. A job that is cancelled while it is in the queue never starts.

        Raises:
            NotReady: If every thread is stuck in a job that cannot be stopped.
        """
        self.check()
        with self._lock:
            if self.current is None:
                self._start_worker()
                Thread(target=self._watch, name="compute-watch", daemon=True).start()
                atexit.register(self._close)
        job = _Job(partial(work, *args, **kwargs))
        self._open.add(job.done)
        job.done.add_done_callback(self._open.discard)
        self.queue.put(job)
        self._has_work.set()
        return job.done

    def check(self) -> None:
        """Check that jobs can be executed.

        Raises:
            NotReady: If every thread is stuck in a job that cannot be stopped.
        """
        if self._are_all_stuck:
            raise _stuck()

    @property
    def _are_all_stuck(self) -> bool:
        return len(self._all) == MAX_THREADS and all(worker.is_stuck for worker in self._all)

    def _start_worker(self) -> None:
        self.current = _Worker(self)
        self._all.append(self.current)
        self.current.start()

    def _watch(self) -> None:
        while self.current:
            self._has_work.wait()
            time.sleep(CHECK_SECONDS)
            with self._lock:
                # Clear the event before the check. If a job is submitted during the check, it sets the event again and
                # is not missed.
                self._has_work.clear()
                if self.current:
                    self._supervise(self.current)
                if self._open or len(self._all) > 1 or any(worker.has_job for worker in self._all):
                    self._has_work.set()

    def _supervise(self, current: _Worker) -> None:
        self._all = [worker for worker in self._all if worker.is_alive()]
        for worker in self._all:
            worker.supervise()
        takes_work = current in self._all and not current.is_slow
        if not takes_work and len(self._all) < MAX_THREADS:
            self._start_worker()
        # Fail the queued jobs, because no worker is left to take them and their callers might wait forever.
        while self._are_all_stuck and not self.queue.is_empty:
            done = self.queue.get().done
            if done.set_running_or_notify_cancel():
                done.set_exception(_stuck())

    def _close(self) -> None:
        """Give the current job a moment to end, because an exiting interpreter can stop threads at any instruction."""
        with self._lock:
            worker, self.current = self.current, None
        if worker:
            self.queue.put(_Job(lambda: None))
            worker.release()
            worker.join(SLOW_SECONDS)


class _Worker(Thread):
    """A thread that takes jobs as long as it is the current worker.

    A finished worker does not exit until `release` is called. `_Stopped` is sent to a thread ID, which the system can
    reuse after a thread exits. Without this wait, `_Stopped` could be raised in another thread.
    """

    def __init__(self, workers: Workers) -> None:
        super().__init__(name="compute", daemon=True)
        self.is_done = False
        self._workers = workers
        self._job: _Job | None = None
        self._released = SimpleQueue[bool]()

    def run(self) -> None:
        is_released = False
        while not is_released:
            # If `_abort` sets an error just before the job ends, `_execute` cannot set the job's result and raises
            # InvalidStateError.
            with suppress(_Stopped, InvalidStateError):
                self._take_jobs()
                self.is_done = True
                is_released = self._released.get()

    def _take_jobs(self) -> None:
        # If `_job` is still set, the previous job was stopped. The worker then ends, because its state is unreliable
        # after an interruption.
        while self._workers.current is self and self._job is None:
            job = self._workers.queue.get()
            if job.done.set_running_or_notify_cancel():
                job.started_at, self._job = time.monotonic(), job
                _execute(job)
                self._job = None

    def release(self) -> None:
        self._released.put(item=True)

    @property
    def has_job(self) -> bool:
        return self._job is not None

    @property
    def is_slow(self) -> bool:
        """Whether another worker should take over the queue."""
        return self.is_done or self._seconds > SLOW_SECONDS

    @property
    def is_stuck(self) -> bool:
        """Whether the worker's job is still running although `_Stopped` was raised in it."""
        return not self.is_done and self._seconds > MAX_SECONDS + SLOW_SECONDS

    @property
    def _seconds(self) -> float:
        job = self._job
        return job.seconds if job else 0.0

    def supervise(self) -> None:
        job = self._job
        if self.is_done:
            self.release()
        elif job and job.seconds > MAX_SECONDS:
            self._abort(job)

    def _abort(self, job: _Job) -> None:
        """Fail the job with `TookTooLong`, and raise `_Stopped` in the thread."""
        where = self._where
        with suppress(InvalidStateError):
            job.done.set_exception(TookTooLong(_STOPPED.format(MAX_SECONDS)))
            _LOG.error("a computation took more than %g seconds and was stopped: %s", MAX_SECONDS, where)
        # The job may have caught an earlier `_Stopped`, so raise it again whenever `_abort` is called. If the job has
        # just ended by itself, do not raise `_Stopped`.
        if self.ident and isinstance(job.done.exception(), TookTooLong):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(_Stopped))

    @property
    def _where(self) -> str:
        """The three innermost calls on the thread's stack."""
        frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - documented, though private
        frame = frames.get(self.ident or 0)
        calls = traceback.extract_stack(frame)[-3:] if frame else []
        return " > ".join(f"{call.name} (line {call.lineno} of {Path(call.filename).name})" for call in calls)


def _execute(job: _Job) -> None:
    try:
        result = job.work()
    except _Stopped:
        raise
    except BaseException as failed:  # noqa: BLE001 - raised where the caller awaits the result
        job.done.set_exception(failed)
    else:
        job.done.set_result(result)


def _stuck() -> NotReady:
    return NotReady(
        "this server is busy with computations that cannot be stopped; restart it if it is still busy in a minute"
    )
