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
    """How a company in this role is researched.

    `reads`: its pages are read for what it sells (`elements`), or for what it needs (`signals`), which step 7 makes
    sense of. `section` of the playbook holds what is found. Pages that name the company in the role `counterpart` are
    read first. What is found of a company that `serves_other_deals` is reused for a day, and so says nothing of the
    counterpart. Copy may quote the pages of a company that is `quoted_in_copy`. `shares` are of 25 pages, the home page
    aside; more pages raise them in proportion, fewer lower them. `outside` are the shares of places beyond its
    site; places without a share are not looked for.
    """

    reads: Reads
    section: str
    counterpart: Role
    serves_other_deals: bool
    quoted_in_copy: bool
    shares: Mapping[PageKind, int]
    outside: Mapping[LinkOrigin, int] = field(default_factory=dict[LinkOrigin, int])


# The roles in a deal, in the order in which their companies are named. A request and a playbook have a field of the
# same name for each.
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
    """Where else a company publishes: the domains of its sister sites, the addresses of its job boards and feeds."""

    sisters: tuple[str, ...] = ()
    job_boards: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()


class Company(Value):
    """A company of which nothing has been read yet.

    `domain` is the registrable domain ('acme.com'), or host:port where there is none ('127.0.0.1:8101');
    `url` is where its site begins, without a path. `beyond` is empty until its site is mapped.
    """

    role: Role
    domain: str
    url: str
    beyond: Beyond = Field(default_factory=Beyond)

    @property
    def traits(self) -> RoleTraits:
        return ROLES[self.role]


def same_site(companies: Sequence[Company]) -> tuple[Company, Company] | None:
    """The first two companies that are the same, if any are."""
    return next(((one, other) for one, other in combinations(companies, 2) if one.domain == other.domain), None)


class Site(Value):
    """A company whose site answered: its home page, and every address of it that was found.

    `pages_read` counts the pages read to find them that are not among the links.
    """

    company: Company
    home: Page
    links: tuple[Link, ...]
    failures: tuple[PageFailure, ...] = ()
    pages_read: int = 0
