"""Parsing of pages; a page that looks dangerous is parsed in a subprocess, which can be killed, as a thread cannot.

`main` is that subprocess: it reads the context of a page and its HTML, and writes the page or the failure.
"""

from __future__ import annotations

import asyncio
import math
import signal
import sys
import time
from datetime import datetime
from subprocess import PIPE

from octave_mcp.domain.company import Company
from octave_mcp.domain.page import LinkOrigin, Page, PageFailure
from octave_mcp.domain.value import Value
from octave_mcp.sources.failures import PageFailed, read_in_time
from octave_mcp.sources.html.complexity import is_suspicious, too_complex
from octave_mcp.sources.html.encoding import decoded
from octave_mcp.sources.html.extraction import page_of

# Per page. CPU time, so that a busy machine does not make a page too complex.
CPU_SECONDS = 4
# Of memory, the interpreter's included.
MAX_BYTES = 1_000_000_000
MAX_PROCESSES = 2
PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from octave_mcp.sources.html import parsing; parsing.main()"


class PageContext(Value):
    """Whose page it is, and where and when it was fetched."""

    url: str
    company: Company
    fetched_at: datetime
    origin: LinkOrigin


class _Result(Value):
    page: Page | None = None
    failure: PageFailure | None = None


class PageParser:
    """Parses bytes to pages. Most pages are parsed in this process."""

    def __init__(self) -> None:
        self._processes = asyncio.Semaphore(MAX_PROCESSES)

    async def parse(self, body: bytes, charset: str | None, context: PageContext) -> Page:
        """Raises: PageFailed: the page is too complex, empty, or needs scripts to show its content."""
        page = await read_in_time(context.url, _parse, body, charset, context)
        if isinstance(page, Page):
            return page
        async with self._processes:
            result = await _parse_in_subprocess(page, context)
        if result.page is None:
            failure = result.failure or _too_complex(context)
            raise PageFailed(failure.url, failure.code, failure.reason)
        return result.page


def _parse(body: bytes, charset: str | None, context: PageContext) -> Page | bytes:
    """The page, or its HTML in UTF-8 if a subprocess should parse it."""
    html = decoded(body, charset, context.url)
    encoded = html.encode("utf-8", "replace")
    if is_suspicious(encoded):
        if reason := too_complex(encoded):
            raise PageFailed(context.url, "too_complex", reason)
        return encoded
    try:
        return page_of(html, context.url, context.company, context.fetched_at, context.origin)
    except RecursionError:
        raise PageFailed(context.url, "too_complex", "The elements of the page are nested too deeply") from None


async def _parse_in_subprocess(html: bytes, context: PageContext) -> _Result:
    given = context.model_dump_json().encode() + b"\n" + html
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *sys.path, stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(CPU_SECONDS if sys.platform == "win32" else None):
            out, _ = await process.communicate(given)
    except TimeoutError:
        return _Result(failure=_too_complex(context))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _Result.model_validate_json(out) if process.returncode == 0 else _Result(failure=_too_complex(context))


def _too_complex(context: PageContext) -> PageFailure:
    reason = f"Reading the page takes more than {CPU_SECONDS} seconds of CPU time, or too much memory"
    return PageFailure(url=context.url, code="too_complex", reason=reason)


def main() -> None:
    _limit()
    head, _, html = sys.stdin.buffer.read().partition(b"\n")
    context = PageContext.model_validate_json(head)
    try:
        page = page_of(html.decode("utf-8"), context.url, context.company, context.fetched_at, context.origin)
        result = _Result(page=page)
    except PageFailed as error:
        result = _Result(failure=error.failure)
    sys.stdout.buffer.write(result.model_dump_json().encode())


def _limit() -> None:
    """Limits the memory of this process, and its CPU time from now on; a process that exceeds its time is killed.

    Windows has no such limits. There, the parent kills the process after as many seconds of wall-clock time.
    """
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not there on Windows

        resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
        # RLIMIT_CPU counts whole seconds since the process started. It is the fallback if SIGPROF is ignored.
        most, hardest = math.ceil(time.process_time()) + CPU_SECONDS + 1, resource.getrlimit(resource.RLIMIT_CPU)[1]
        if hardest == resource.RLIM_INFINITY or most < hardest:
            resource.setrlimit(resource.RLIMIT_CPU, (most, hardest))
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
