"""Two invented companies, each with a small site of its own: something to try the product on, without the network."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

__all__ = ["serve_demo"]


@asynccontextmanager
async def serve_demo() -> AsyncGenerator[tuple[str, str]]:
    """The origins of the vendor's and the prospect's site, each answering on its own free loopback port until left."""
    # The web framework is loaded by those who serve, not by those who import the package.
    from octave_mcp.demo.serving import serve  # noqa: PLC0415
    from octave_mcp.demo.sites import load  # noqa: PLC0415

    async with serve(load("vendor"), load("prospect")) as (vendor, prospect):
        yield vendor, prospect
