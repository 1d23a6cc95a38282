"""The page Settings: all settings, read only, and on request what the checks of `doctor` find."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from octave_mcp.settings import described, keys
from octave_mcp.surfaces.web.site import Site


async def show(site: Site, request: Request) -> Response:
    settings = site.settings
    findings = await asyncio.to_thread(_findings, settings) if request.query_params.get("check") else ()
    shown = await asyncio.to_thread(lambda: (*described(settings), *keys()))
    return await site.page(request, "settings", shown=shown, findings=findings)


def _findings(settings: Any) -> Any:  # noqa: ANN401 - Settings, and the findings
    # The checks import much that no other page needs.
    from octave_mcp.surfaces.cli.checks import CHECKS  # noqa: PLC0415
    from octave_mcp.surfaces.cli.doctor import examine  # noqa: PLC0415

    return examine(CHECKS, settings)
