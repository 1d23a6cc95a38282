"""Serve the demo's two sites and a slow copy of the prospect's site, until stdin is closed.

The script prints the origins of the three sites.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from octave_mcp.demo import serve_demo
from octave_mcp.demo.sites import Document, load

# A run makes at least four requests one after another (robots.txt, home page, sitemap, pages), so the run takes at
# least 6 s. The run must not be faster, because a call of the TypeScript client must time out before the run ends.
RESPONSE_SECONDS = 1.5


class Slow(BaseHTTPRequestHandler):
    documents: dict[str, Document]
    missing: Document

    def do_GET(self) -> None:
        time.sleep(RESPONSE_SECONDS)
        document = self.documents.get(self.path, self.missing)
        self.send_response(404 if document is self.missing else 200)
        self.send_header("Content-Type", document.media_type)
        self.send_header("Content-Length", str(len(document.body)))
        self.end_headers()
        self.wfile.write(document.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Log nothing."""


@contextmanager
def serve_slow() -> Generator[str]:
    site = load("prospect")
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        Slow.documents, Slow.missing = site.documents(origin), site.missing(origin)
        Thread(target=server.serve_forever, daemon=True).start()
        yield origin
        server.shutdown()


async def main() -> None:
    async with serve_demo() as (vendor, prospect):
        with serve_slow() as slow:
            sys.stdout.write(f"{vendor} {prospect} {slow}\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
