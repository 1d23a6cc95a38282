from __future__ import annotations

from typing import Literal

from octave_mcp.domain.page import Link, Page, PageFailure
from octave_mcp.domain.value import Value

Role = Literal["vendor", "prospect"]


class Company(Value):
    """A company before anything of it was read.

    `domain` is the registrable domain ('acme.com'), or host:port where there is none ('127.0.0.1:8101');
    `url` is where its site begins, without a path.
    """

    role: Role
    domain: str
    url: str


class Site(Value):
    """A company whose site answered: its home page, and every address of it that was found."""

    company: Company
    home: Page
    links: tuple[Link, ...]
    failures: tuple[PageFailure, ...] = ()
