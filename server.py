"""`python server.py` answers MCP on stdin and stdout; with --http, HTTP answers MCP and REST on port 7777.

`uvicorn server:app` finds the application of the latter here, too.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from octave_mcp.surfaces.mcp.server import mcp, serve

if TYPE_CHECKING:
    from starlette.applications import Starlette

    app: Starlette

__all__ = ["app", "mcp"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - of a module
    """Makes `app` for whoever asks: what HTTP needs is not loaded for those who speak over stdio."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from octave_mcp.surfaces.http import make  # noqa: PLC0415 - on first use

    return globals().setdefault("app", make())


def main() -> int:
    parser = ArgumentParser(description="Two company websites in, a sourced sales playbook out.")
    parser.add_argument("--http", action="store_true", help="answer over HTTP instead of stdin and stdout")
    parser.add_argument("--host", help="the address to listen at (OCTAVE_HOST)")
    parser.add_argument("--port", type=int, help="the port to listen at (OCTAVE_PORT)")
    asked = parser.parse_args()
    flags = {name: value for name, value in (("host", asked.host), ("port", asked.port)) if value is not None}
    if not asked.http:
        return parser.error("--host and --port are for --http") if flags else serve()
    from octave_mcp.surfaces import http  # noqa: PLC0415 - on first use

    return http.serve(**flags)


if __name__ == "__main__":
    sys.exit(main())
