"""The style sheets, the scripts and the icon of the pages."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from octave_mcp.app import playbook_files
from octave_mcp.errors import NotFound
from octave_mcp.surfaces.icon import SVG
from octave_mcp.surfaces.web.paths import STATIC

if TYPE_CHECKING:
    from octave_mcp.surfaces.web.site import Site

MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
OWN_FILES = ("app.css", "app.js")
ICON = "icon.svg"


@cache
def url_of(name: str) -> str:
    """Return the URL of a file. It changes with the file, so that browsers can keep the file forever."""
    digest = sha256(contents()[name].encode()).hexdigest()[:12]
    return f"{STATIC}{name}?v={digest}"


async def file(_: Site, request: Request) -> Response:
    name = request.path_params["name"]
    if name not in contents():
        raise NotFound("there is no such file; reload the page that needs it")
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    is_current = f"{request.url.path}?{request.url.query}" == url_of(name)
    keep = "public, max-age=31536000, immutable" if is_current else "no-cache"
    headers = {"Cache-Control": keep, "Cross-Origin-Resource-Policy": "same-origin"}
    return Response(contents()[name], headers=headers, media_type=media_type)


async def favicon(_: Site, __: Request) -> Response:
    return RedirectResponse(url_of(ICON), 302)


@cache
def contents() -> dict[str, str]:
    """Return the contents of all files, by file name. The first call reads the files."""
    folder, playbook = files("octave_mcp.surfaces.web") / "static", playbook_files()
    own = {name: (folder / name).read_text("utf-8") for name in OWN_FILES}
    # Every page needs both style sheets, and a browser shows one file sooner than two.
    own["app.css"] = playbook["playbook.css"] + own["app.css"]
    return {**own, "playbook.js": playbook["playbook.js"], ICON: SVG}
