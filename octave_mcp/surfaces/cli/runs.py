"""List, cancel and delete runs and sessions; no command here executes a run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter, validators

from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError
from octave_mcp.surfaces.cli.empty import ORDERS
from octave_mcp.surfaces.cli.terminal import DONE, PLAIN, Output, asked, counted, reading, table
from octave_mcp.tools.paging import cursor_of
from octave_mcp.tools.reports import RunReport
from octave_mcp.tools.sessions import Deleted, RunLine, SessionLine, SessionList, run_line

Limit = Annotated[int, Parameter(help="How many, up to 100", validator=validators.Number(gte=1, lte=100))]
Cursor = Annotated[str | None, Parameter(help="From the last answer, for older ones")]


class RunList(Value):
    """Runs, the newest first; `cursor` asks for older ones."""

    runs: tuple[RunLine, ...]
    cursor: str | None


def runs(
    *,
    session: Annotated[str | None, Parameter(help="Of this session alone")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    output: Output = PLAIN,
) -> int:
    """List runs, the newest first."""
    found = asyncio.run(_runs(session, limit, cursor, output))
    output.result(found, lambda: _run_table(found.runs))
    if not found.runs:
        output.hint("no runs yet: 'octave-mcp generate VENDOR PROSPECT' starts one")
    elif found.cursor:
        output.hint(f"older ones: --cursor {found.cursor}")
    return DONE


def sessions(
    session: Annotated[str | None, Parameter(help="Of this session alone, its runs")] = None,
    /,
    *,
    limit: Limit = 20,
    cursor: Cursor = None,
    delete: Annotated[
        str | None, Parameter(help="Delete this session permanently, with everything stored for it alone"), ORDERS
    ] = None,
    output: Output = PLAIN,
) -> int:
    """List sessions, the newest first, or the runs of one; or delete one."""
    if delete is not None:
        return _delete(session, delete, output)
    found: SessionList = asyncio.run(asked("list_sessions", output, session_id=session, limit=limit, cursor=cursor))
    output.result(found, lambda: _run_table(found.runs) if session else _session_table(found.sessions))
    if not found.sessions:
        output.hint("no sessions yet: 'octave-mcp generate VENDOR PROSPECT' begins one")
    elif found.cursor:
        output.hint(f"older ones: --cursor {found.cursor}")
    return DONE


def cancel(run: Annotated[str, Parameter(help="From runs or generate")], /, *, output: Output = PLAIN) -> int:
    """Stop RUN, wherever it is executed; one that has ended stays as it is."""
    report: RunReport = asyncio.run(asked("cancel_run", output, engine="durable", run_id=run))
    output.result(report, lambda: f"{report.run_id} is {report.status}")
    return DONE


def _delete(session: str | None, delete: str, output: Output) -> int:
    if session is not None:
        raise InputError(f"{session!r} is one session too many; say --delete {delete} alone")
    deleted: Deleted = asyncio.run(asked("delete_session", output, engine="durable", session_id=delete))
    output.result(deleted, lambda: f"{deleted.session_id} is deleted, with its runs: {deleted.runs}")
    return DONE


async def _runs(session: str | None, limit: int, cursor: str | None, output: Output) -> RunList:
    async with reading(output) as app:
        if session is not None:
            await app.runs.session(session)
        found = await app.runs.list_runs(session, limit + 1, cursor)
    return RunList(runs=tuple(map(run_line, found[:limit])), cursor=cursor_of([r.run_id for r in found], limit))


def _run_table(lines: Sequence[RunLine]) -> str:
    return table((line.run_id, line.status, _time(line.created_at), _pair(line)) for line in lines) if lines else ""


def _session_table(lines: Sequence[SessionLine]) -> str:
    rows = (
        (line.session_id, _time(line.created_at), counted(line.runs, "run"), _pair(line.latest) if line.latest else "")
        for line in lines
    )
    return table(rows) if lines else ""


def _pair(line: RunLine) -> str:
    return f"{line.vendor} -> {line.prospect}"


def _time(when: datetime) -> str:
    return f"{when.astimezone():%Y-%m-%d %H:%M}"
