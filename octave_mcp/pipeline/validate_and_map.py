"""Step 1: all sites answer and allow reading, before anything else of any is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager

from octave_mcp.concurrency.together import together
from octave_mcp.domain.company import Company, Site, same_site
from octave_mcp.errors import SameCompany, SiteUnreachable
from octave_mcp.pipeline.run import Run


async def validate_and_map(run: Run, companies: Sequence[Company]) -> tuple[Site, ...]:
    """The companies' sites: addresses and robots.txt of all, then all home pages, then all maps."""
    run.progress(f"reaching {_listed(company.domain for company in companies)}")
    async with _patience(run, companies):
        opened = await together(*(run.of(company.role).pages.open(company) for company in companies))
    _check_differ(companies, opened)
    async with _patience(run, companies):
        homes = await together(*(run.of(company.role).pages.home(company) for company in opened))
    sites = await together(
        *(run.of(company.role).pages.map(company, home) for company, home in zip(opened, homes, strict=True))
    )
    run.progress(f"{_listed(str(len(site.links)) for site in sites)} addresses found", units=1)
    return sites


def _check_differ(companies: Sequence[Company], opened: Sequence[Company]) -> None:
    if same := same_site(opened):
        named = {company.role: company.domain for company in companies}
        leading = " and ".join(named[company.role] for company in same)
        raise SameCompany(f"{leading} lead to one site, {same[0].domain}; name two companies")


@asynccontextmanager
async def _patience(run: Run, companies: Sequence[Company]) -> AsyncGenerator[None]:
    """How long the sites may be silent, retries included."""
    try:
        async with asyncio.timeout(run.site_timeout_seconds):
            yield
    except TimeoutError:
        names = " or ".join(company.domain for company in companies)
        text = f"{names} did not answer within {run.site_timeout_seconds:g} seconds; try again later"
        raise SiteUnreachable(text) from None


def _listed(texts: Iterable[str]) -> str:
    """As in 'one, two and three'."""
    *first, last = texts
    return " and ".join(filter(None, (", ".join(first), last)))
