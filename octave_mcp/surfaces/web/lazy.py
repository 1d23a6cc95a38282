"""The routes of the web pages. Their handlers are imported at the first request for one of the pages."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from octave_mcp.errors import NotReady, OctaveError
from octave_mcp.surfaces.rest.problems import refusal, without_details
from octave_mcp.surfaces.web import cookies

if TYPE_CHECKING:
    from octave_mcp.surfaces.rest.handlers import Rest
    from octave_mcp.surfaces.serving import Server
    from octave_mcp.surfaces.web.site import Site

STREAM_SECONDS = 60
RUN, SESSION = "/playbooks/{run_id}", "/history/{session_id}"
# The handler of each method of each path, as 'module.function' in this package.
PAGES: dict[str, dict[str, str]] = {
    "/": {"GET": "new.form"},
    "/new": {"GET": "new.to_form", "POST": "new.start"},
    "/history": {"GET": "history.runs"},
    SESSION: {"GET": "history.session"},
    f"{SESSION}/delete": {"POST": "history.delete"},
    "/questions": {"GET": "questions.waiting"},
    "/settings": {"GET": "settings.show", "POST": "settings.check"},
    "/sign-in": {"GET": "sign_in.form", "POST": "sign_in.begin"},
    "/sign-out": {"POST": "sign_in.end"},
    RUN: {"GET": "playbook.show"},
    f"{RUN}/cancel": {"POST": "playbook.cancel"},
    f"{RUN}/refresh": {"POST": "playbook.refresh"},
    f"{RUN}/playbook.{{suffix}}": {"GET": "playbook.download"},
    f"{RUN}/change": {"GET": "changes.form"},
    f"{RUN}/revise": {"POST": "changes.revise"},
    f"{RUN}/edit": {"POST": "changes.edit"},
    f"{RUN}/versions": {"GET": "versions.listed"},
    f"{RUN}/diff": {"GET": "versions.diff"},
    f"{RUN}/share": {"GET": "sharing.form", "POST": "sharing.share"},
    f"{RUN}/share/{{share_id}}/revoke": {"POST": "sharing.revoke"},
    f"{RUN}/questions": {"GET": "questions.form", "POST": "questions.answer"},
    "/s": {"GET": "sharing.shared"},
    "/s/{secret}": {"GET": "sharing.shared"},
    "/static/{name}": {"GET": "static.file"},
    "/favicon.ico": {"GET": "static.favicon"},
}


class Web:
    """The web pages of a server."""

    def __init__(self, server: Server, rest: Rest) -> None:
        self._server, self._rest = server, rest
        self._site: Site | None = None

    def routes(self) -> list[BaseRoute]:
        pages = [Route(path, partial(self._answer, handlers), methods=[*handlers]) for path, handlers in PAGES.items()]
        return [*pages, Route(f"{RUN}/events", self._rest.events)]

    async def _answer(self, handlers: dict[str, str], request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await self._call(handlers[method], request)

    async def _call(self, handler: str, request: Request) -> Response:
        module, _, function = handler.partition(".")
        answer: Any = getattr(await asyncio.to_thread(_imported, module), function)
        return await answer(await self._opened_site(), request)

    async def _opened_site(self) -> Site:
        if self._site:
            return self._site
        made: Site = await asyncio.to_thread(_made, self._server)
        # Another request can have made the site in the meantime.
        self._site = self._site or made
        return self._site

    async def admit(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a browser that is signed in open a page, and ask another one to sign in."""
        secret = cookies.secret_in(scope)
        site = await self._opened_site()
        try:
            is_signed_in = bool(secret) and await site.is_signed_in(secret, scope)
        except OctaveError as failed:  # the database cannot be used, so this can be a stranger with an invented cookie
            await refusal(scope, without_details(failed))(scope, receive, send)
            return
        if is_signed_in:
            await _served(app, cookies.signed_in(scope, secret), receive, send)
        else:
            request = Request(scope, receive)
            await (await self._call("sign_in.asked", request))(scope, receive, send)


async def _served(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the request, but end an event stream after STREAM_SECONDS.

    The browser then connects again and continues after the last event, if the sign-in is still valid.
    """
    limit = asyncio.timeout(STREAM_SECONDS if scope["path"].endswith("/events") else None)
    is_started = False

    async def sent(message: Message) -> None:
        nonlocal is_started
        is_started = True
        await send(message)

    try:
        async with limit:
            await app(scope, receive, sent)
    except TimeoutError:
        if not limit.expired():
            raise
        late = refusal(scope, NotReady("the database does not respond; try again in a moment"))
        await (send({"type": "http.response.body"}) if is_started else late(scope, receive, send))


def _made(server: Server) -> Site:
    _imported("static").contents()
    return _imported("site").Site(server)


def _imported(module: str) -> Any:  # noqa: ANN401 - a module
    return import_module(f"octave_mcp.surfaces.web.{module}")
