"""Run our HTTP server with the demo's sites and with this folder at /clients, for a client that runs in a browser.

    python clients/apps_server.py --port 8001

The client is at /clients/apps.html. The rest of the server is unchanged.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import uvicorn
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from octave_mcp.app import App
from octave_mcp.demo import serve_demo_by_name
from octave_mcp.settings import load
from octave_mcp.surfaces import http, serving


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    async with serve_demo_by_name() as demo:
        # The sites need their own names, because the recorded answers are stored under these names.
        serving._make = lambda settings, observers: App(settings, observers, served=demo.served)  # pyright: ignore[reportPrivateUsage]
        app = http.make(load(port=port))
        app.router.routes.append(Mount("/clients", StaticFiles(directory=Path(__file__).parent)))
        await uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none")).serve()


if __name__ == "__main__":
    asyncio.run(main())
