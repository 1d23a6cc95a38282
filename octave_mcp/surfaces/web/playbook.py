"""The page of a run: its progress while it is under way, and then its playbook."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from octave_mcp.domain.choices import FORMATS
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import FINAL, RunRecord
from octave_mcp.domain.version_meta import VersionMeta
from octave_mcp.errors import OctaveError
from octave_mcp.surfaces.rest.handlers import format_of
from octave_mcp.surfaces.web.new import OPTIONS
from octave_mcp.surfaces.web.paths import PLAYBOOKS, change_at
from octave_mcp.surfaces.web.rendering import as_sentence, part_in_words
from octave_mcp.surfaces.web.site import Site, redirect
from octave_mcp.surfaces.web.steps import STEPS
from octave_mcp.tools.versions import version_number


async def show(site: Site, request: Request) -> Response:
    run_id = request.path_params["run_id"]
    app = await site.app()
    record = await app.runs.get(run_id)
    if record.status in {"completed", "partial"}:
        if record.playbook_of != run_id:
            return redirect(f"{PLAYBOOKS}{record.playbook_of}?done={run_id}")
        return await _playbook(site, request, record)
    report = await site.call("get_run", {"run_id": run_id})
    return await site.page(
        request,
        "run",
        record=record,
        report=report,
        steps=STEPS,
        is_final=report.status in FINAL,
        again=_again(record),
        personas=await site.personas(record.playbook_of) if record.revision else {},
    )


async def _playbook(site: Site, request: Request, record: RunRecord) -> Response:
    app, run_id, done = await site.app(), record.run_id, request.query_params.get("done", "")
    version = version_number(request.query_params.get("version"))
    versions = await app.runs.versions.listed(run_id)
    is_newest = version in {None, versions[-1].number}
    shown = await app.playbook_page(run_id, version, partial(change_at, run_id) if is_newest else None)
    made = _made(versions, done)
    return await site.page(
        request,
        "playbook",
        record=record,
        shown=shown,
        at=f"{PLAYBOOKS}{run_id}",
        is_newest=is_newest,
        versions=versions,
        formats=FORMATS,
        notice=_edited(shown.playbook, made) if done == "edit" else await _notice(site, record, done, made),
        made=made,
        request_id=secrets.token_hex(16),
    )


def _made(versions: Sequence[VersionMeta], done: str) -> int:
    """Return the number of the version that the last change made, or 0 if it made none."""
    newest = versions[-1].number
    return newest if done == "edit" else next((version.number for version in versions if version.run_id == done), 0)


def _edited(playbook: Playbook, version: int) -> str:
    """Say what the checks found in the text that a person has saved as this version."""
    warnings = [warning for own in playbook.own_text if own.version == version for warning in own.warnings]
    return " ".join((f"Your text was saved as version {version}.", *map(as_sentence, warnings)))


async def _notice(site: Site, record: RunRecord, done: str, made: int) -> str:
    """Say what the run `done` did that changed the playbook."""
    try:
        report = await site.call("get_run", {"run_id": done}) if done else None
    except OctaveError:  # anybody can write anything into the URL
        report = None
    if report and report.revision and made:
        section = part_in_words(report.revision.section, await site.personas(record.run_id))
        return f"Version {made}: revised {section}."
    return as_sentence(report.message) if report else ""


def _again(record: RunRecord) -> dict[str, str]:
    """Return the fields of the form New that start the same deal again, except fields with the default value."""
    request = record.request
    fields: dict[str, object] = {
        "vendor_domain": request.vendor,
        "prospects": request.prospect,
        **request.model_dump(include={"context", *OPTIONS}, exclude_defaults=True),
        **{f"sender_{name}": value for name, value in (request.sender or ())},
    }
    return {name: f"{value}" for name, value in fields.items() if value}


async def cancel(site: Site, request: Request) -> Response:
    return await _changed(site, request, "cancel_run")


async def refresh(site: Site, request: Request) -> Response:
    return await _changed(site, request, "refresh_playbook", "request_id")


async def _changed(site: Site, request: Request, tool: str, *names: str) -> Response:
    sent = await site.read_action(request)
    report = await site.call(tool, sent.given(*names) | {"run_id": request.path_params["run_id"]})
    return redirect(f"{PLAYBOOKS}{report.run_id}")


async def download(site: Site, request: Request) -> Response:
    run_id, form = request.path_params["run_id"], format_of(request.path_params["suffix"])
    file = await (await site.app()).download(
        run_id, form, version_number(request.query_params.get("version")), pages=True
    )
    # Always a download: a file with a script of its own must not run as a page of this server.
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return Response(file.content, headers=headers, media_type=form.media_type)
