"""The eight steps, in reading order."""

from __future__ import annotations

from math import ceil

from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.research import Research
from octave_mcp.run import ASK_PLACES, Run
from octave_mcp.steps.analyse_homepage import analyse_homepage
from octave_mcp.steps.merge import merge
from octave_mcp.steps.prioritise_urls import PACK_PAGES, in_packs, prioritise_urls
from octave_mcp.steps.read_pack import read_home, read_pack
from octave_mcp.steps.scrape_homepage import scrape_homepage
from octave_mcp.steps.understand import understand
from octave_mcp.steps.validate_and_map import validate_and_map
from octave_mcp.steps.write_playbook import write_playbook


async def generate(run: Run, vendor: Company, prospect: Company) -> Playbook:
    """The playbook for selling what the vendor has to the prospect.

    Raises:
        OctaveError: one of the two sites cannot be read, or no mandatory section can be written.
    """
    sites = await run(validate_and_map, (vendor, prospect))  # 1  the one barrier: both must be there
    names = tuple(site.home.structured.site_name or site.company.domain for site in sites)
    sold, sought = await run.side_by_side(  # 2-6, and 7 for the prospect
        research,
        (sites[0], names[1]),
        (sites[1], names[0]),
        of=("vendor", "prospect"),
        places=_places(run.request.max_pages),
    )
    return await run(write_playbook, sold, sought)  # 8  matching, then the writers


async def research(run: Run, site: Site, counterpart: str) -> Research:
    """All that one company's site says that matters to the deal with its counterpart."""
    home = await run(scrape_homepage, site)  # 2
    profile = await run(analyse_homepage, site, home)  # 3  also the company's name, with evidence
    chosen = await run(prioritise_urls, site, profile, counterpart)  # 4
    packs = [(site, profile, counterpart, pack) for pack in in_packs(chosen)]
    first = await run(read_home, profile, counterpart, home)
    readings = await run.side_by_side(  # 5 + 6  scrape, then extract; packs do not wait for each other
        read_pack, *packs, places=PACK_PLACES
    )
    return await run(
        understand, merge(site, profile, (first, *readings)), counterpart
    )  # 7  prospect only: profile, pain points, personas


PACK_PLACES = 1 + PACK_PAGES * ASK_PLACES
"""A scrape, and at most one ask a page."""


def _places(max_pages: int) -> int:
    """The most scrapes and asks about one company: its door, its profile, its home page, its packs, and step 7."""
    return 1 + 3 * ASK_PLACES + PACK_PLACES * ceil(max_pages / PACK_PAGES)
