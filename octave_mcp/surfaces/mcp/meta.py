"""Leaves out the metadata of responses that says nothing, because every client has to read the responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

META = "_meta"
SERVER_INFO = "io.modelcontextprotocol/serverInfo"
# The only method whose response needs the server's icon. The SDK adds it to all responses of the newer protocol.
DISCOVER = "server/discover"

Members = dict[str, Any]


async def trim_meta(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """MCP middleware that removes empty metadata from responses, and the server's icon where no one needs it."""
    result = await call_next(ctx)
    for part in _objects(result):
        meta = cast("Members", part.get(META) or {})
        if ctx.method != DISCOVER:
            meta.get(SERVER_INFO, {}).pop("icons", None)
        for name in [name for name, value in meta.items() if _is_empty(value)]:
            del meta[name]
        if META in part and not meta:
            del part[META]
    return result


def _objects(result: object) -> Iterator[Members]:
    """Yield the result and the objects in its lists, such as the tools."""
    if isinstance(result, dict):
        members = cast("Members", result)
        yield members
        for value in members.values():
            if isinstance(value, list):
                yield from (cast("Members", entry) for entry in cast("list[object]", value) if isinstance(entry, dict))


def _is_empty(value: object) -> bool:
    """Whether the value contains no text, number or boolean, like FastMCP's `{"fastmcp": {"tags": []}}`."""
    if isinstance(value, dict):
        return all(map(_is_empty, cast("Members", value).values()))
    return value is None or value == []
