"""Tools: search the runs, and estimate what a run would need before it is started."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from octave_mcp.domain.addresses import without_scheme
from octave_mcp.domain.choices import AUTO
from octave_mcp.domain.estimate import Estimate
from octave_mcp.domain.run import RunFilter, RunRecord, RunStatus
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError
from octave_mcp.tools.paging import cursor_of
from octave_mcp.tools.playbooks import (
    Context,
    Dollars,
    Language,
    Model,
    Pages,
    Prospect,
    SenderOfEmails,
    SessionId,
    Source,
    Vendor,
    playbook_request,
)
from octave_mcp.tools.registry import Call, tool
from octave_mcp.tools.sessions import RunLine, run_line

if TYPE_CHECKING:
    from octave_mcp.runs.service import Runs


def _day(given: object) -> object:
    # pydantic would also accept a number, as seconds since 1970.
    if isinstance(given, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        raise PydanticCustomError("no_day", "give a day such as 2026-01-31")
    return given


Day = Annotated[date, BeforeValidator(_day)]


class RunList(Value):
    """A list of runs, newest first."""

    runs: tuple[RunLine, ...]
    cursor: str | None = Field(default=None, description="Pass this value to the next call to get older runs")


class EstimateReport(Value):
    """The model and source that a run would use, and its estimated calls, tokens and cost.

    `by_default`: true if no model was named and no provider is configured.
    """

    model: str
    source: str
    by_default: bool
    estimate: Estimate | None


@tool("GET", "/runs", title="List runs", read_only=True, in_tool_list=False)
async def list_runs(
    company: Annotated[
        str | None, Field(max_length=253, description="Part of the vendor's or prospect's domain")
    ] = None,
    status: Annotated[RunStatus | None, Field(description="Only runs with this status")] = None,
    since: Annotated[Day | None, Field(description="Only runs requested on or after this day, in UTC")] = None,
    until: Annotated[Day | None, Field(description="Only runs requested on or before this day, in UTC")] = None,
    session_id: SessionId = None,
    limit: Annotated[int, Field(ge=1, le=100, description="Maximum entries")] = 20,
    cursor: Annotated[str | None, Field(description="From the last result, to get older runs")] = None,
    *,
    call: Call,
) -> RunList:
    """List runs, newest first: all runs, or the runs that match every filter."""
    only = run_filter(company, status, since, until)
    return run_list(await find_runs(call.runs, session_id, limit, cursor, only), limit)


async def find_runs(
    runs: Runs, session_id: str | None, limit: int, cursor: str | None, only: RunFilter
) -> list[RunRecord]:
    """Return up to `limit + 1` runs, so that the caller knows whether there are more than `limit`.

    Raises:
        NotFound: If the session does not exist.
        InputError: If the cursor is not the id of a run.
    """
    if session_id is not None:
        await runs.session(session_id)
    return await runs.list_runs(session_id, limit + 1, cursor, only)


def run_filter(company: str | None, status: RunStatus | None, since: date | None, until: date | None) -> RunFilter:
    """Return a filter for the runs that were requested on the days from `since` to `until`, in UTC.

    Raises:
        InputError: If `since` is after `until`.
    """
    if since and until and since > until:
        raise InputError(f"the first day, {since}, is after the last day, {until}; swap them", "since")
    # People also paste the address from a browser.
    part = without_scheme(company.strip()).removesuffix("/") if company else None
    return RunFilter(company=part or None, status=status, since=_start(since), until=_start(until, days=1))


def run_list(records: Sequence[RunRecord], limit: int) -> RunList:
    """Return the result of a query for `limit + 1` runs."""
    return RunList(
        runs=tuple(map(run_line, records[:limit])), cursor=cursor_of([record.run_id for record in records], limit)
    )


def _start(day: date | None, days: int = 0) -> datetime | None:
    try:
        return datetime.combine(day + timedelta(days), time(), UTC) if day else None
    except OverflowError:  # the last day of the calendar has no next day
        return None


@tool("POST", "/estimate", title="Estimate a run", read_only=True, in_tool_list=False)
async def estimate_cost(
    vendor_domain: Vendor,
    prospect_domain: Prospect,
    context: Context = "",
    model: Model = AUTO,
    source: Source = AUTO,
    language: Language = "en",
    max_pages: Pages = None,
    max_cost_usd: Dollars = None,
    sender: SenderOfEmails = None,
    *,
    call: Call,
) -> EstimateReport:
    """Estimate the model calls, tokens and cost of a run, without starting it or fetching a page.

    The arguments are checked as generate_playbook checks them.
    """
    request = playbook_request(
        vendor_domain,
        prospect_domain,
        language,
        context=context,
        model=model,
        source=source,
        max_pages=max_pages,
        max_cost_usd=max_cost_usd,
        sender=sender,
    )
    record = await call.runs.admitted(request, call.calls.keyless_model)
    return EstimateReport(
        model=record.model, source=record.source, by_default=record.by_default, estimate=record.estimate
    )
