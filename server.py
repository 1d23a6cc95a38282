"""Entry point of the server.

`python server.py` serves MCP on stdin and stdout. `python server.py --http` and `uvicorn server:app` serve MCP and REST
over HTTP.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from octave_mcp.concurrency.imports import fast_imports

with fast_imports():
    from octave_mcp.surfaces.mcp import server

if TYPE_CHECKING:
    from fastmcp import FastMCP
    from starlette.applications import Starlette

    app: Starlette
    mcp: FastMCP[Any]

__all__ = ["app", "mcp"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - of a module
    """Create `app` and `mcp` on first access.

    A server on stdio then does not import modules that only HTTP needs, and registers its tools only once.
    """
    if name == "mcp":
        return globals().setdefault(name, server.make())
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from octave_mcp.surfaces.http import make  # noqa: PLC0415 - on first use

    return globals().setdefault(name, make())


def main() -> int:
    parser = ArgumentParser(description="Turn two company websites into a sales playbook that cites its sources.")
    parser.add_argument("--http", action="store_true", help="serve over HTTP instead of stdin and stdout")
    parser.add_argument("--host", help="address to listen on (default: OCTAVE_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (default: OCTAVE_PORT, or 7777)")
    options = parser.parse_args()
    flags = {name: value for name, value in (("host", options.host), ("port", options.port)) if value is not None}
    if not options.http:
        return parser.error("--host and --port need --http") if flags else server.serve()
    from octave_mcp.surfaces import http  # noqa: PLC0415 - on first use

    return http.serve(**flags)


if __name__ == "__main__":
    sys.exit(main())
