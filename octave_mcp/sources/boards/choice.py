"""Selects the company's own job boards from all job boards that its pages link to."""

from __future__ import annotations

from collections.abc import Sequence

from octave_mcp.domain.company import Company
from octave_mcp.domain.names import is_named_in
from octave_mcp.domain.page import Link

MAX_BOARDS = 2
# In characters. If the first part of a company's domain is shorter than this, it is not searched for, because it could
# occur in other words by chance.
MIN_NAME_LENGTH = 3


def own_boards(linked: Sequence[Link], company: Company) -> list[Link]:
    """Return the job boards whose URL contains the company's name.

    If no URL contains the name and there are at most `MAX_BOARDS` boards, return all boards.

    If there are many boards without the company's name, they probably belong to other companies.
    """
    named = [link for link in linked if _names(link.url, company)]
    return (named or (list(linked) if len(linked) <= MAX_BOARDS else []))[:MAX_BOARDS]


def _names(url: str, company: Company) -> bool:
    label = company.domain.partition(".")[0]
    return len(label) >= MIN_NAME_LENGTH and is_named_in(company.domain, url.partition("://")[2])
