"""The eight steps of a run, from two domains to a playbook."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.current import READING_SINCE
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.drafts import Written
from octave_mcp.domain.research import Research
from octave_mcp.errors import BudgetExceeded
from octave_mcp.evidence.screening import safe_name
from octave_mcp.pipeline.analyse_homepage import analyse_homepage
from octave_mcp.pipeline.gaps import budget_gap
from octave_mcp.pipeline.merge import add, merge
from octave_mcp.pipeline.offer import offer
from octave_mcp.pipeline.prioritise_urls import Pack, in_packs, prioritise_urls
from octave_mcp.pipeline.read_again import read_again
from octave_mcp.pipeline.read_pack import read_pack
from octave_mcp.pipeline.recall import cache_research, cached_research, unread_pages
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.scrape_homepage import scrape_homepage
from octave_mcp.pipeline.turns import Turns
from octave_mcp.pipeline.understand import understand
from octave_mcp.pipeline.validate_and_map import validate_and_map
from octave_mcp.pipeline.write_playbook import write_playbook


async def generate(run: Run, companies: Sequence[Company]) -> Written:
    """Research both companies, write the playbook, and return it with its drafts.

    Raises:
        OctaveError: If a site cannot be read, or a mandatory section cannot be written.
    """
    run.asker.model.prepare()
    sites = await run(validate_and_map, companies)  # step 1: both sites must answer before pages are read
    READING_SINCE.set(asyncio.get_running_loop().time())
    turns = Turns([site.company.role for site in sites]) if run.capacity.is_answered_by_client else None
    run = replace(run, offer=await computed(offer, sites), turns=turns)
    names = {site.company.role: _name(site) for site in sites}
    results = await run.side_by_side(  # steps 2 to 6, and step 7 for the prospect
        research,
        *((site, names[site.company.traits.counterpart]) for site in sites),
        of=tuple(site.company.role for site in sites),
    )
    # If the budget ran out before the vendor's elements or the prospect's personas were known, the drafts would lack
    # their main material, so fail before asking for any drafts.
    if gap := next(filter(None, map(budget_gap, results)), None):
        raise BudgetExceeded(f"{gap.section} could not be written: {gap.reason}")
    return await run(write_playbook, {known.role: known for known in results})  # step 8


def _name(site: Site) -> str:
    return safe_name(site.home.structured.site_name, "") or site.company.domain


async def research(run: Run, site: Site, counterpart: str) -> Research:
    """Research one company (steps 2 to 7)."""
    try:
        read = await (run(read_again, site, run.base, counterpart) if run.base else _read_all(run, site, counterpart))
    finally:
        # End the turn even if the research failed or made no ask, because otherwise the research on the other company
        # could wait forever.
        if run.turns:
            run.turns.end(site.company.role)
    read = read.model_copy(update={"links": tuple(link.url for link in site.links)})
    return await run(understand, read, counterpart)  # step 7, which skips the vendor


async def _read_all(run: Run, site: Site, counterpart: str) -> Research:
    """Return the cached research, or read the site if no research is cached."""
    if cached := await cached_research(run, site):
        return await _with_unread_pages(run, site, cached, counterpart)
    home = await run(scrape_homepage, site)  # step 2
    profile = await run(analyse_homepage, site, home)  # step 3
    chosen = await run(prioritise_urls, site, profile, counterpart)  # step 4
    packs = [
        (site, profile, counterpart, pack, None if at else home)
        for at, pack in enumerate(in_packs(chosen, run.capacity.pack_pages))
    ]
    readings = await run.side_by_side(read_pack, *packs, name="pack")  # steps 5 and 6
    merged = merge(profile, readings, site.failures)
    await cache_research(run, merged)
    return merged


async def _with_unread_pages(run: Run, site: Site, cached: Research, counterpart: str) -> Research:
    """Return the cached research, plus findings from unread pages that name the other company of this deal.

    If the cached research is from a run about a different deal, that run had no reason to read pages that name this
    deal's companies.
    """
    urls = unread_pages(site, cached, counterpart)
    run.progress.plan(len(urls))
    readings = await run.side_by_side(
        read_pack, *((site, cached.profile, counterpart, Pack(urls), None) for _ in urls[:1]), name="counterpart"
    )
    return add(cached, readings)
