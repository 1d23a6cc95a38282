from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from pydantic import Field

from octave_mcp.domain.page import Link, LinkOrigin, Page, PageFailure, PageKind
from octave_mcp.domain.value import Value

Role = Literal["vendor", "prospect"]
Reads = Literal["elements", "signals"]


@dataclass(frozen=True, slots=True)
class RoleTraits:
    """How a company in a given role is researched.

    - `reads`: what to look for on the company's pages: `elements` (what the company sells) or `signals` (what the
      company needs).
    - `section`: the section of the playbook that contains the results.
    - `counterpart`: the role of the other company. Pages that name the other company are read first.
    - `serves_other_deals`: whether research on the company is cached for a day and reused in other deals. Cached
      research must not depend on the counterpart.
    - `quoted_in_copy`: whether e-mails and call scripts are allowed to quote the company's pages.
    - `shares`: how many pages of each kind to read. The numbers add up to 25, without the home page. If more pages are
      read, the numbers are scaled up.
    - `outside`: how many pages to read from each kind of source outside the company's site, such as a job board. Kinds
      of sources that are not listed are not searched.
    """

    reads: Reads
    section: str
    counterpart: Role
    serves_other_deals: bool
    quoted_in_copy: bool
    shares: Mapping[PageKind, int]
    outside: Mapping[LinkOrigin, int] = field(default_factory=dict[LinkOrigin, int])


# Texts mention the companies of a deal in this order. A new role also needs a field in `PlaybookRequest` and
# `Playbook`.
ROLES: Mapping[Role, RoleTraits] = {
    "vendor": RoleTraits(
        reads="elements",
        section="vendor_elements",
        counterpart="prospect",
        serves_other_deals=True,
        quoted_in_copy=True,
        shares={
            "customers": 1, "pricing": 1, "case_study": 10, "product": 4, "comparison": 2, "persona": 2, "about": 1,
            "faq": 1, "security": 1, "news": 1, "careers": 1, "integrations": 0, "blog": 0, "other": 0, "docs": 0,
        },
        outside={"sister": 2},
    ),
    "prospect": RoleTraits(
        reads="signals",
        section="prospect_intelligence",
        counterpart="vendor",
        serves_other_deals=False,
        quoted_in_copy=True,
        shares={
            "about": 2, "careers": 1, "news": 5, "product": 4, "customers": 1, "pricing": 1, "case_study": 3,
            "blog": 3, "security": 1, "integrations": 1, "persona": 1, "faq": 1, "comparison": 1, "other": 0, "docs": 0,
        },
        outside={"job_board": 1, "feed": 1, "sister": 1},
    ),
}  # fmt: skip


class Beyond(Value):
    """Other places where a company publishes: domains of sister sites, and URLs of job boards and feeds."""

    sisters: tuple[str, ...] = ()
    job_boards: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()


class Company(Value):
    """One of the companies of a deal, identified by its domain.

    `domain` is the registrable domain ('acme.com'), or host:port for hosts without a registrable domain
    ('127.0.0.1:8101'). `url` is the root of the company's site. `beyond` is empty until the site is mapped.
    """

    role: Role
    domain: str
    url: str
    beyond: Beyond = Field(default_factory=Beyond)

    @property
    def traits(self) -> RoleTraits:
        return ROLES[self.role]


def same_site(companies: Sequence[Company]) -> tuple[Company, Company] | None:
    """Return the first two companies that share a domain; None if all domains differ."""
    return next(((one, other) for one, other in combinations(companies, 2) if one.domain == other.domain), None)


class Site(Value):
    """A company's mapped site: the home page and all URLs that were found.

    `pages_read` counts pages that were fetched in search of sister sites but are not in `links`.
    """

    company: Company
    home: Page
    links: tuple[Link, ...]
    failures: tuple[PageFailure, ...] = ()
    pages_read: int = 0
