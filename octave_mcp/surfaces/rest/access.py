"""ASGI middleware for access control (Host, Origin, bearer tokens, body size) and for logs and metrics of requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from fastmcp.server.http import HostOriginGuardMiddleware
from loguru import logger
from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from octave_mcp.concurrency.current import TRACE_PARENT, valid_trace_parent
from octave_mcp.errors import NotFound, NotReady, OctaveError, RefusedHost, RefusedOrigin, TooLarge, Unauthorized
from octave_mcp.observability.metrics import Metrics
from octave_mcp.surfaces.exposure import MIN_TOKEN_LENGTH, is_loopback, is_token, safe_tokens
from octave_mcp.surfaces.rest.problems import refusal
from octave_mcp.surfaces.web import paths
from octave_mcp.surfaces.web.lazy import Web

MAX_BODY_BYTES = 1024 * 1024
# Forms of the pages are percent-encoded: the longest answer to a question can need two MiB. A form with a text that is
# too long must also arrive, because the page then shows the text again. If it does not arrive, the text can be lost.
MAX_FORM_BYTES = 4 * MAX_BODY_BYTES
# MAX_BODY_BYTES does not apply to this path, because the MCP SDK applies its own limit of 4 MiB.
MCP_PATH = "/mcp"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# These health checks need no token, because the probes of containers and load balancers usually have none.
OPEN_PATHS = frozenset({"/livez", "/readyz"})

# The errors for requests that FastMCP's middleware refuses. The keys are the HTTP statuses of its responses.
REFUSED: dict[int, OctaveError] = {
    421: RefusedHost("the Host header is not a known name of this server; add the host to OCTAVE_PUBLIC_HOSTS"),
    403: RefusedOrigin(
        "the Origin header names another website; to allow that website, add its host to OCTAVE_PUBLIC_HOSTS"
    ),
}
NO_TOKEN = Unauthorized(
    "the bearer token is missing or wrong; send 'Authorization: Bearer TOKEN' with a token from OCTAVE_TOKENS"
)
NO_PAGE = NotFound("there is no page at this address; programs send a token to use the API")
NO_TOKENS = Unauthorized(
    f"remote callers need a token of at least {MIN_TOKEN_LENGTH} characters;"
    " set OCTAVE_TOKENS on the server and send one of its tokens"
)
TOO_LARGE = f"the body is larger than {MAX_BODY_BYTES:,} bytes; send less"
FORM_TOO_LARGE = (
    f"the form is larger than {MAX_FORM_BYTES // 2**20} MiB; go back (browsers usually keep the entries), shorten the "
    "text, and send the form again"
)


class TrailingSlash:
    """Removes trailing slashes from the path, so that /runs/ and /runs are the same route.

    Starlette's own redirects are turned off, because Starlette does not know the public URL: behind a TLS proxy, it
    would redirect to http://. It must not read the URL from forwarded headers, because a caller could fake them.
    Also, some clients would turn a redirected POST into a GET.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (path := scope["path"].rstrip("/")) != scope.get("root_path", ""):
            scope["path"] = path
        await self._app(scope, receive, send)


class Observed:
    """Counts and logs each response under its route template, because the actual path can contain private data.

    Runs that a request starts become part of the caller's trace.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at, status = time.perf_counter(), 0
        token = TRACE_PARENT.set(valid_trace_parent(Headers(scope=scope).get("traceparent")))

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        try:
            await self._app(scope, receive, send_observed)
        except asyncio.CancelledError:
            # uvicorn cancels a response only when the server shuts down. If the headers have been sent already, it is
            # too late to send an error.
            if not status:
                stopping = refusal(scope, NotReady("the server is stopping; try again in a moment"))
                await stopping(scope, receive, send_observed)
        finally:
            TRACE_PARENT.reset(token)
            self._record(scope, status or OctaveError.status, time.perf_counter() - started_at)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.answered(scope["method"], route, status, seconds)
        # Shorten the method, because a client can send a name of any length.
        fields = {"method": scope["method"][:10], "route": route, "status": status}
        level = "WARNING" if status >= OctaveError.status else "DEBUG"
        logger.bind(**fields, duration_ms=round(seconds * 1000, 1)).log(level, "request answered")


class HostOriginCheck:
    """Rejects requests with an unknown Host or a foreign Origin.

    Without this check, any web page that the user opens could call the server, by DNS rebinding or by a cross-site
    request.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = tuple(hosts)
        self._origins = tuple(_origins_of(hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = Headers(scope=scope).get("host") if scope["type"] == "http" else None
        origins = (*self._origins, *_origins_of((own,) if own else ()))

        async def accept(scope: Scope, receive: Receive, _: Send) -> None:
            app = refusal(scope, REFUSED[403]) if _is_foreign(scope, origins) else self._app
            await app(scope, receive, send)

        # FastMCP's middleware answers a refused request with plain text. Send the problem document for the same status
        # instead.
        async def reject(message: Message) -> None:
            if message["type"] == "http.response.start":
                await refusal(scope, REFUSED[message["status"]])(scope, receive, send)

        check = HostOriginGuardMiddleware(accept, self._hosts, origins, mode="strict")
        await check(scope, receive, reject)


class BrowserPaths:
    """Redirects a browser that opens a path of the API to the page that shows the same to a person."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Browsers send no token of their own accord, so a request with a token comes from a program.
        is_read = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        is_person = is_read and paths.wants_html(scope) and "authorization" not in Headers(scope=scope)
        page = paths.page_for(scope["path"], scope["query_string"].decode("latin-1")) if is_person else None
        redirect = RedirectResponse(page, 303, {"Vary": "Accept"}) if page else None
        await (redirect or self._app)(scope, receive, send)


class Tokens:
    """Requires a bearer token if tokens are configured. The web pages also accept the cookie of a sign-in.

    Requests to an address that other machines can reach always need a token of at least MIN_TOKEN_LENGTH characters.
    Paths of the API and of MCP never accept a cookie: a browser sends cookies with requests of other websites, too.
    """

    def __init__(self, app: ASGIApp, tokens: Sequence[SecretStr], web: Web) -> None:
        self._app = app
        self._tokens, self._safe = tokens, safe_tokens(tokens)
        self._web = web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(scope) if scope["type"] == "http" else None
        if refused is NO_TOKEN and paths.is_page(scope["path"]):
            await self._web.admit(self._app, scope, receive, send)
            return
        if refused is NO_TOKEN and paths.is_for_browsers(scope) and "authorization" not in Headers(scope=scope):
            refused = NO_PAGE  # a person has mistyped the address of a page
        await (refusal(scope, refused) if refused else self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Unauthorized | None:
        if scope["path"] in OPEN_PATHS or paths.is_open(scope["path"]):
            return None
        is_remote = is_from_elsewhere(scope)
        accepted = self._safe if is_remote else self._tokens
        if not accepted:
            return NO_TOKENS if is_remote else None
        scheme, _, credentials = Headers(scope=scope).get("authorization", "").partition(" ")
        return None if scheme.lower() == "bearer" and is_token(credentials.strip(), accepted) else NO_TOKEN


class Limited:
    """Rejects request bodies that are too large, even if the Content-Length header is wrong.

    Starlette's RequestBodyLimitMiddleware cannot replace this class, because it checks Content-Length only when the
    endpoint reads the body or responds. With that middleware, a route that does not read the body would do its work
    before the caller gets an error. Also, the middleware's errors would be plain text instead of problem documents.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == MCP_PATH:
            await self._app(scope, receive, send)
            return
        is_page, read = paths.is_page(scope["path"]), 0
        limit = MAX_FORM_BYTES if is_page else MAX_BODY_BYTES
        too_large = TooLarge(FORM_TOO_LARGE if is_page else TOO_LARGE)

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise too_large
            return message

        content_length = Headers(scope=scope).get("content-length", "0")
        is_too_large = content_length.isdecimal() and int(content_length) > limit
        await (refusal(scope, too_large) if is_too_large else self._app)(scope, counted, send)


def _origins_of(hosts: Iterable[str]) -> Iterator[str]:
    """Yield patterns for the origins of these hosts, in lower case. The server can be behind a TLS proxy."""
    for host in hosts:
        for scheme, port in (("https", 443), ("http", 80)):
            # In a pattern, the bracket of an IPv6 address would start a set of characters.
            yield (pattern := f"{scheme}://{host.lower().replace('[', '[[]')}")
            # FastMCP adds the port to the origins that it compares with the patterns, but not to such a pattern.
            if host.endswith("]"):
                yield f"{pattern}:{port}"


def _is_foreign(scope: Scope, origins: Sequence[str]) -> bool:
    """Whether a page of another origin sent the request, and the request is for a page or can change something.

    FastMCP's check accepts all origins of this machine. But each program that serves pages on another port is an origin
    of its own, and must not start or delete runs. MCP clients that run in a browser on this machine still may.
    """
    if scope["type"] != "http" or scope["path"] == MCP_PATH:
        return False
    is_harmless = scope["method"] in SAFE_METHODS and not (paths.is_page(scope["path"]) or paths.is_open(scope["path"]))
    origin = None if is_harmless else Headers(scope=scope).get("origin")
    return origin is not None and not any(fnmatchcase(origin.lower(), own) for own in origins)


def is_from_elsewhere(scope: Scope) -> bool:
    """Whether the request was sent to an address that other machines can reach."""
    try:
        return not is_loopback(scope["server"][0])
    except (ValueError, TypeError):
        return False
