"""Selects the company's own job boards among those that its pages link to."""

from __future__ import annotations

from collections.abc import Sequence

from octave_mcp.domain.company import Company
from octave_mcp.domain.names import is_named_in
from octave_mcp.domain.page import Link

MAX_BOARDS = 2
# In letters. A shorter company name would match inside many other words.
MIN_NAME_LENGTH = 3


def own_boards(linked: Sequence[Link], company: Company) -> list[Link]:
    """Return the boards with the company's name in their address.

    If there are none, return all boards if there are few.

    A page that links to many boards, none of them with the company's name, lists the jobs of other companies.
    """
    named = [link for link in linked if _names(link.url, company)]
    return (named or (list(linked) if len(linked) <= MAX_BOARDS else []))[:MAX_BOARDS]


def _names(url: str, company: Company) -> bool:
    label = company.domain.partition(".")[0]
    return len(label) >= MIN_NAME_LENGTH and is_named_in(company.domain, url.partition("://")[2])
