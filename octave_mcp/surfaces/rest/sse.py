"""Runs as streams of events: a reader that was cut off goes on behind the last number it saw."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from pydantic_core import to_json
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request

from octave_mcp.errors import InputError, OctaveError
from octave_mcp.runs.service import Runs
from octave_mcp.surfaces.rest.problems import content
from octave_mcp.tools.calls import HTTP
from octave_mcp.tools.reports import RunReport

PING_SECONDS = 15
LINE_END = "\n"
NUMBER = re.compile(r"[0-9]{1,18}")


def streamed(events: AsyncGenerator[ServerSentEvent]) -> EventSourceResponse:
    return EventSourceResponse(_to_the_end(events), ping=PING_SECONDS, sep=LINE_END)


def last_seen(request: Request) -> int:
    """The number behind which to go on; 0 for a reader that has seen nothing.

    Raises:
        InputError: what the reader says it saw is no number of an event.
    """
    told = [request.headers.get("last-event-id"), request.query_params.get("last_event_id")]
    numbers = [number for number in told if number]
    if not all(map(NUMBER.fullmatch, numbers)):
        raise InputError("Last-Event-ID: give the id of an event, or leave it out to begin at the start")
    return int(next(iter(numbers), 0))


async def new_events(runs: Runs, run_id: str, after: int) -> AsyncGenerator[ServerSentEvent]:
    """The run's events behind that number."""
    async with aclosing(runs.events(run_id, after)) as events:
        async for number, event in events:
            yield _sent(event.event, HTTP.told(event).model_dump_json(), str(number))


async def whole(
    runs: Runs, begun: RunReport, ended: Callable[[], Awaitable[RunReport]]
) -> AsyncGenerator[ServerSentEvent]:
    """The run as it was begun, its events, and how it ended."""
    yield _sent("run", begun.model_dump_json())
    async with aclosing(new_events(runs, begun.run_id, 0)) as events:
        async for event in events:
            yield event
    yield _sent("report", (await ended()).model_dump_json())


async def _to_the_end(events: AsyncGenerator[ServerSentEvent]) -> AsyncGenerator[ServerSentEvent]:
    """The answer has begun and its status is sent: what goes wrong now is told as the last event."""
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    except OctaveError as failed:
        yield _sent("problem", to_json(content(failed)).decode())


def _sent(event: str, data: str, id_: str | None = None) -> ServerSentEvent:
    return ServerSentEvent(data, event=event, id=id_, sep=LINE_END)
