"""Sign in with one of the server's tokens, and sign out."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from octave_mcp.errors import OctaveError
from octave_mcp.runs.sign_ins import SIGN_IN_HOURS
from octave_mcp.surfaces.exposure import is_token
from octave_mcp.surfaces.rest.access import NO_TOKEN
from octave_mcp.surfaces.rest.problems import problem
from octave_mcp.surfaces.web import cookies, paths
from octave_mcp.surfaces.web.rendering import html, rendered
from octave_mcp.surfaces.web.site import Site, redirect

WRONG_TOKEN = "This token is not valid here. Check it, or ask the person who runs the server for another."  # noqa: S105
# Hidden fields of forms in which a person only selects a button. After the sign-in, show the page of such a form again.
NOT_ENTERED = frozenset({"request_id", "everywhere"})
CHALLENGE = {"WWW-Authenticate": "Bearer"}
# A browser that has signed out must forget the pages that it has seen, and the sender that it has kept.
FORGET = {"Clear-Site-Data": '"cache", "storage"'}


async def form(site: Site, request: Request) -> Response:
    return _page(site, request, request.query_params.get("next", ""))


async def asked(site: Site, request: Request) -> Response:
    """Ask a browser to sign in that has opened a page without a valid sign-in."""
    if request.method not in {"GET", "HEAD", "POST"} or not paths.is_for_browsers(request.scope):
        return problem(NO_TOKEN)
    if request.headers.get("sec-fetch-site") == "cross-site" and request.method != "POST":
        # A person has followed a link in an e-mail or a chat, so the browser has left the cookie out. Load the page
        # again: a page of this server asks for it then.
        return html(rendered("again"), NO_TOKEN.status, CHALLENGE)
    query = f"?{request.url.query}" if request.url.query else ""
    if request.method != "POST":
        return _page(site, request, f"{request.url.path}{query}", status=NO_TOKEN.status)
    # The sign-in has expired while the person was filling in a form. Keep what was entered.
    try:
        fields = (await site.read_form(request)).fields
    except OctaveError:
        fields = {}
    if not fields.keys() - NOT_ENTERED:
        return _page(site, request, _sent_from(request), status=NO_TOKEN.status)
    values = {"path": "", "is_signed_in": False, "token": None, "fields": fields, "at": request.url.path}
    return html(rendered("signed_out", **values), NO_TOKEN.status, CHALLENGE)


async def begin(site: Site, request: Request) -> Response:
    sent = await site.read_form(request)
    given, back = sent.fields.get("token", "").strip(), _own_path(sent.fields.get("next", ""))
    if not is_token(given, site.tokens(request.scope)):
        return _page(site, request, back, WRONG_TOKEN, status=NO_TOKEN.status)
    response = redirect(back)
    secret = await (await site.app()).runs.sign_ins.begin(given)
    cookies.put(response, request.scope, secret, SIGN_IN_HOURS * 3600)
    return response


async def end(site: Site, request: Request) -> Response:
    sent = await site.read_action(request)
    sign_ins, secret = (await site.app()).runs.sign_ins, cookies.sign_in_of(request.scope)
    await (sign_ins.end_all(secret) if sent.fields.get("everywhere") else sign_ins.end(secret))
    response = redirect(paths.SIGN_IN)
    response.headers.update(FORGET)
    cookies.put(response, request.scope, "", 0)
    return response


def _page(site: Site, request: Request, back: str, fault: str = "", *, status: int = 200) -> Response:
    headers = CHALLENGE if status == NO_TOKEN.status else {}
    values = {"next": _own_path(back), "fault": fault, "has_tokens": bool(site.tokens(request.scope))}
    return html(rendered("sign_in", path=paths.SIGN_IN, is_signed_in=False, token=None, **values), status, headers)


def _sent_from(request: Request) -> str:
    """Return the path of the page that sent the request, or '' if the browser does not say it."""
    try:
        return urlsplit(request.headers.get("referer", ""))._replace(scheme="", netloc="").geturl()
    except ValueError:
        return ""


def _own_path(path: str) -> str:
    """Return the path, or the page New if the path leads to another server or back to the sign-in."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and paths.is_page(path.partition("?")[0])
    return path if is_own and not path.startswith(paths.SIGN_OUT) else paths.NEW
