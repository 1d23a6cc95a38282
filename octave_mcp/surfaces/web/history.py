"""The page History: all runs, with a search, and the runs of one session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from octave_mcp.domain.run import FINAL, RunStatus
from octave_mcp.errors import InputError
from octave_mcp.surfaces.web.paths import HISTORY
from octave_mcp.surfaces.web.site import Site, faults_of, redirect

FILTERS = ("company", "status", "since", "until")
STATUSES = get_args(RunStatus)


async def runs(site: Site, request: Request) -> Response:
    deleted = request.query_params.get("deleted", "")
    given = {name: value for name in FILTERS if (value := request.query_params.get(name))}
    cursor = {"cursor": value} if (value := request.query_params.get("cursor")) else {}
    faults: Mapping[str, str] = {}
    found = None
    try:
        found = await site.call("list_runs", given | cursor)
    except InputError as refused:
        faults = faults_of(refused, FILTERS)
    more = urlencode(given | {"cursor": found.cursor}) if found and found.cursor else ""
    return await site.page(
        request,
        "history",
        400 if faults else 200,
        given=given,
        faults=faults,
        found=found,
        statuses=STATUSES,
        more=more,
        deleted=deleted if deleted.isdecimal() else "",
        is_later=bool(cursor),
    )


async def session(site: Site, request: Request) -> Response:
    only = {"session_id": request.path_params["session_id"]}
    sessions = await site.call("list_sessions", only | {"limit": "1"})
    cursor = {"cursor": value} if (value := request.query_params.get("cursor")) else {}
    found = await site.call("list_runs", only | cursor | {"limit": "100"})
    return await site.page(
        request,
        "session",
        found=found,
        session=sessions.sessions[0],
        is_under_way=any(run.status not in FINAL for run in found.runs),
        deletes="delete" in request.query_params,
    )


async def delete(site: Site, request: Request) -> Response:
    await site.read_action(request)
    deleted = await site.call("delete_session", {"session_id": request.path_params["session_id"]})
    return redirect(f"{HISTORY}?deleted={deleted.runs}")
