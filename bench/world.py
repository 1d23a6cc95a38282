"""The simulated world of the benchmark: websites, Firecrawl and providers, and octave-mcp servers that use them."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from latency import Latency
from processes import BENCH, LIMITS, Server, announcing, keys, provider, server, websites
from websites import SHARED

SiteSpec = Mapping[str, Any]
MAX_PAGES = 25


@dataclass(frozen=True)
class Case:
    """A pair of companies to research. `model` and `source` are the names of octave-mcp's adapters."""

    name: str
    vendor: SiteSpec
    prospect: SiteSpec
    model: str = "openai"
    source: str = "crawler"
    language: str = "en"

    @property
    def missing(self) -> str:
        """Why the case cannot run on this machine, or ''."""
        needs_shared = "shared" in {self.vendor["kind"], self.prospect["kind"]}
        return "real pages are not in this repository" if needs_shared and not SHARED.is_dir() else ""


def cases() -> list[Case]:
    return [Case(**case) for case in tomllib.loads((BENCH / "cases.toml").read_text("utf-8"))["case"]]


@dataclass(frozen=True)
class Pair:
    """The URLs of two websites of a case, with ports of their own."""

    case: Case
    vendor: str
    prospect: str


@dataclass(frozen=True)
class World:
    """Running doubles. `pairs` are the websites, and `client` sends requests to the doubles."""

    pairs: Sequence[Pair]
    provider_url: str
    firecrawl_url: str
    client: httpx2.AsyncClient

    async def rescale(self, scale: float) -> None:
        """Let all doubles answer at this share of real time."""
        for url in (self.provider_url, self.pairs[0].vendor):
            (await self.client.put(f"{url}/scale", json=scale)).raise_for_status()

    async def forget(self) -> None:
        """Clear the logs and the prompt cache of the doubles."""
        for url in (self.provider_url, self.pairs[0].vendor):
            (await self.client.delete(f"{url}/log")).raise_for_status()

    async def calls(self) -> list[dict[str, Any]]:
        """Return the model calls since the last `forget`, in the order in which they ended."""
        return (await self.client.get(f"{self.provider_url}/log")).raise_for_status().json()

    async def fetches(self) -> list[dict[str, Any]]:
        """Return the requests to websites since the last `forget`."""
        return (await self.client.get(f"{self.pairs[0].vendor}/log")).raise_for_status().json()

    def environment(self, **settings: object) -> dict[str, str]:
        """Return the variables for a server in this world. `settings` have no prefix, as in max_runs=64."""
        hosts = [url.removeprefix("http://") for pair in self.pairs for url in (pair.vendor, pair.prospect)]
        return {
            **keys(self.provider_url),
            "FIRECRAWL_API_KEY": "fc-0123456789abcdef",
            "FIRECRAWL_API_URL": self.firecrawl_url,
            "OCTAVE_ALLOW_HOSTS": ",".join(hosts),
            **{f"OCTAVE_{name.upper()}": str(value) for name, value in settings.items()},
        }

    def server(self, **settings: object) -> Any:  # noqa: ANN401 - a context manager
        return server(self.environment(**settings))


@asynccontextmanager
async def world(wanted: Sequence[Case], scale: float = 1.0, *, has_faults: bool = True) -> AsyncGenerator[World]:
    """Serve the websites of these cases. A case can occur several times: each time, it gets websites of its own.

    If `has_faults` is false, no answer of the provider has a fault, so no run makes a correction.
    """
    latency = Latency(scale=scale)
    sites = [dict(site) for case in wanted for site in (case.vendor, case.prospect)]
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(websites(latency, sites))
        provider_url = await stack.enter_async_context(provider(latency, has_faults=has_faults))
        firecrawl_url = await stack.enter_async_context(announcing(Path(BENCH, "firecrawl_service.py")))
        client = await stack.enter_async_context(httpx2.AsyncClient(timeout=60, limits=LIMITS, trust_env=False))
        pairs = [Pair(*each) for each in zip(wanted, urls[::2], urls[1::2], strict=True)]
        yield World(pairs, provider_url, firecrawl_url, client)


async def generate(on: Server, pair: Pair, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Make a playbook about a pair, and return the final report."""
    case = pair.case
    request = {"model": case.model, "source": case.source, "language": case.language, "max_pages": MAX_PAGES}
    return await on.run(vendor_domain=pair.vendor, prospect_domain=pair.prospect, **{**request, **more})
