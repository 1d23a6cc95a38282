"""Step 1: both sites answer and allow reading, before anything else of either is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from octave_mcp.concurrency.together import together
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Page
from octave_mcp.errors import SameCompany, SiteUnreachable
from octave_mcp.pipeline.run import Run


async def validate_and_map(run: Run, companies: tuple[Company, Company]) -> tuple[Site, Site]:
    """The two sites: addresses and robots.txt of both, then both home pages, then both maps."""
    run.progress(f"reaching {companies[0].domain} and {companies[1].domain}")
    async with _patience(run, companies):
        vendor, prospect = await together(*(run.of(company.role).open(company) for company in companies))
    if vendor.domain == prospect.domain:
        raise SameCompany(
            f"{companies[0].domain} and {companies[1].domain} lead to one site, {vendor.domain}; name two companies"
        )
    async with _patience(run, companies):
        homes = await together(_home(run, vendor), _home(run, prospect))
    first, second = await together(_map(run, vendor, homes[0]), _map(run, prospect, homes[1]))
    run.progress(f"{len(first.links)} and {len(second.links)} addresses found", units=1)
    return first, second


@asynccontextmanager
async def _patience(run: Run, companies: tuple[Company, Company]) -> AsyncGenerator[None]:
    """How long the two sites may be silent, whatever is tried again meanwhile."""
    try:
        async with asyncio.timeout(run.site_timeout_seconds):
            yield
    except TimeoutError:
        names = " or ".join(company.domain for company in companies)
        text = f"{names} did not answer within {run.site_timeout_seconds:g} seconds; try again later"
        raise SiteUnreachable(text) from None


def _home(run: Run, company: Company) -> Coroutine[Any, Any, Page]:
    return run.of(company.role).home(company)


def _map(run: Run, company: Company, home: Page) -> Coroutine[Any, Any, Site]:
    return run.of(company.role).map(company, home)
