"""MCP over stdin and stdout. A line that cannot be decoded gets an error response, and the connection continues."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, suppress
from itertools import chain
from threading import Thread
from typing import Any, TypeAlias, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from fastmcp import FastMCP
from fastmcp.server.context import reset_transport, set_transport
from mcp.server.context import ServerMiddleware
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from octave_mcp.surfaces.mcp import lines
from octave_mcp.surfaces.mcp.lines import Undecodable

Messages: TypeAlias = MemoryObjectReceiveStream[SessionMessage | Exception]
Take: TypeAlias = Callable[[bytes | None], Coroutine[Any, Any, None]]

CHUNK_BYTES = 1 << 16


class McpServer(FastMCP[Any]):
    """A FastMCP server that sends an error response for a line that it cannot decode.

    FastMCP itself drops such a line, so the client would wait forever.
    """

    def set_title(self, title: str) -> None:
        """Set the name that clients show to people. FastMCP has no parameter for it."""
        self._mcp_server.title = title

    def check_first(self, middleware: ServerMiddleware[Any]) -> None:
        """Run the middleware on each request before the SDK validates it."""
        self._mcp_server.middleware.append(middleware)

    async def run_stdio_async(
        self,
        show_banner: bool = True,  # noqa: ARG002 - FastMCP passes it; no banner, since stdout is for messages
        log_level: str | None = None,  # noqa: ARG002 - FastMCP passes it; the level is one of our settings
        stateless: bool = False,  # noqa: ARG002 - FastMCP passes it
    ) -> None:
        token = set_transport("stdio")
        try:
            async with self._lifespan_manager(), _streams() as (messages, answers):
                await self._mcp_server.run(messages, answers, self._mcp_server.create_initialization_options())
        finally:
            reset_transport(token)


@asynccontextmanager
async def _streams() -> AsyncGenerator[tuple[Messages, Any]]:
    """Yield two streams: one with the messages from the client, and one for the responses."""
    deliver, messages = anyio.create_memory_object_stream[SessionMessage | Exception]()
    async with stdio_server(stdin=cast("Any", _empty_stdin())) as (_, answers):

        async def take(line: bytes | None) -> None:
            """Handle a line from the client. If `line` is None, the client has disconnected, so end the stream."""
            if line is None:
                await deliver.aclose()
                return
            try:
                await deliver.send(SessionMessage(lines.decoded(line)))
            except Undecodable as error:
                await answers.send(SessionMessage(error.answer))

        _read(_claimed_stdin(), take)
        yield messages, answers


async def _empty_stdin() -> AsyncGenerator[str]:
    """Give the SDK an empty stdin. `_read` reads the real one, because the SDK would accept NaN and invalid UTF-8."""
    for line in ():
        yield line


def _claimed_stdin() -> int:
    """Duplicate stdin and point descriptor 0 to /dev/null, so that subprocesses cannot read the client's messages."""
    claimed = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return claimed


def _read(file: int, take: Take) -> None:
    loop = asyncio.get_running_loop()

    def read() -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, asyncio.CancelledError, RuntimeError):
            for line in chain(lines.split(_chunks(file)), (None,)):
                asyncio.run_coroutine_threadsafe(take(line), loop).result()

    # Use a daemon thread, because its blocking read cannot be interrupted. A thread that is not a daemon would keep the
    # process alive until the client sends another line.
    Thread(target=read, name="stdin", daemon=True).start()


def _chunks(file: int) -> Generator[bytes]:
    # Reading from a closed terminal raises an error instead of returning an empty chunk.
    with suppress(OSError):
        while chunk := os.read(file, CHUNK_BYTES):
            yield chunk
