"""Tools: list sessions and their runs, and delete a session."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from octave_mcp.domain.run import RunRecord, RunStatus, SessionRecord
from octave_mcp.domain.value import Value
from octave_mcp.tools.paging import cursor_of
from octave_mcp.tools.recent import forget
from octave_mcp.tools.registry import Call, tool


class RunLine(Value):
    """One entry in a list of runs. `playbook_of` is the run whose playbook this run wrote, revised or refreshed."""

    run_id: str
    session_id: str
    playbook_of: str
    vendor: str
    prospect: str
    status: RunStatus
    created_at: datetime


class SessionLine(Value):
    """A session in a list, with the number of its runs and its latest run."""

    session_id: str
    created_at: datetime
    runs: int
    latest: RunLine | None


class SessionList(Value):
    """A list of sessions, newest first.

    If the request contains a session_id, the list contains only that session, with its runs.
    """

    sessions: tuple[SessionLine, ...]
    runs: tuple[RunLine, ...] = ()
    cursor: str | None = Field(default=None, description="Pass this value to the next call to get older entries")


class Deleted(Value):
    session_id: str
    runs: int


@tool("GET", "/sessions", title="List sessions", read_only=True)
async def list_sessions(
    session_id: Annotated[str | None, Field(description="List the runs of this session")] = None,
    limit: Annotated[int, Field(ge=1, le=100, description="Maximum entries")] = 20,
    cursor: Annotated[str | None, Field(description="From the last result, to get older entries")] = None,
    *,
    call: Call,
) -> SessionList:
    """List sessions with their latest runs, or the runs of one session, newest first."""
    if session_id is not None:
        session = await call.runs.session(session_id)
        runs = await call.runs.list_runs(session_id, limit + 1, cursor)
        line = await _session_line(session, call)
        return SessionList(
            sessions=(line,), runs=tuple(map(run_line, runs[:limit])), cursor=cursor_of([r.run_id for r in runs], limit)
        )
    sessions = await call.runs.list_sessions(limit + 1, cursor)
    lines = [await _session_line(session, call) for session in sessions[:limit]]
    return SessionList(sessions=tuple(lines), cursor=cursor_of([s.session_id for s in sessions], limit))


@tool("DELETE", "/sessions/{session_id}", title="Delete a session", idempotent=True, destructive=True)
async def delete_session(
    session_id: Annotated[str, Field(description="From generate_playbook or list_sessions")],
    *,
    call: Call,
) -> Deleted:
    """Permanently delete a session: its runs, their playbooks and files, and every page that no other run uses.

    Log lines remain.
    """
    deleted = await call.runs.delete_session(session_id)
    forget(call.runs)
    return Deleted(session_id=session_id, runs=deleted)


async def _session_line(session: SessionRecord, call: Call) -> SessionLine:
    newest = await call.runs.list_runs(session.session_id, 1, None)
    return SessionLine(
        session_id=session.session_id,
        created_at=session.created_at,
        runs=session.runs,
        latest=run_line(newest[0]) if newest else None,
    )


def run_line(record: RunRecord) -> RunLine:
    request = record.request
    return RunLine(
        run_id=record.run_id,
        session_id=record.session_id,
        playbook_of=record.playbook_of,
        vendor=request.vendor,
        prospect=request.prospect,
        status=record.status,
        created_at=record.created_at,
    )
