"""The page that changes a part of a playbook: by an instruction to the model, or by hand."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from octave_mcp.app import App
from octave_mcp.domain.choices import BY_CLIENT, MODELS
from octave_mcp.domain.parts import first_of
from octave_mcp.errors import InputError, Outdated, SetupError
from octave_mcp.surfaces.web.new import Option, about
from octave_mcp.surfaces.web.paths import PLAYBOOKS, change_at
from octave_mcp.surfaces.web.site import OUTDATED_FORM, Form, Site, faults_of, redirect

FIELDS = ("section", "instruction", "model", "text", "content", "by")
GONE = "This part is no longer in the newest version. Your entry is shown here; copy it to the part that it belongs to."
NEWER_VERSION = (
    "A newer version was created after you opened this page. Your entry is still here, and Versions shows what "
    "changed. If you send it again, it is applied to the newest version: an edit replaces the text of this part there."
)


async def form(site: Site, request: Request) -> Response:
    return await _page(site, request, request.query_params.get("section", ""), {})


async def revise(site: Site, request: Request) -> Response:
    sent = await site.read_form(request)
    return await _changed(site, request, sent, "revise_playbook", "instruction", "model", "request_id")


async def edit(site: Site, request: Request) -> Response:
    sent = await site.read_form(request)
    return await _changed(site, request, sent, "edit_section", "text", "by")


async def _changed(site: Site, request: Request, sent: Form, tool: str, *names: str) -> Response:
    run_id, section = request.path_params["run_id"], sent.fields.get("section", "")
    if not sent.is_ours:
        return await _page(site, request, section, sent.fields, {"": OUTDATED_FORM}, status=400)
    try:
        arguments = sent.given("section", "base_version", *names) | {"run_id": run_id}
        report = await site.call(tool, arguments)
    except Outdated:
        # The form now has the number of the newer version, so that it can be sent again.
        kept = {name: value for name, value in sent.fields.items() if name != "base_version"}
        return await _page(site, request, section, kept, {"": NEWER_VERSION}, status=409)
    except (InputError, SetupError) as refused:
        return await _page(site, request, section, sent.fields, faults_of(refused, FIELDS), status=400)
    is_edit = tool == "edit_section"
    return redirect(f"{PLAYBOOKS}{run_id}?done=edit" if is_edit else f"{PLAYBOOKS}{report.run_id}")


def _models(app: App, own: str) -> list[Option]:
    """Return the models that can follow an instruction. The playbook's own model comes first."""
    able = [model for model in MODELS if model.asks_client or (model.needs and app.is_configured(model))]
    return [Option(model.name, about(model)) for model in sorted(able, key=lambda model: model.name != own)]


async def _page(
    site: Site,
    request: Request,
    section: str,
    given: Mapping[str, str],
    faults: Mapping[str, str] | None = None,
    *,
    status: int = 200,
) -> Response:
    """Return the page with the newest version of the part, and with what the person has already entered."""
    run_id = request.path_params["run_id"]
    part, lost = await _shown(site, run_id, section, given)
    if lost:
        given, faults = {}, {"": GONE}
    app = await site.app()
    record = await app.runs.get(run_id)
    return await site.page(
        request,
        "change",
        status,
        record=record,
        part=part,
        given=given,
        faults=faults or {},
        lost=lost,
        request_id=secrets.token_hex(16),
        change_at=partial(change_at, run_id),
        models=_models(app, record.model),
        by_client=BY_CLIENT,
        personas=await site.personas(run_id),
        at=f"{PLAYBOOKS}{run_id}",
    )


async def _shown(site: Site, run_id: str, section: str, given: Mapping[str, str]) -> tuple[Any, str]:
    """Return the part to show. If the part is gone, return its section and the text that the person wrote for it."""
    typed = given.get("text") or given.get("instruction") or ""
    try:
        return await site.call("read_section", {"run_id": run_id, "section": section or "brief"}), ""
    except InputError:
        if not typed:
            raise
    return await site.call("read_section", {"run_id": run_id, "section": first_of(section) or "brief"}), typed
