"""Two invented companies, each with a small site of its own: something to try the product on, without the network."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from octave_mcp.domain.addresses import Served

__all__ = ["Demo", "serve_demo", "serve_demo_by_name"]


@dataclass(frozen=True, slots=True)
class Demo:
    """The companies' invented addresses, and where those who know `served` reach them.

    The addresses are http: the sites are served without encryption, and must not look as if they were.
    """

    vendor: str
    prospect: str
    served: Served


@asynccontextmanager
async def serve_demo() -> AsyncGenerator[tuple[str, str]]:
    """The origins of the vendor's and the prospect's site, each answering on its own free loopback port until left."""
    # The web framework is loaded by those who serve, not by those who import the package.
    from octave_mcp.demo.serving import serve  # noqa: PLC0415
    from octave_mcp.demo.sites import load  # noqa: PLC0415

    async with serve(load("vendor"), load("prospect")) as (vendor, prospect):
        yield vendor, prospect


@asynccontextmanager
async def serve_demo_by_name() -> AsyncGenerator[Demo]:
    """As `serve_demo`, under the companies' own domains, of the reserved top-level domain `example`."""
    from octave_mcp.demo.sites import load  # noqa: PLC0415 - as above

    names = [load(role).about["domain"] for role in ("vendor", "prospect")]
    async with serve_demo() as origins:
        served = {name: urlsplit(origin).port or 0 for name, origin in zip(names, origins, strict=True)}
        yield Demo(*(f"http://{name}" for name in names), served=served)
