"""The HTTP server: MCP at /mcp, the REST API and the web pages, in one ASGI application."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import sys
from contextlib import ExitStack
from functools import cache
from types import FrameType
from typing import Any

import uvicorn
from loguru import logger
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from octave_mcp.concurrency.computing import stay_responsive
from octave_mcp.errors import SetupError
from octave_mcp.observability import logs
from octave_mcp.observability.metrics import Metrics
from octave_mcp.settings import Settings, load
from octave_mcp.surfaces import shutdown
from octave_mcp.surfaces.exposure import check_access, is_this_machine
from octave_mcp.surfaces.mcp import server as mcp
from octave_mcp.surfaces.rest.access import (
    MCP_PATH,
    BrowserPaths,
    HostOriginCheck,
    Limited,
    Observed,
    Tokens,
    TrailingSlash,
)
from octave_mcp.surfaces.rest.docs import docs_routes
from octave_mcp.surfaces.rest.endpoints import operations
from octave_mcp.surfaces.rest.handlers import Rest
from octave_mcp.surfaces.rest.openapi import document
from octave_mcp.surfaces.rest.operations import routes
from octave_mcp.surfaces.rest.problems import HANDLERS
from octave_mcp.surfaces.serving import Server
from octave_mcp.surfaces.web.lazy import Web

# When the server stops, it waits at most this long for unfinished responses. The limit is low, because the server has
# to stop within two seconds.
DRAIN_SECONDS = 1
# uvicorn's errors about unfinished responses start with these texts. Hide these errors, because event streams are
# usually still open when the server stops.
UNFINISHED_RESPONSE = ("ASGI callable returned without completing response", "Cancel ")


def make(settings: Settings | None = None) -> Starlette:
    """Return the application: MCP at /mcp, the REST API, /openapi.json, its documentation and the web pages."""
    # uvicorn's access log would show query strings, which can contain secrets.
    logging.getLogger("uvicorn.access").disabled = True
    settings, metrics = settings or load(), Metrics()
    server = Server(settings, observers=(metrics.observe,), at_once=True)
    rest = Rest(server, metrics)
    web = Web(server, rest)
    app = mcp.make(settings, server, website=_website(settings)).http_app(
        path=MCP_PATH,
        # Turn off FastMCP's check of Host and Origin, because HostOriginCheck below makes the same check, with errors
        # in the format of the REST API.
        host_origin_protection=False,
        middleware=[
            Middleware(TrailingSlash),
            Middleware(Observed, metrics),
            Middleware(HostOriginCheck, settings.public_hosts),
            Middleware(Limited),
            Middleware(BrowserPaths),
            Middleware(Tokens, settings.tokens, web),
        ],
    )
    app.router.redirect_slashes = False  # TrailingSlash handles trailing slashes without a redirect
    app.router.routes.extend(_routes(rest, web, with_tokens=bool(settings.tokens)))
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    return app


def _routes(rest: Rest, web: Web, *, with_tokens: bool) -> list[BaseRoute]:
    served = operations(rest)

    @cache
    def description() -> Response:
        return JSONResponse(document(served, with_tokens=with_tokens))

    async def openapi(_: Request) -> Response:
        # Build the schema in a thread, because building it would block the event loop.
        return await asyncio.to_thread(description)

    return [*routes(served), Route("/openapi.json", openapi), *docs_routes(), *web.routes()]


def serve(**flags: Any) -> int:  # noqa: ANN401 - the fields of Settings
    """Run the HTTP server until it is stopped, and return the exit code."""
    try:
        settings = load(**flags)
        sockets = _listening(settings)
        logs.configure(settings)
        server = _Server(configured(make(settings)))
        logger.bind(url=_url(sockets[0])).info("listening")
        if sys.stderr.isatty():  # a person started the server
            sys.stderr.write(f"{_notice(sockets[0])}\n")
        stay_responsive()
        server.run(sockets)
    except SetupError as failed:
        sys.stderr.write(f"error: {failed}\n")
        return 3
    except KeyboardInterrupt:
        return 130
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    """A uvicorn server that exits within two seconds of a signal.

    The server does not log errors about responses that it cuts off when it exits.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._end_in_time = shutdown.exit_timer()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:  # on a second Ctrl-C, uvicorn would exit without closing the app
            return
        self._end_in_time(sig)
        logging.getLogger("uvicorn.error").addFilter(
            lambda record: not record.getMessage().startswith(UNFINISHED_RESPONSE)
        )
        super().handle_exit(sig, frame)


def configured(app: Starlette) -> uvicorn.Config:
    """Return the uvicorn configuration for the application."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        # Ignore X-Forwarded-For and X-Forwarded-Proto, because a caller could put any value into these headers.
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _listening(settings: Settings) -> list[socket.socket]:
    """Open a listening socket on every address of the host.

    Raises:
        SetupError: If the address does not exist, the port is taken, or other machines could call without a safe token.
    """
    host, port = settings.host, settings.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as failed:
        raise SetupError(f"OCTAVE_HOST: {host!r} is not an address of this machine ({failed.strerror})") from None
    addresses = list(dict.fromkeys((str(address[0]), port) for *_, address in found))
    check_access(settings, (name for name, _ in addresses))
    try:
        return _bound(addresses)
    except OSError as failed:
        is_taken = failed.errno == errno.EADDRINUSE
        advice = (
            "choose another port with --port"
            if is_taken
            else "choose another address with --host or another port with --port"
        )
        raise SetupError(f"cannot listen on {host!r}, port {port} ({failed.strerror}); {advice}") from None


def _bound(addresses: list[tuple[str, int]]) -> list[socket.socket]:
    """Open a listening socket on each address, all with the same port.

    If opening one of the sockets fails, close the sockets that are already open.
    """
    sockets: list[socket.socket] = []
    with ExitStack() as unless_all_listen:
        for name, port in addresses:
            family = socket.AF_INET6 if ":" in name else socket.AF_INET
            # Pass IPPROTO_TCP explicitly. Without IPPROTO_TCP, asyncio does not turn off Nagle's algorithm, which can
            # delay responses.
            listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            unless_all_listen.callback(listening.close)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:  # otherwise an IPv6 socket on :: would also occupy the IPv4 port
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # If `port` is 0, the first socket gets a free port, and the other sockets use that port, too.
            listening.bind((name, port or (sockets[0].getsockname()[1] if sockets else 0)))
            listening.listen()
            sockets.append(listening)
        unless_all_listen.pop_all()
    return sockets


def _notice(listening: socket.socket) -> str:
    host: str = listening.getsockname()[0]
    # A server that listens on all addresses has no address of its own, but it can be reached on the loopback address.
    url = _url(listening, {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host))  # noqa: S104 - replaced, not bound
    return f"octave-mcp is running: open {url}/ in a browser (MCP: {url}{MCP_PATH}). Ctrl-C stops it."


def _url(listening: socket.socket, shown_host: str = "") -> str:
    host, port = listening.getsockname()[:2]
    return _origin(shown_host or host, port)


def _origin(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _website(settings: Settings) -> str | None:
    """Return the address of the web app. Return None if the settings do not say at which address callers reach it."""
    is_local = is_this_machine(settings.host) and not settings.public_hosts
    return f"{_origin(settings.host, settings.port)}/" if is_local and settings.port else None
