"""The page Settings: all settings, read only, and on request what the checks of `doctor` find."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from octave_mcp.settings import Settings, described, keys
from octave_mcp.surfaces.web.site import OUTDATED_FORM, Site

# What needs attention comes first.
ORDER = ("failed", "warning", "not set up", "ok")


async def show(site: Site, request: Request) -> Response:
    return await _page(site, request)


async def check(site: Site, request: Request) -> Response:
    """Run the checks. They ask models, which costs money, so another website must not be able to start them."""
    if not (await site.read_form(request)).is_ours:
        return await _page(site, request, fault=OUTDATED_FORM)
    return await _page(site, request, await asyncio.to_thread(_findings, site.settings))


async def _page(site: Site, request: Request, findings: Any = (), *, fault: str = "") -> Response:  # noqa: ANN401 - findings
    settings = site.settings
    shown = await asyncio.to_thread(lambda: (*described(settings), *keys()))
    status = 400 if fault else 200
    return await site.page(
        request,
        "settings",
        status,
        shown=shown,
        findings=sorted(findings, key=lambda finding: ORDER.index(finding.status)),
        faults={"": fault},
    )


def _findings(settings: Settings) -> Any:  # noqa: ANN401 - the type is not imported yet
    # The checks import much that no other page needs.
    from octave_mcp.surfaces.cli.checks import CHECKS  # noqa: PLC0415
    from octave_mcp.surfaces.cli.doctor import examine  # noqa: PLC0415

    return examine(CHECKS, settings)
