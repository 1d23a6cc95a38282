"""Serves the sites of two invented companies on loopback, so that the product can be tried without a network."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from octave_mcp.domain.addresses import Served

__all__ = ["Demo", "is_demo_site", "serve_demo", "serve_demo_by_name"]


@dataclass(frozen=True, slots=True)
class Demo:
    """The URLs of the two sites, with their invented domains.

    `served` maps each domain to the loopback port that serves it.

    The URLs use http, because the sites are served without encryption.
    """

    vendor: str
    prospect: str
    served: Served


@asynccontextmanager
async def serve_demo() -> AsyncGenerator[tuple[str, str]]:
    """Serve both sites on free loopback ports, and yield their origins: the vendor's, then the prospect's."""
    # These imports are local, so that importing the package loads neither the web framework nor Jinja.
    from octave_mcp.demo.serving import serve  # noqa: PLC0415
    from octave_mcp.demo.sites import load  # noqa: PLC0415

    async with serve(load("vendor"), load("prospect")) as (vendor, prospect):
        yield vendor, prospect


@asynccontextmanager
async def serve_demo_by_name() -> AsyncGenerator[Demo]:
    """Serve both sites under the companies' own domains, which end in the reserved top-level domain `example`."""
    names = _domains()
    async with serve_demo() as origins:
        served = {name: urlsplit(origin).port or 0 for name, origin in zip(names, origins, strict=True)}
        yield Demo(*(f"http://{name}" for name in names), served=served)


def is_demo_site(address: str) -> bool:
    """Return whether the address that a user requested belongs to one of the demo's companies."""
    return urlsplit(address).hostname in _domains()


def _domains() -> tuple[str, str]:
    from octave_mcp.demo.sites import about  # noqa: PLC0415 - as above

    return about("vendor")["domain"], about("prospect")["domain"]
