"""HTTP: the tools as routes, beside MCP, in one application."""

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
from octave_mcp.surfaces import ending
from octave_mcp.surfaces.exposure import check_access
from octave_mcp.surfaces.mcp import server as mcp
from octave_mcp.surfaces.rest.access import MCP_PATH, HostOriginCheck, Limited, Observed, Tokens, TrailingSlash
from octave_mcp.surfaces.rest.docs import docs_routes
from octave_mcp.surfaces.rest.endpoints import operations
from octave_mcp.surfaces.rest.handlers import Rest
from octave_mcp.surfaces.rest.openapi import document
from octave_mcp.surfaces.rest.operations import routes
from octave_mcp.surfaces.rest.problems import HANDLERS
from octave_mcp.surfaces.serving import Server

# How long answers under way may take once the server is stopping; stopping takes two seconds in all.
DRAINING_SECONDS = 1
# How uvicorn's errors about unfinished answers begin; a stopping server would log one for every open stream.
CUT_OFF = ("ASGI callable returned without completing response", "Cancel ")


def make(settings: Settings | None = None) -> Starlette:
    """The application: MCP at /mcp and the routes beside it."""
    logging.getLogger("uvicorn.access").disabled = True  # it tells addresses, with whatever is in them
    settings, metrics = settings or load(), Metrics()
    server = Server(settings, observers=(metrics.observe,), at_once=True)
    app = mcp.make(settings, server).http_app(
        path=MCP_PATH,
        host_origin_protection=False,  # ours comes before it, and answers as everything else does
        middleware=[
            Middleware(TrailingSlash),
            Middleware(Observed, metrics),
            Middleware(HostOriginCheck, settings.public_hosts),
            Middleware(Tokens, settings.tokens),
            Middleware(Limited),
        ],
    )
    app.router.redirect_slashes = False
    app.router.routes.extend(_routes(Rest(server, metrics), with_tokens=bool(settings.tokens)))
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    return app


def _routes(rest: Rest, *, with_tokens: bool) -> list[BaseRoute]:
    offered = operations(rest)

    @cache
    def described() -> Response:
        return JSONResponse(document(offered, with_tokens=with_tokens))

    async def openapi(_: Request) -> Response:
        return await asyncio.to_thread(described)

    return [*routes(offered), Route("/openapi.json", openapi), *docs_routes()]


def serve(**flags: Any) -> int:  # noqa: ANN401 - the fields of Settings
    """Answers on the host and the port of the settings until it is stopped; returns the exit code."""
    try:
        settings = load(**flags)
        sockets = _listening(settings)
        logs.configure(settings)
        server = _Server(configured(make(settings)))
        logger.bind(url=_url(sockets[0])).info("listening")
        stay_responsive()
        server.run(sockets)
    except SetupError as missing:
        sys.stderr.write(f"error: {missing}\n")
        return 3
    except KeyboardInterrupt:
        return 130
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    """Ends in time, without errors about the answers that it cuts off."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._end_in_time = ending.exit_timer()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:  # uvicorn would take a second Ctrl-C to mean that nothing is to be closed
            return
        self._end_in_time(sig)
        logging.getLogger("uvicorn.error").addFilter(lambda record: not record.getMessage().startswith(CUT_OFF))
        super().handle_exit(sig, frame)


def configured(app: Starlette) -> uvicorn.Config:
    """How an application of ours is served: it logs by itself, and believes no header about who calls."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=DRAINING_SECONDS,
    )


def _listening(settings: Settings) -> list[socket.socket]:
    """Sockets at every address of the host, which listen already.

    Raises:
        SetupError: there is no such address, the port is taken, or other machines could call without a safe token.
    """
    host, port = settings.host, settings.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as failed:
        raise SetupError(f"OCTAVE_HOST: {host!r} is no address of this machine ({failed.strerror})") from None
    addresses = list(dict.fromkeys((str(address[0]), port) for *_, address in found))
    check_access(settings, (name for name, _ in addresses))
    try:
        return _bound(addresses)
    except OSError as failed:
        advice = "choose another with --port" if failed.errno == errno.EADDRINUSE else "choose others"
        raise SetupError(f"cannot listen at {host!r}, port {port} ({failed.strerror}); {advice}") from None


def _bound(addresses: list[tuple[str, int]]) -> list[socket.socket]:
    """The protocol is named because asyncio turns Nagle's algorithm off only where it is: else every answer waits."""
    sockets: list[socket.socket] = []
    with ExitStack() as unless_all_listen:
        for name, port in addresses:
            family = socket.AF_INET6 if ":" in name else socket.AF_INET
            listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            unless_all_listen.callback(listening.close)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind((name, port or (sockets[0].getsockname()[1] if sockets else 0)))
            listening.listen()
            sockets.append(listening)
        unless_all_listen.pop_all()
    return sockets


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
