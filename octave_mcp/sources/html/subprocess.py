"""Reading of pages that look dangerous: in a subprocess, which can be killed, as a thread cannot.

Run as a program, it is that process: the place of a page and its HTML come in, the page or why it is unread goes out.
"""

from __future__ import annotations

import asyncio
import math
import signal
import sys
import time
from datetime import datetime
from subprocess import PIPE

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.company import Company
from octave_mcp.domain.page import LinkOrigin, Page, PageFailure
from octave_mcp.domain.value import Value
from octave_mcp.sources.html.complexity import is_suspicious, too_complex
from octave_mcp.sources.html.encoding import decoded
from octave_mcp.sources.html.extraction import page_of
from octave_mcp.sources.web.failures import Unread

CPU_SECONDS = 4
"""Per page. CPU time, so that a busy machine does not make a page too complex."""
MOST_BYTES = 1_000_000_000
"""Of memory, the interpreter's included."""
AT_ONCE = 2
PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from octave_mcp.sources.crawler import apart; apart.main()"


class Place(Value):
    """Whose page it is, and where and when it was fetched."""

    url: str
    company: Company
    fetched_at: datetime
    origin: LinkOrigin


class _Outcome(Value):
    page: Page | None = None
    failure: PageFailure | None = None


class Reading:
    """From bytes to pages; no process is started for what most pages are like."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def read(self, body: bytes, charset: str | None, place: Place) -> Page:
        """Raises: Unread: it is hostile, empty, or nothing but a program's shell."""
        page = await computed(_read, body, charset, place)
        if isinstance(page, Page):
            return page
        async with self._turns:
            outcome = await _read_apart(page, place)
        if outcome.page is None:
            failure = outcome.failure or _too_complex(place)
            raise Unread(failure.url, failure.code, failure.reason)
        return outcome.page


def _read(body: bytes, charset: str | None, place: Place) -> Page | bytes:
    """The page, or its HTML if a subprocess should read it."""
    html = decoded(body, charset)
    encoded = html.encode("utf-8", "replace")
    if is_suspicious(encoded):
        if reason := too_complex(encoded):
            raise Unread(place.url, "too_complex", reason)
        return encoded
    try:
        return page_of(html, place.url, place.company, place.fetched_at, place.origin)
    except RecursionError:
        raise Unread(place.url, "too_complex", "The parts of the page are nested without end") from None


async def _read_apart(html: bytes, place: Place) -> _Outcome:
    given = place.model_dump_json().encode() + b"\n" + html
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *sys.path, stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(CPU_SECONDS if sys.platform == "win32" else None):
            out, _ = await process.communicate(given)
    except TimeoutError:
        return _Outcome(failure=_too_complex(place))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _Outcome.model_validate_json(out) if process.returncode == 0 else _Outcome(failure=_too_complex(place))


def _too_complex(place: Place) -> PageFailure:
    reason = f"Reading the page takes more than {CPU_SECONDS} seconds of CPU time, or too much memory"
    return PageFailure(url=place.url, code="too_complex", reason=reason)


def main() -> None:
    _limit()
    head, _, html = sys.stdin.buffer.read().partition(b"\n")
    place = Place.model_validate_json(head)
    try:
        page = page_of(html.decode("utf-8"), place.url, place.company, place.fetched_at, place.origin)
        outcome = _Outcome(page=page)
    except Unread as error:
        outcome = _Outcome(failure=error.failure)
    sys.stdout.buffer.write(outcome.model_dump_json().encode())


def _limit() -> None:
    """Limits the memory of this process, and its CPU time from now on; a process that exceeds its time is killed.

    Windows has no such limits. There, the parent kills the process after as many seconds of wall-clock time.
    """
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not there on Windows

        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        # RLIMIT_CPU counts whole seconds since the process started. It is the fallback if SIGPROF is ignored.
        most, hardest = math.ceil(time.process_time()) + CPU_SECONDS + 1, resource.getrlimit(resource.RLIMIT_CPU)[1]
        if hardest == resource.RLIM_INFINITY or most < hardest:
            resource.setrlimit(resource.RLIMIT_CPU, (most, hardest))
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
