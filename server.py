"""MCP on stdio: `python server.py`."""

from __future__ import annotations

import sys

from octave_mcp.surfaces.mcp import mcp, serve

__all__ = ["mcp"]

if __name__ == "__main__":
    sys.exit(serve())
