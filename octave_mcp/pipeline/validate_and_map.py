"""Step 1: check that both sites answer and that robots.txt allows reading them, and list their pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager

from octave_mcp.concurrency.together import together
from octave_mcp.domain.company import Company, Site, same_site
from octave_mcp.errors import SameCompany, SiteUnreachable
from octave_mcp.pipeline.run import Run


async def validate_and_map(run: Run, companies: Sequence[Company]) -> tuple[Site, ...]:
    """Open all sites, fetch their home pages, and list their pages.

    All sites are opened before any home page is fetched. For example, if the prospect's domain is mistyped, the run
    fails before it requests any page of the vendor's site.
    """
    run.progress(f"reaching {_listed(company.domain for company in companies)}")
    async with _site_timeout(run, companies):
        opened = await together(*(run.of(company.role).pages.open(company) for company in companies))
    _check_differ(companies, opened)
    async with _site_timeout(run, companies):
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
        raise SameCompany(f"{leading} lead to the same site, {same[0].domain}; name two different companies")


@asynccontextmanager
async def _site_timeout(run: Run, companies: Sequence[Company]) -> AsyncGenerator[None]:
    """Raise SiteUnreachable if the sites do not answer within the time limit, including retries."""
    try:
        async with asyncio.timeout(run.site_timeout_seconds):
            yield
    except TimeoutError:
        names = " or ".join(company.domain for company in companies)
        text = f"{names} did not answer within {run.site_timeout_seconds:g} seconds; try again later"
        raise SiteUnreachable(text) from None


def _listed(texts: Iterable[str]) -> str:
    """Join texts as in 'one, two and three'."""
    *first, last = texts
    return " and ".join(filter(None, (", ".join(first), last)))
