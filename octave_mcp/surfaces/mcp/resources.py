"""MCP resources: playbooks and JSON schemas. Clients can list the newest playbooks, and complete the ids of runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from logging import WARNING
from typing import TYPE_CHECKING, Any

from fastmcp import FastMCP
from fastmcp.exceptions import FastMCPError, ResourceError
from fastmcp.exceptions import ValidationError as InvalidArguments
from fastmcp.resources import Resource
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from mcp_types import (
    CompletionArgument,
    CompletionContext,
    ListResourcesRequest,
    PromptReference,
    ResourceTemplateReference,
)

from octave_mcp.domain.addresses import url_key
from octave_mcp.domain.choices import FORMATS, Format, choice
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunRecord
from octave_mcp.errors import OctaveError
from octave_mcp.surfaces.mcp.stdio import McpServer
from octave_mcp.surfaces.serving import Server
from octave_mcp.tools.reports import RunReport
from octave_mcp.tools.versions import version_number

if TYPE_CHECKING:
    from octave_mcp.app import App

GetServer = Callable[[], Server]

# The protocol allows at most 100 values in a completion.
MAX_COMPLETIONS = 100
# List this many playbooks, and look for them in this many of the newest runs.
MAX_LISTED, MAX_SEARCHED = 20, 100
# A list of resources waits at most this long for the database. The server opens the database two seconds after it has
# started, or earlier if a tool is called.
LISTING_SECONDS = 5.0
HTTP_SERVER_ERROR = 500
MARKDOWN = choice(FORMATS, "markdown", "format")


def add(mcp: McpServer, server: GetServer) -> None:
    """Register the resources, and the completion of run ids. `server` returns the running server."""
    for form in FORMATS:
        _add_playbook(mcp, server, form)
    _add_schemas(mcp)
    mcp.add_middleware(RecentPlaybooks(server))

    async def complete(
        ref: PromptReference | ResourceTemplateReference,  # noqa: ARG001 - every `run_id` argument completes the same way
        argument: CompletionArgument,
        context: CompletionContext | None = None,  # noqa: ARG001 - FastMCP passes it
    ) -> list[str] | None:
        if argument.name != "run_id":
            return None
        try:
            newest = await _newest(await server().app(), MAX_COMPLETIONS)
        except OctaveError:
            return []  # a person who types an id needs no error, and the call that follows gets the error
        return [run.run_id for run in newest if run.run_id.startswith(argument.value)]

    mcp.completion(complete)


async def _newest(app: App, limit: int) -> list[RunRecord]:
    return await app.runs.list_runs(None, limit, None)


class RecentPlaybooks(Middleware):
    """Adds the newest playbooks to the list of resources, so that people can attach them to a conversation.

    Without a database, only the other resources are listed.
    """

    def __init__(self, server: GetServer) -> None:
        self._server = server

    async def on_list_resources(
        self,
        context: MiddlewareContext[ListResourcesRequest],
        call_next: CallNext[ListResourcesRequest, Sequence[Resource]],
    ) -> Sequence[Resource]:
        return [*await call_next(context), *map(_as_resource, await self._finished())]

    async def _finished(self) -> list[RunRecord]:
        try:
            async with asyncio.timeout(LISTING_SECONDS):
                app = await self._server().when_open()
                runs = await _newest(app, MAX_SEARCHED) if app else []
        except (TimeoutError, OctaveError):
            return []
        # A revision or a refresh makes a version of an earlier run's playbook, which is listed with the earlier run.
        finished = [run for run in runs if run.status in {"completed", "partial"} and run.playbook_of == run.run_id]
        return finished[:MAX_LISTED]


def _as_resource(run: RunRecord) -> Resource:
    names = " to ".join(url_key(_as_url(given)).partition("/")[0] for given in run.request.companies.values())
    at = (run.finished_at or run.created_at).astimezone()
    return Resource(
        uri=f"run://{run.run_id}/playbook.{MARKDOWN.suffix}",  # pyright: ignore[reportArgumentType] - pydantic converts it
        name=f"{run.run_id}/playbook.{MARKDOWN.suffix}",
        title=f"{names}, {at.day} {at:%B %Y}",
        description="Sales playbook: the newest version",
        mime_type=MARKDOWN.media_type,
    )


def _as_url(given: str) -> str:
    return given if "://" in given else f"https://{given}"


def _add_playbook(mcp: FastMCP[Any], server: GetServer, form: Format) -> None:
    async def rendered(run_id: str, version: str = "") -> str | bytes:
        try:
            return (await (await server().app()).download(run_id, form, version_number(version))).content
        except OctaveError as failed:
            raise _read_error(failed) from None

    describe = mcp.resource(
        f"run://{{run_id}}/playbook.{form.suffix}{{?version}}",
        name=f"playbook.{form.suffix}",
        title=f"Playbook ({form.suffix})",
        description="The complete playbook of a finished run: the newest version, or the version given",
        mime_type=form.media_type,
    )
    describe(rendered)


def _read_error(failed: OctaveError) -> FastMCPError:
    """Return the error of FastMCP that becomes the right JSON-RPC error: invalid params, or an internal error."""
    text = f"[{failed.code}] {failed}"
    is_internal = failed.status >= HTTP_SERVER_ERROR
    return ResourceError(text) if is_internal else InvalidArguments(text, log_level=WARNING)


def _add_schemas(mcp: FastMCP[Any]) -> None:
    _add_schema(mcp, "playbook", Playbook)
    _add_schema(mcp, "report", RunReport)


def _add_schema(mcp: FastMCP[Any], name: str, model: type[Playbook | RunReport]) -> None:
    def schema() -> str:
        return json.dumps(model.model_json_schema())

    describe = mcp.resource(
        f"octave://schema/{name}",
        name=f"schema/{name}",
        description=f"JSON Schema of a {name}",
        mime_type="application/schema+json",
    )
    describe(schema)
