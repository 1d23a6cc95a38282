"""Links that let people without a sign-in read one version of a playbook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from octave_mcp.errors import InputError, NotFinished, NotFound
from octave_mcp.surfaces.exposure import is_this_machine
from octave_mcp.surfaces.web.paths import PLAYBOOKS
from octave_mcp.surfaces.web.rendering import SHARED_HEADERS, html, rendered
from octave_mcp.surfaces.web.site import OUTDATED_FORM, Site, faults_of, redirect

DAYS = (1, 7, 30, 90)


async def form(site: Site, request: Request) -> Response:
    return await _page(site, request)


async def share(site: Site, request: Request) -> Response:
    sent, run_id = await site.read_form(request), request.path_params["run_id"]
    if not sent.is_ours:
        return await _page(site, request, {"": OUTDATED_FORM}, sent.fields, status=400)
    try:
        shared = await site.call("share_playbook", sent.given("version", "days") | {"run_id": run_id})
    except InputError as refused:
        return await _page(site, request, faults_of(refused, ("version", "days")), sent.fields, status=400)
    link = f"{_origin(request)}{shared.path}"
    return await _page(site, request, link=link)


async def revoke(site: Site, request: Request) -> Response:
    sent = await site.read_form(request)
    if not sent.is_ours:
        return await _page(site, request, {"": OUTDATED_FORM}, status=400)
    await site.call("revoke_share", {"share_id": request.path_params["share_id"]})
    return redirect(f"{PLAYBOOKS}{request.path_params['run_id']}/share")


async def shared(site: Site, request: Request) -> Response:
    """Show the playbook of a link. All links that do not work get the same answer."""
    app = await site.app()
    found = await app.runs.shares.opened(request.path_params.get("secret", ""))
    if found is None:
        return _not_working()
    try:
        shown = await app.playbook_page(found.run_id, found.version)
    except (NotFound, NotFinished):
        return _not_working()
    return html(rendered("shared", shown=shown, share=found), headers=SHARED_HEADERS)


def _not_working() -> Response:
    return html(rendered("no_share"), 404, SHARED_HEADERS)


def _origin(request: Request) -> str:
    """Return the address at which the browser reaches this server, which only the browser knows behind a proxy."""
    return request.headers.get("origin") or f"{request.url.scheme}://{request.headers['host']}"


async def _page(
    site: Site,
    request: Request,
    faults: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None,
    *,
    link: str = "",
    status: int = 200,
) -> Response:
    run_id = request.path_params["run_id"]
    app = await site.app()
    return await site.page(
        request,
        "share",
        status,
        record=await app.runs.get(run_id),
        versions=[*reversed(await app.runs.versions.listed(run_id))],
        shares=(await site.call("list_shares", {"run_id": run_id})).shares,
        now=datetime.now(UTC),
        days=DAYS,
        link=link,
        is_local=is_this_machine(request.url.hostname or ""),
        faults=faults or {},
        given={"days": "30"} | dict(given or {}),
        at=f"{PLAYBOOKS}{run_id}",
    )
