"""Parses pages.

If parsing could take very long, it runs in a subprocess, because a thread cannot be killed.

The subprocess runs `main`, which reads the HTML of a page and its context from stdin, and writes the page or a failure
as JSON.
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

# Per page that is parsed in a subprocess. Except on Windows, the limit is CPU time and not wall-clock time, so a page
# does not fail just because the machine is busy.
MAX_CPU_SECONDS = 4
# Limit of the subprocess's address space, which includes the interpreter.
MAX_MEMORY_BYTES = 1_000_000_000
MAX_PROCESSES = 2
PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from octave_mcp.sources.html import parsing; parsing.main()"


class PageContext(Value):
    """The context of a page: its URL, its company, the time of the fetch, and where its link was found."""

    url: str
    company: Company
    fetched_at: datetime
    origin: LinkOrigin


class _Result(Value):
    page: Page | None = None
    failure: PageFailure | None = None


class PageParser:
    """Parses the HTML of pages, usually in this process."""

    def __init__(self) -> None:
        self._processes = asyncio.Semaphore(MAX_PROCESSES)

    async def parse(self, body: bytes, charset: str | None, context: PageContext) -> Page:
        """Decode and parse a page.

        Raises:
            PageFailed: If the page is too complex, is empty, refuses visitors, or needs scripts to show its content.
        """
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
    """Return the parsed page.

    If parsing could be slow, return the page's HTML in UTF-8 instead. A subprocess then parses that HTML.
    """
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
    request = context.model_dump_json().encode() + b"\n" + html
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *sys.path, stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(MAX_CPU_SECONDS if sys.platform == "win32" else None):
            out, _ = await process.communicate(request)
    except TimeoutError:
        return _Result(failure=_too_complex(context))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _Result.model_validate_json(out) if process.returncode == 0 else _Result(failure=_too_complex(context))


def _too_complex(context: PageContext) -> PageFailure:
    reason = f"Reading the page takes more than {MAX_CPU_SECONDS} seconds of CPU time, or too much memory"
    return PageFailure(url=context.url, code="too_complex", reason=reason)


def main() -> None:
    """Parse the page on stdin. This function runs in the subprocess of `PageParser`."""
    _set_limits()
    header, _, html = sys.stdin.buffer.read().partition(b"\n")
    context = PageContext.model_validate_json(header)
    try:
        page = page_of(html.decode("utf-8"), context.url, context.company, context.fetched_at, context.origin)
        result = _Result(page=page)
    except PageFailed as error:
        result = _Result(failure=error.failure)
    sys.stdout.buffer.write(result.model_dump_json().encode())


def _set_limits() -> None:
    """Limit the memory and the remaining CPU time of this process.

    If the process exceeds its CPU time, SIGPROF kills it.

    On Windows, which has no such limits, the parent process kills this process if its wall-clock time exceeds the
    limit.
    """
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - absent on Windows

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        # RLIMIT_CPU is a second limit, in case SIGPROF does not work. RLIMIT_CPU counts whole seconds from the start of
        # the process, so the CPU time that the process has already used is added.
        soft_limit, hard_limit = (
            math.ceil(time.process_time()) + MAX_CPU_SECONDS + 1,
            resource.getrlimit(resource.RLIMIT_CPU)[1],
        )
        if hard_limit == resource.RLIM_INFINITY or soft_limit < hard_limit:
            resource.setrlimit(resource.RLIMIT_CPU, (soft_limit, hard_limit))
        # If the parent process ignores or blocks SIGPROF, this process inherits the setting, so both settings are reset
        # here.
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})
        signal.setitimer(signal.ITIMER_PROF, MAX_CPU_SECONDS)
