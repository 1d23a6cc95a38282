"""The commands `runs`, `sessions` and `cancel`. None of these commands executes a run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Annotated

from cyclopts import Parameter, validators

from octave_mcp.domain.run import EVERY_RUN, RunFilter, RunRecord, RunStatus
from octave_mcp.errors import InputError
from octave_mcp.surfaces.cli.empty_arguments import CHANGES_COMMAND
from octave_mcp.surfaces.cli.terminal import (
    DONE,
    PLAIN,
    Output,
    RunId,
    call_factory,
    call_tool,
    counted,
    invoke,
    open_app_to_read,
    table,
)
from octave_mcp.tools.reports import RunReport
from octave_mcp.tools.runs import find_runs, run_filter, run_list
from octave_mcp.tools.sessions import Deleted, RunLine, SessionLine, SessionList, run_line

Limit = Annotated[
    int, Parameter(help="Maximum number of entries, 1 to 100", validator=validators.Number(gte=1, lte=100))
]
NONE = "no run matches; leave out a filter to see more"
Cursor = Annotated[str | None, Parameter(help="List older entries; use the value printed after the previous list")]


def runs(
    *,
    company: Annotated[str | None, Parameter(help="Only runs with this text in a company's address")] = None,
    status: Annotated[RunStatus | None, Parameter(help="Only runs with this status")] = None,
    since: Annotated[
        date | None, Parameter(help="Only runs requested on or after this day, such as 2026-01-31")
    ] = None,
    until: Annotated[date | None, Parameter(help="Only runs requested on or before this day")] = None,
    session: Annotated[str | None, Parameter(help="List only the runs of this session")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    output: Output = PLAIN,
) -> int:
    """List runs, newest first.

    Revisions and refreshes are runs, too. For a revision or a refresh, the list names the run whose playbook is
    changed.
    """
    only = run_filter(company, status, since, until)
    records = asyncio.run(_runs(session, limit, cursor, only, output))
    result = run_list(records, limit)
    output.result(result, lambda: _run_table(records[:limit]))
    if result.cursor:
        output.hint(f"for older runs, add --cursor {result.cursor}")
    elif not records:
        output.hint("no runs yet; start one with 'octave-mcp generate VENDOR PROSPECT'" if only == EVERY_RUN else NONE)
    return DONE


def sessions(
    session: Annotated[str | None, Parameter(help="ID of a session, to list only the runs of this session")] = None,
    /,
    *,
    limit: Limit = 20,
    cursor: Cursor = None,
    delete: Annotated[
        str | None,
        Parameter(help="Permanently delete this session: its runs, playbooks, and pages that no other run uses"),
        CHANGES_COMMAND,
    ] = None,
    output: Output = PLAIN,
) -> int:
    """List sessions, newest first; list the runs of one session; or delete a session.

    A session holds the runs that belong together, such as a playbook with its revisions.
    """
    if delete is not None:
        return _delete(session, delete, output)
    answer, records = asyncio.run(_sessions(session, limit, cursor, output))
    output.result(answer, lambda: _run_table(records) if session else _session_table(answer.sessions))
    if not answer.sessions:
        output.hint("no sessions yet; 'octave-mcp generate VENDOR PROSPECT' starts one")
    elif answer.cursor:
        output.hint(f"for older {'runs' if session else 'sessions'}, add --cursor {answer.cursor}")
    return DONE


def cancel(run: RunId, /, *, output: Output = PLAIN) -> int:
    """Stop a run, even if another process executes it. Does nothing if the run has ended."""
    report: RunReport = asyncio.run(call_tool("cancel_run", output, engine="durable", run_id=run))
    output.result(report, lambda: f"{report.run_id} is {report.status}")
    return DONE


def _delete(session: str | None, delete: str, output: Output) -> int:
    if session is not None:
        raise InputError(f"SESSION and --delete cannot be combined; give --delete {delete} without {session!r}")
    deleted: Deleted = asyncio.run(call_tool("delete_session", output, engine="durable", session_id=delete))
    output.result(deleted, lambda: f"deleted {deleted.session_id} with {counted(deleted.runs, 'run')}")
    return DONE


async def _runs(
    session: str | None, limit: int, cursor: str | None, only: RunFilter, output: Output
) -> Sequence[RunRecord]:
    async with open_app_to_read(output) as app:
        return await find_runs(app.runs, session, limit, cursor, only)


async def _sessions(
    session: str | None, limit: int, cursor: str | None, output: Output
) -> tuple[SessionList, Sequence[RunRecord]]:
    """Return the result of the tool list_sessions.

    If a session is given, also return the records of its runs, because the result of the tool does not say which runs
    are revisions.
    """
    async with open_app_to_read(output) as app:
        arguments = {"session_id": session, "limit": limit, "cursor": cursor}
        answer: SessionList = await invoke("list_sessions", call_factory(app), **arguments)
        return answer, await app.runs.list_runs(session, limit, cursor) if session else ()


def _run_table(records: Sequence[RunRecord]) -> str:
    rows = (
        (record.run_id, record.status, _time(record.created_at), _pair(run_line(record)), _changed_playbook(record))
        for record in records
    )
    return table(rows) if records else ""


def _changed_playbook(record: RunRecord) -> str:
    """Describe what a revision or a refresh changes. Return '' for a run that writes a new playbook."""
    if record.revision:
        return f"revision of {record.revision.run_id}: {record.revision.section}"
    return f"refresh of {record.refreshes}" if record.refreshes else ""


def _session_table(lines: Sequence[SessionLine]) -> str:
    return table(_session_rows(lines)) if lines else ""


def _session_rows(lines: Sequence[SessionLine]) -> Iterator[tuple[str, ...]]:
    for line in lines:
        pair = _pair(line.latest) if line.latest else ""
        yield line.session_id, _time(line.created_at), counted(line.runs, "run"), pair


def _pair(line: RunLine) -> str:
    return f"{line.vendor} -> {line.prospect}"


def _time(when: datetime) -> str:
    return f"{when.astimezone():%Y-%m-%d %H:%M}"
