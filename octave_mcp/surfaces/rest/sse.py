"""Server-sent events of a run. A client that reconnects continues after the last event id it received."""

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
# At most 18 digits, because sqlite3 accepts only integers of up to 64 bits.
EVENT_ID = re.compile(r"[0-9]{1,18}")


def streamed(events: AsyncGenerator[ServerSentEvent]) -> EventSourceResponse:
    return EventSourceResponse(_with_problem(events), ping=PING_SECONDS, sep=LINE_END)


def last_seen(request: Request) -> int:
    """Return the id of the last event that the client has received, or 0.

    Raises:
        InputError: If the value is not an event id.
    """
    # When a browser's EventSource reconnects, the browser sends the header Last-Event-ID. For the first connection, a
    # web page cannot set the header, so it must use the query parameter.
    sent = [request.headers.get("last-event-id"), request.query_params.get("last_event_id")]
    ids = [event_id for event_id in sent if event_id]
    if not all(map(EVENT_ID.fullmatch, ids)):
        raise InputError(
            "Last-Event-ID: not an event ID; send the ID of an event, or leave the header out to get all events"
        )
    return int(next(iter(ids), 0))


async def new_events(runs: Runs, run_id: str, after: int) -> AsyncGenerator[ServerSentEvent]:
    """Yield the run's events with ids above `after`, until the run ends."""
    async with aclosing(runs.events(run_id, after)) as events:
        async for number, event in events:
            yield _event(event.event, HTTP.with_call(event).model_dump_json(), str(number))


async def run_to_end(
    runs: Runs, started: RunReport, final_report: Callable[[], Awaitable[RunReport]]
) -> AsyncGenerator[ServerSentEvent]:
    """Yield the first report of a run, then the run's events, and then the run's final report."""
    yield _event("run", started.model_dump_json())
    async with aclosing(new_events(runs, started.run_id, 0)) as events:
        async for event in events:
            yield event
    yield _event("report", (await final_report()).model_dump_json())


async def _with_problem(events: AsyncGenerator[ServerSentEvent]) -> AsyncGenerator[ServerSentEvent]:
    """Yield the events.

    If there is an error, send it as the last event, because it is too late to change the HTTP status.
    """
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    except OctaveError as failed:
        yield _event("problem", to_json(content(failed)).decode())


def _event(event: str, data: str, id_: str | None = None) -> ServerSentEvent:
    return ServerSentEvent(data, event=event, id=id_, sep=LINE_END)
