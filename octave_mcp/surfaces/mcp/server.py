"""The MCP server: exposes the tools through FastMCP and translates progress and errors."""

from __future__ import annotations

import asyncio
import inspect
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
from fastmcp.server.dependencies import get_context, get_http_headers
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import FunctionTool, ToolResult
from mcp_types import CallToolRequestParams, Icon, ToolAnnotations
from pydantic import ValidationError

from octave_mcp import __version__
from octave_mcp.concurrency.current import TRACE_PARENT, valid_trace_parent
from octave_mcp.domain.events import Event
from octave_mcp.errors import OctaveError, SetupError
from octave_mcp.observability import logs
from octave_mcp.settings import Settings, load
from octave_mcp.surfaces import icon
from octave_mcp.surfaces.mcp import apps, prompts, resources
from octave_mcp.surfaces.mcp.meta import trim_meta
from octave_mcp.surfaces.mcp.schemas import short_input, short_output
from octave_mcp.surfaces.mcp.stdio import McpServer
from octave_mcp.surfaces.serving import Server
from octave_mcp.surfaces.shutdown import ended_by_a_signal
from octave_mcp.tools import TOOLS
from octave_mcp.tools.argument_errors import invalid_arguments
from octave_mcp.tools.calls import MCP
from octave_mcp.tools.registry import Call, Tool

# Maximum time that a call waits for its run. Some clients time out a call after 60 s, even if it reports progress.
MAX_WAIT_SECONDS = 55.0

# After the client has disconnected, runs get at most this much time to finish and write their files. If all of them
# wait for answers, they get no time.
GRACE_SECONDS = 30.0

MAX_PROGRESS_CHARACTERS = 200
TRACE_HEADER = "traceparent"
# The server's name in the user interface of a client.
TITLE = "Octave sales playbooks"
INSTRUCTIONS = (
    "Writes sourced sales playbooks from two companies' websites. Call generate_playbook, then get_run with its run_id "
    "until the status is completed, partial, failed or cancelled; then get_run with a section for its full text, or "
    "with format='markdown' for text to read to your user. If the status is waiting, the run has questions for you: "
    "call next_question and answer_question until the status changes."
)


class FriendlyArguments(Middleware):
    """MCP middleware whose errors name the invalid arguments and list the valid ones.

    The errors do not repeat the values of arguments, because the values can be secret.
    """

    async def on_call_tool(
        self, context: MiddlewareContext[CallToolRequestParams], call_next: CallNext[CallToolRequestParams, ToolResult]
    ) -> ToolResult:
        try:
            return await call_next(context)
        except InvalidArguments as failed:
            if not isinstance(failed.__cause__, ValidationError):
                raise
            raise _translate(invalid_arguments(failed.__cause__, TOOLS[context.message.name].arguments)) from None


class Progress:
    """Reports a run's progress to the client."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._progress = 0.0

    async def __call__(self, event: Event) -> None:
        await self.report(event.text, event.done, event.total)

    async def report(self, text: str, done: int = 0, total: int = 0) -> None:
        # MCP requires the progress value to grow with each notification, even if no work was finished in between.
        self._progress = max(float(done), self._progress + 0.001)
        # The progress value must not exceed the total, so raise the total if the value grows after all work is done.
        shown_total = max(total, self._progress) if total else None
        await self._context.report_progress(self._progress, shown_total, text[:MAX_PROGRESS_CHARACTERS])


def _tool_error(code: str, text: str) -> ToolError:
    return ToolError(f"[{code}] {text}", log_level=WARNING)


def _translate(failed: OctaveError) -> ToolError:
    return _tool_error(failed.code, str(failed))


def _trace_parent(context: Context) -> str | None:
    """Return the caller's trace context, from the `_meta` of the MCP request or from the HTTP headers."""
    request = context.request_context
    headers = get_http_headers(include={TRACE_HEADER})
    given = (request.meta or {}).get(TRACE_HEADER) if request else None
    return valid_trace_parent(given) or valid_trace_parent(headers.get(TRACE_HEADER))


def _as_mcp(tool: Tool, server: Callable[[], Server]) -> FunctionTool:
    async def make_call() -> Call:
        context = get_context()
        progress = Progress(context)
        TRACE_PARENT.set(_trace_parent(context))
        if not server().is_open:
            await progress.report("opening the database")
        return Call((await server().app()).runs, progress, MAX_WAIT_SECONDS, MCP)

    # If a hint equals the default in the MCP specification, set it to None (except `destructive_hint`). The tool list
    # then omits the hint, which saves tokens.
    annotations = ToolAnnotations(
        read_only_hint=tool.read_only or None,
        destructive_hint=None if tool.read_only else tool.destructive,
        idempotent_hint=None if tool.read_only else tool.idempotent or None,
        open_world_hint=None if tool.open_world else False,
    )
    bound = tool.bind(make_call, _translate)
    # FastMCP would import a parser of docstrings, only to find that ours contain nothing but a description.
    description, bound.__doc__ = inspect.getdoc(bound), None
    function_tool = FunctionTool.from_function(
        bound,
        name=tool.name,
        title=tool.title,
        description=description,
        annotations=annotations,
        meta=apps.meta_of(tool.name),
    )
    return function_tool.model_copy(
        update={
            "parameters": short_input(function_tool.parameters, tool.unlisted),
            "output_schema": short_output(function_tool.output_schema or {}, changes_run=_changes_run(tool)),
        }
    )


def _changes_run(tool: Tool) -> bool:
    return "run_id" in tool.arguments and not tool.read_only


def make(settings: Settings | None = None, server: Server | None = None, *, website: str | None = None) -> FastMCP[Any]:
    """Create an MCP server whose tools use the application that `server` opens.

    If `server` is None, the MCP server creates its own application.

    If `settings` is None, the settings are read when the server starts. `website`: the address of the server's web app.
    """
    # The tools are registered before the lifespan puts the server into this list, so each call takes the server from
    # the list.
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

    mcp_server = McpServer(
        "octave",
        INSTRUCTIONS,
        version=__version__,
        website_url=website,
        icons=[Icon(src=icon.DATA_URI, mime_type=icon.MEDIA_TYPE, sizes=["any"])],
        lifespan=lifespan,
        middleware=[FriendlyArguments()],
        tools=[_as_mcp(tool, lambda: running[0]) for tool in TOOLS.values()],
        mask_error_details=True,
    )

    mcp_server.set_title(TITLE)
    apps.add(mcp_server)
    resources.add(mcp_server, lambda: running[0])
    prompts.add(mcp_server)
    mcp_server.check_first(trim_meta)
    return mcp_server


async def _run(server: Server) -> None:
    with ended_by_a_signal(partial(server.close, at_once=True)):
        await make(server=server).run_async(transport="stdio", show_banner=False)


def serve() -> int:
    """Serve MCP on stdin and stdout until the client disconnects, and return the exit code."""
    try:
        asyncio.run(_run(Server(load(), grace_seconds=GRACE_SECONDS, tunes_when_open=True)))
    except SetupError as missing:
        sys.stderr.write(f"error: {missing}\n")
        return 3
    except KeyboardInterrupt:
        return 130
    return 0
