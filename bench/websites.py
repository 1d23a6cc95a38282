"""Local servers of the websites that the benchmark reads. Each page takes the time that the latency model draws for it.

    python bench/websites.py LATENCY SITES

LATENCY is a JSON object with fields of `latency.Latency`. SITES is a list of JSON objects as in `cases.toml`. Each site
gets its own port, so that octave-mcp takes each for a different company. The program prints the URLs as a JSON list,
and runs until stdin is closed. On each site, `GET /log` returns all requests to all sites, `DELETE /log` forgets them,
and `PUT /scale` changes the scale of the latency model.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from invented import Invented  # noqa: E402 - see above
from latency import Latency  # noqa: E402

from octave_mcp.demo.sites import TYPES, load  # noqa: E402

SHARED = ROOT.parent / "shared" / "sites"
Documents = dict[str, tuple[str, bytes]]


@dataclass
class Fetch:
    """A request to a website, with its start and duration in seconds."""

    url: str
    started_at: float
    seconds: float


@dataclass
class Website:
    """A site. `site` describes the site as in `cases.toml`, and `origin` is its URL."""

    site: dict[str, Any]
    origin: str

    @cached_property
    def documents(self) -> Documents:
        fields = {name: value for name, value in self.site.items() if name != "kind"}
        return _KINDS[self.site["kind"]](fields, self.origin)

    @cached_property
    def redirects(self) -> dict[str, str]:
        if self.site["kind"] != "shared":
            return {}
        listed = json.loads((SHARED / self.site["domain"] / "redirects.json").read_text("utf-8"))
        return {path: each["to"] for path, each in listed.items()}


def _invented(fields: dict[str, Any], origin: str) -> Documents:
    documents = Invented(**fields).documents(origin)
    return {path: (media_type, text.encode()) for path, (media_type, text) in documents.items()}


def _demo(fields: dict[str, Any], origin: str) -> Documents:
    documents = load(fields["role"]).documents(origin)
    return {path: (document.media_type, document.body) for path, document in documents.items()}


def _shared(fields: dict[str, Any], origin: str) -> Documents:
    domain = fields["domain"]
    root, documents = SHARED / domain, Documents()
    for file in sorted(root.rglob("*")):
        media_type = {".html": "text/html", ".xml": "application/xml", ".txt": "text/plain", **TYPES}.get(file.suffix)
        if media_type and file.is_file():
            path = "/" + file.relative_to(root).as_posix().removesuffix("index.html").rstrip("/")
            body = file.read_bytes().replace(f"https://{domain}".encode(), origin.encode())
            documents[path] = (media_type, body)
    return documents


_KINDS: dict[str, Callable[[dict[str, Any], str], Documents]] = {
    "invented": _invented,
    "demo": _demo,
    "shared": _shared,
    "missing": lambda _fields, _origin: {},
}


class Application:
    """Serves each site under its own port."""

    def __init__(self, latency: Latency, sites: dict[int, Website]) -> None:
        self._latency, self._sites = latency, sites
        self._log: list[Fetch] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = {"/log": self._logged, "/scale": self._rescaled}.get(request.url.path, self._sent)
        await (await answer(request))(scope, receive, send)

    async def _rescaled(self, request: Request) -> Response:
        self._latency = replace(self._latency, scale=await request.json())
        return JSONResponse(None)

    async def _logged(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._log.clear()
        return JSONResponse([asdict(fetch) for fetch in self._log])

    async def _sent(self, request: Request) -> Response:
        website, path, started_at = self._sites[request.url.port or 80], request.url.path, time.time()
        seconds = self._latency.page(f"{website.site} {path}")
        await asyncio.sleep(seconds)
        self._log.append(Fetch(f"{website.origin}{path}", started_at, time.time() - started_at))
        path = path.rstrip("/") or "/"
        if to := website.redirects.get(path):
            return RedirectResponse(to, 301)
        media_type, body = website.documents.get(path) or ("text/html", b"<h1>Page not found</h1>")
        return Response(body, 200 if path in website.documents else 404, media_type=media_type)


def listening() -> socket.socket:
    """Return a listening socket on a free loopback port."""
    # asyncio disables Nagle's algorithm only if the protocol is given. The algorithm would delay responses by 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    bound.listen(1024)
    return bound


def serve(application: object, sockets: list[socket.socket], announced: object) -> None:
    """Print `announced`, and serve the application until stdin is closed."""
    config = uvicorn.Config(
        cast("Any", application), log_config=None, access_log=False, lifespan="off", ws="none", timeout_keep_alive=600
    )
    server = uvicorn.Server(config)

    async def run() -> None:
        running = asyncio.create_task(server.serve(sockets=sockets))
        print(json.dumps(announced), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = server.force_exit = True
        await running

    asyncio.run(run())


def main() -> None:
    latency, sites = Latency(**json.loads(sys.argv[1])), json.loads(sys.argv[2])
    sockets = [listening() for _ in sites]
    origins = {bound.getsockname()[1]: f"http://127.0.0.1:{bound.getsockname()[1]}" for bound in sockets}
    websites = {port: Website(site, origin) for (port, origin), site in zip(origins.items(), sites, strict=True)}
    serve(Application(latency, websites), sockets, list(origins.values()))


if __name__ == "__main__":
    main()
