"""What is a part of a company: its site, and the places beyond it that its map has found."""

from __future__ import annotations

from collections.abc import Iterable

from octave_mcp.domain.addresses import site_at
from octave_mcp.domain.company import Beyond, Company, Site
from octave_mcp.domain.page import Addresses, Link, LinkOrigin, Page


def mapped(company: Company, home: Page, found: Addresses) -> Site:
    """The company's site. The company in it also has the places beyond the site."""
    beyond = Beyond(
        sisters=tuple(dict.fromkeys(filter(None, map(site_at, _of("sister", found.links))))),
        job_boards=_of("job_board", found.links),
        feeds=_of("feed", found.links),
    )
    return Site(company=company.model_copy(update={"beyond": beyond}), home=home, **dict(found))


def _of(origin: LinkOrigin, links: Iterable[Link]) -> tuple[str, ...]:
    return tuple(link.url for link in links if link.origin == origin)
