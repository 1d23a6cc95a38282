"""Whom HTTP answers: at names that are ours, no web pages but ours, callers with a token; and how much it reads."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Sequence

from fastmcp.server.http import HostOriginGuardMiddleware
from loguru import logger
from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from octave_mcp.errors import NotReady, OctaveError, RefusedHost, RefusedOrigin, TooLarge, Unauthorized
from octave_mcp.observability.metrics import Metrics
from octave_mcp.surfaces.exposure import MIN_TOKEN_LENGTH, is_loopback, safe_tokens
from octave_mcp.surfaces.rest.problems import problem

MAX_BODY_BYTES = 1024 * 1024
# Its own limit is 4 MiB.
MCP_PATH = "/mcp"
# What tells whoever runs the server, before they have a token, whether it is there.
OPEN_PATHS = frozenset({"/livez", "/readyz"})

REFUSED: dict[int, OctaveError] = {
    421: RefusedHost("this server is not known by the name in the Host header; name it in OCTAVE_PUBLIC_HOSTS"),
    403: RefusedOrigin("a web page of another site may not call; name its host in OCTAVE_PUBLIC_HOSTS if it may"),
}
NO_TOKEN = Unauthorized("send the header 'Authorization: Bearer TOKEN' with one of the tokens in OCTAVE_TOKENS")
NO_TOKENS = Unauthorized(
    f"remote callers need a token of {MIN_TOKEN_LENGTH} or more characters;"
    " set OCTAVE_TOKENS, and send one of its tokens"
)
TOO_LARGE = f"the body is larger than {MAX_BODY_BYTES} bytes; send less"


class TrailingSlash:
    """Ignores trailing slashes in the path.

    A redirect would have to name the caller's scheme and host: behind a TLS proxy it would lead to http://, or, if
    forwarded headers were trusted, wherever they say. Some clients also turn a redirected POST into a GET.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (path := scope["path"].rstrip("/")) != scope.get("root_path", ""):
            scope["path"] = path
        await self._app(scope, receive, send)


class Observed:
    """Counts and logs each answer by the template of its route: an address may hold what nobody else is to read."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            # Only a server that stops cancels an answer.
            if not status:
                await problem(NotReady("the server is stopping; ask again in a moment"))(scope, receive, noted)
        finally:
            self._note(scope, status or OctaveError.status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.answered(scope["method"], route, status, seconds)
        fields = {"method": scope["method"][:10], "route": route, "status": status}
        level = "WARNING" if status >= OctaveError.status else "DEBUG"
        logger.bind(**fields, duration_ms=round(seconds * 1000, 1)).log(level, "request answered")


class Guard:
    """Refuses a Host that is not ours, and the Origin of a page that is not: else any web page could use the server."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = tuple(hosts)
        self._origins = tuple(f"{scheme}://{host}" for host in hosts for scheme in ("https", "http"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def passed(scope: Scope, receive: Receive, _: Send) -> None:
            await self._app(scope, receive, send)

        async def refused(message: Message) -> None:
            if message["type"] == "http.response.start":
                await problem(REFUSED[message["status"]])(scope, receive, send)

        origins = (*self._origins, *_of_our_pages(scope))
        guard = HostOriginGuardMiddleware(passed, self._hosts, origins, mode="strict")
        await guard(scope, receive, refused)


class Tokens:
    """Asks for a token where there are some, other machines for a long one; without one, answers this machine alone."""

    def __init__(self, app: ASGIApp, tokens: Sequence[SecretStr]) -> None:
        self._app = app
        self._tokens, self._safe = tokens, safe_tokens(tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (problem(refusal) if refusal else self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Unauthorized | None:
        if scope["path"] in OPEN_PATHS:
            return None
        is_from_outside = _is_from_outside(scope)
        accepted = self._safe if is_from_outside else self._tokens
        if not accepted:
            return NO_TOKENS if is_from_outside else None
        kind, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        words = given.strip().encode()
        found = [hmac.compare_digest(words, token.get_secret_value().encode()) for token in accepted]
        return None if kind.lower() == "bearer" and any(found) else NO_TOKEN


class Limited:
    """Reads no more of a body than the limit, whatever its headers say.

    Starlette's RequestBodyLimitMiddleware cannot replace this. It refuses an announced body only once the endpoint
    reads it or answers, so a route that reads no body would act first and then appear to have failed. And it answers
    in plain text, even if our handler has turned the error into a problem.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == MCP_PATH:
            await self._app(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY_BYTES:
                raise TooLarge(TOO_LARGE)
            return message

        announced = Headers(scope=scope).get("content-length", "0")
        too_large = announced.isdecimal() and int(announced) > MAX_BODY_BYTES
        await (problem(TooLarge(TOO_LARGE)) if too_large else self._app)(scope, counted, send)


def _of_our_pages(scope: Scope) -> tuple[str, ...]:
    """The origins of the pages that we serve: the host and port of this call, with https behind a TLS proxy."""
    host = Headers(scope=scope).get("host") if scope["type"] == "http" else None
    return (f"https://{host}", f"http://{host}") if host else ()


def _is_from_outside(scope: Scope) -> bool:
    """Whether the call came in by an address that other machines reach."""
    try:
        return not is_loopback(scope["server"][0])
    except (ValueError, TypeError):
        return False
