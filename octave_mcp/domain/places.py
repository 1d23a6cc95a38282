"""Combines a company, its home page and the map of its site."""

from __future__ import annotations

from collections.abc import Iterable

from octave_mcp.domain.addresses import site_at
from octave_mcp.domain.company import Beyond, Company, Site
from octave_mcp.domain.page import Addresses, Link, LinkOrigin, Page


def mapped(company: Company, home: Page, found: Addresses) -> Site:
    """Combine the results of mapping a site.

    `company` of the returned site lists the sister sites, job boards and feeds that were found.
    """
    beyond = Beyond(
        sisters=tuple(dict.fromkeys(filter(None, map(site_at, _urls_of("sister", found.links))))),
        job_boards=_urls_of("job_board", found.links),
        feeds=_urls_of("feed", found.links),
    )
    return Site(company=company.model_copy(update={"beyond": beyond}), home=home, **dict(found))


def _urls_of(origin: LinkOrigin, links: Iterable[Link]) -> tuple[str, ...]:
    return tuple(link.url for link in links if link.origin == origin)
