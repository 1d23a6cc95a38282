"""The eight steps, in reading order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.drafts import Written
from octave_mcp.domain.research import Research
from octave_mcp.errors import BudgetExceeded
from octave_mcp.evidence.screening import safe_name
from octave_mcp.pipeline.analyse_homepage import analyse_homepage
from octave_mcp.pipeline.gaps import refused
from octave_mcp.pipeline.merge import add, merge
from octave_mcp.pipeline.offer import offer
from octave_mcp.pipeline.prioritise_urls import Pack, in_packs, prioritise_urls
from octave_mcp.pipeline.read_again import read_again
from octave_mcp.pipeline.read_pack import read_pack
from octave_mcp.pipeline.recall import keep, recall, unread
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.scrape_homepage import scrape_homepage
from octave_mcp.pipeline.turns import Turns
from octave_mcp.pipeline.understand import understand
from octave_mcp.pipeline.validate_and_map import validate_and_map
from octave_mcp.pipeline.write_playbook import write_playbook


async def generate(run: Run, companies: Sequence[Company]) -> Written:
    """The playbook, with its drafts, for selling what the vendor has to the prospect.

    Raises:
        OctaveError: one of the sites cannot be read, or no mandatory section can be written.
    """
    sites = await run(validate_and_map, companies)  # 1  the one barrier: all must be there
    turns = Turns([site.company.role for site in sites]) if run.capacity.is_patient else None
    run = replace(run, offer=await computed(offer, sites), turns=turns)
    names = {site.company.role: _name(site) for site in sites}
    found = await run.side_by_side(  # 2-6, and 7 for the prospect
        research,
        *((site, names[site.company.traits.counterpart]) for site in sites),
        of=tuple(site.company.role for site in sites),
    )
    if gap := next(filter(None, map(refused, found)), None):
        raise BudgetExceeded(f"{gap.section} could not be written: {gap.reason}")
    return await run(write_playbook, {known.role: known for known in found})  # 8  matching, then the writers


def _name(site: Site) -> str:
    return safe_name(site.home.structured.site_name, "") or site.company.domain


async def research(run: Run, site: Site, counterpart: str) -> Research:
    """All that one company's site says that matters to the deal with its counterpart."""
    try:
        found = await (run(read_again, site, run.base, counterpart) if run.base else _found(run, site, counterpart))
    finally:
        if run.turns:
            run.turns.end(site.company.role)
    found = found.model_copy(update={"links": tuple(link.url for link in site.links)})
    return await run(understand, found, counterpart)  # 7  of a company read for its signals


async def _found(run: Run, site: Site, counterpart: str) -> Research:
    """What the pages say."""
    if kept := await recall(run, site):
        return await _read_on(run, site, kept, counterpart)
    home = await run(scrape_homepage, site)  # 2
    profile = await run(analyse_homepage, site, home)  # 3  also the company's name, with evidence
    chosen = await run(prioritise_urls, site, profile, counterpart)  # 4
    packs = [
        (site, profile, counterpart, pack, None if at else home)
        for at, pack in enumerate(in_packs(chosen, run.capacity.pack_pages))
    ]
    readings = await run.side_by_side(read_pack, *packs, name="pack")  # 5 + 6  packs do not wait for each other
    found = merge(profile, readings, site.failures)
    await keep(run, found)
    return found


async def _read_on(run: Run, site: Site, kept: Research, counterpart: str) -> Research:
    """What was found for another deal, plus what this site's pages say about the counterpart in this one."""
    urls = unread(site, kept, counterpart)
    run.progress.plan(len(urls))
    readings = await run.side_by_side(
        read_pack, *((site, kept.profile, counterpart, Pack(urls), None) for _ in urls[:1]), name="counterpart"
    )
    return add(kept, readings)
