"""Which of the job boards that a company's page names are the company's own."""

from __future__ import annotations

from collections.abc import Sequence

from octave_mcp.domain.company import Company
from octave_mcp.domain.names import is_named_in
from octave_mcp.domain.page import Link

MOST = 2
MIN_NAME_LENGTH = 3


def own_boards(found: Sequence[Link], company: Company) -> list[Link]:
    """Those with the company's name in their address, or else all; none if they are those of many companies."""
    named = [link for link in found if _names(link.url, company)]
    return (named or (list(found) if len(found) <= MOST else []))[:MOST]


def _names(url: str, company: Company) -> bool:
    label = company.domain.partition(".")[0]
    return len(label) >= MIN_NAME_LENGTH and is_named_in(company.domain, url.partition("://")[2])
