"""MCP on stdin and stdout. A line that cannot be decoded gets an error, and the session continues."""

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
    """FastMCP with an error for each line that it cannot decode.

    FastMCP itself drops such a line, and the client would wait forever.
    """

    def check_first(self, middleware: ServerMiddleware[Any]) -> None:
        """Run the middleware on each request before the SDK validates it."""
        self._mcp_server.middleware.append(middleware)

    async def run_stdio_async(
        self,
        show_banner: bool = True,  # noqa: ARG002 - FastMCP's; stdout is for messages
        log_level: str | None = None,  # noqa: ARG002 - FastMCP's; ours is a setting
        stateless: bool = False,  # noqa: ARG002 - FastMCP's
    ) -> None:
        token = set_transport("stdio")
        try:
            async with self._lifespan_manager(), _streams() as (messages, answers):
                await self._mcp_server.run(messages, answers, self._mcp_server.create_initialization_options())
        finally:
            reset_transport(token)


@asynccontextmanager
async def _streams() -> AsyncGenerator[tuple[Messages, Any]]:
    """The client's messages, and where to send the answers."""
    deliver, messages = anyio.create_memory_object_stream[SessionMessage | Exception]()
    async with stdio_server(stdin=cast("Any", _nothing())) as (_, answers):

        async def take(line: bytes | None) -> None:
            """Handle a line from the client; None when the client has left."""
            if line is None:
                await deliver.aclose()
                return
            try:
                await deliver.send(SessionMessage(lines.decoded(line)))
            except Undecodable as wrong:
                await answers.send(SessionMessage(wrong.answer))

        _read(_claimed_stdin(), take)
        yield messages, answers


async def _nothing() -> AsyncGenerator[str]:
    """An empty stdin for the SDK: its own reader replaces bytes that are not UTF-8 and accepts NaN."""
    for line in ():
        yield line


def _claimed_stdin() -> int:
    """A copy of stdin for us alone: programs that we start must not read the client's lines."""
    claimed = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return claimed


def _read(file: int, take: Take) -> None:
    """Read in a daemon thread: any other would keep the process alive until the client sends another line."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, asyncio.CancelledError, RuntimeError):
            for line in chain(lines.split(_chunks(file)), (None,)):
                asyncio.run_coroutine_threadsafe(take(line), loop).result()

    Thread(target=read, name="stdin", daemon=True).start()


def _chunks(file: int) -> Generator[bytes]:
    with suppress(OSError):  # such as a terminal that was closed
        while chunk := os.read(file, CHUNK_BYTES):
            yield chunk
