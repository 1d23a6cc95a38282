"""Serves the demo's sites on loopback in the running event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import lru_cache

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from octave_mcp.demo.sites import Site


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signal handlers unchanged."""
        # If both servers installed and restored signal handlers, the application's own handlers would be lost.
        yield


@asynccontextmanager
async def serve(*sites: Site) -> AsyncGenerator[tuple[str, ...]]:
    """Serve the sites, and yield their origins in the order of the sites."""
    with ExitStack() as stack:
        # The sockets listen before the servers run, so that an early request waits instead of being refused.
        sockets = [stack.enter_context(_listening()) for _ in sites]
        origins = tuple(f"http://127.0.0.1:{listening.getsockname()[1]}" for listening in sockets)
        servers = [Server(_config(site)) for site in sites]
        running = [
            asyncio.create_task(server.serve(sockets=[listening]))
            for server, listening in zip(servers, sockets, strict=True)
        ]
        try:
            yield origins
        finally:
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*running)


def _listening() -> socket.socket:
    """Return a listening socket on a free loopback port."""
    # asyncio disables Nagle's algorithm only if the protocol is given explicitly. With Nagle's algorithm, a response
    # could take 40 ms longer.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


def _config(site: Site) -> uvicorn.Config:
    return uvicorn.Config(
        _application(site),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )


def _application(site: Site) -> Starlette:
    """Return an application that serves the site under any host name."""
    # Rendered sites are cached, because rendering all pages for each request would be slow.
    documents_at, missing_at = lru_cache(2)(site.documents), lru_cache(2)(site.missing)

    async def answer(request: Request) -> Response:
        path, origin = request.url.path, f"{request.base_url}".rstrip("/")
        documents, missing = documents_at(origin), missing_at(origin)
        if path not in documents and (without_slash := path.rstrip("/")) in documents:
            return RedirectResponse(without_slash, status_code=308)
        document = documents.get(path, missing)
        return Response(document.body, 404 if document is missing else 200, media_type=document.media_type)

    return Starlette(routes=[Route("/{path:path}", answer)])
