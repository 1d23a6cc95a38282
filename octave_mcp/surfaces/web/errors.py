"""Error pages: they say what is wrong and what to do, also while the database cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Scope

from octave_mcp.errors import OctaveError, Unauthorized
from octave_mcp.surfaces.rest.problems import without_details
from octave_mcp.surfaces.web.paths import is_open
from octave_mcp.surfaces.web.rendering import SHARED_HEADERS, html, rendered
from octave_mcp.tools.calls import WEB
from octave_mcp.tools.sharing import SHARED

TITLES = {
    400: "The request is not valid",
    401: "Sign in",
    403: "This address is not set up",
    404: "Page not found",
    405: "Page not found",
    409: "Not possible now",
    413: "Too much text",
    421: "This address is not set up",
    500: "Something went wrong",
    503: "The server is not ready",
}


def error_page(scope: Scope, failed: OctaveError, headers: Mapping[str, str] | None = None) -> Response:
    if is_open(scope["path"]) and failed.status >= OctaveError.status:
        failed = without_details(failed)
    text = WEB.with_local_names(str(failed))
    title = TITLES.get(failed.status, HTTPStatus(failed.status).phrase)
    # A person with a shared link is not a user of this server, so the page must not lead into it.
    is_shared = scope["path"].startswith(SHARED)
    has_links = not (is_shared or isinstance(failed, Unauthorized))
    values = {"title": title, "text": text, "has_links": has_links}
    page = rendered("error", path="", is_signed_in=False, token=None, **values)
    return html(page, failed.status, {**(SHARED_HEADERS if is_shared else {}), **(headers or {})})
