"""The tools over MCP: FastMCP says what they are, and carries progress and errors to the client."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from logging import WARNING
from typing import Any

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.exceptions import ValidationError as InvalidArguments
from fastmcp.server.context import Context
from fastmcp.server.dependencies import get_context
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import FunctionTool, ToolResult
from mcp_types import CallToolRequestParams, ToolAnnotations
from pydantic import ValidationError

from octave_mcp import __version__
from octave_mcp.domain.events import Event
from octave_mcp.errors import OctaveError, SetupError
from octave_mcp.observability import logs
from octave_mcp.settings import Settings, load
from octave_mcp.surfaces.ending import ended_by_a_signal
from octave_mcp.surfaces.mcp import resources
from octave_mcp.surfaces.mcp.schemas import short_input, short_output
from octave_mcp.surfaces.mcp.stdio import McpServer
from octave_mcp.surfaces.serving import Server
from octave_mcp.tools import TOOLS
from octave_mcp.tools.calls import MCP
from octave_mcp.tools.registry import Call, Tool, arguments_complaint

# Some clients end any call after 60 s, whatever progress it tells.
MAX_WAIT_SECONDS = 55.0

# How long a server whose client has left goes on with its runs, so that their files are written.
GRACE_SECONDS = 30.0

MAX_PROGRESS_CHARACTERS = 200
INSTRUCTIONS = (
    "Writes sourced sales playbooks from two companies' websites. Call generate_playbook, then get_run with its run_id "
    "until the status is completed, partial or failed; then get_run with a section for its full text, or with "
    "format='markdown' for text to read to your user. A run that is waiting asks you: call next_question and "
    "answer_question until it goes on."
)


class FriendlyArguments(Middleware):
    """Says which arguments are wrong and which there are; never their values, which may be secret."""

    async def on_call_tool(
        self, context: MiddlewareContext[CallToolRequestParams], call_next: CallNext[CallToolRequestParams, ToolResult]
    ) -> ToolResult:
        try:
            return await call_next(context)
        except InvalidArguments as failed:
            if not isinstance(failed.__cause__, ValidationError):
                raise
            raise _tool_error(
                "invalid_input", arguments_complaint(failed.__cause__, TOOLS[context.message.name])
            ) from None


class Progress:
    """Reports a run's progress to a client. The value must grow with each report, even if no work was finished.

    It must not exceed the total, which therefore grows slightly with each report once all work is done.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told = 0.0

    async def __call__(self, event: Event) -> None:
        await self.say(event.text, event.done, event.total)

    async def say(self, text: str, done: int = 0, total: int = 0) -> None:
        self._told = max(float(done), self._told + 0.001)
        most = max(total, self._told) if total else None
        await self._context.report_progress(self._told, most, text[:MAX_PROGRESS_CHARACTERS])


def _tool_error(code: str, text: str) -> ToolError:
    return ToolError(f"[{code}] {text}", log_level=WARNING)


def _translate(failed: OctaveError) -> ToolError:
    return _tool_error(failed.code, str(failed))


def _as_mcp(tool: Tool, server: Callable[[], Server]) -> FunctionTool:
    async def called() -> Call:
        progress = Progress(get_context())
        if not server().is_open:
            await progress.say("getting ready")
        return Call((await server().app()).runs, progress, MAX_WAIT_SECONDS, MCP)

    annotations = ToolAnnotations(  # what is left out is what the protocol takes for granted
        read_only_hint=tool.read_only or None,
        destructive_hint=None if tool.read_only else tool.destructive,
        idempotent_hint=None if tool.read_only else tool.idempotent or None,
        open_world_hint=None if tool.open_world else False,
    )
    bound = tool.bind(called, _translate)
    made = FunctionTool.from_function(bound, name=tool.name, title=tool.title, annotations=annotations)
    return made.model_copy(
        update={
            "parameters": short_input(made.parameters, tool.unlisted),
            "output_schema": short_output(made.output_schema or {}, in_passing=_is_in_passing(tool)),
        }
    )


def _is_in_passing(tool: Tool) -> bool:
    """Whether it changes a run that its caller knows: what became of that is for get_run to tell in full."""
    return "run_id" in tool.arguments and not tool.read_only


def make(settings: Settings | None = None, server: Server | None = None) -> FastMCP[Any]:
    """A server of its own: each one has its own application, unless it is to share that of `server`.

    Without settings, they are read when it starts.
    """
    running: list[Server] = []

    @asynccontextmanager
    async def lifespan(_: FastMCP[dict[str, Server]]) -> AsyncGenerator[dict[str, Server]]:
        own = server or Server(settings or load(), grace_seconds=GRACE_SECONDS)
        logs.configure(own.settings)
        own.begin()
        running[:] = [own]
        try:
            yield {"server": own}
        finally:
            await own.close()

    made = McpServer(
        "octave",
        INSTRUCTIONS,
        version=__version__,
        lifespan=lifespan,
        middleware=[FriendlyArguments()],
        tools=[_as_mcp(tool, lambda: running[0]) for tool in TOOLS.values()],
        mask_error_details=True,
    )

    resources.add(made, lambda: running[0].app())  # noqa: PLW0108 - there is none before it starts
    return made


mcp = make()


async def _answer(server: Server) -> None:
    with ended_by_a_signal(partial(server.close, at_once=True)):
        await make(server=server).run_async(transport="stdio", show_banner=False)


def serve() -> int:
    """Answers on stdin and stdout until the client leaves; returns the exit code."""
    try:
        asyncio.run(_answer(Server(load(), grace_seconds=GRACE_SECONDS)))
    except SetupError as missing:
        sys.stderr.write(f"error: {missing}\n")
        return 3
    except KeyboardInterrupt:
        return 130
    return 0
