"""What the core needs from outside, as promises; adapters keep them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from octave_mcp.domain.asks import A, Answer, Ask
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Page, PageFailure
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunRecord

T = TypeVar("T")


class Model(Protocol):
    """Who answers. `name` is shown to the user; `languages` are those it writes, None for any."""

    name: str
    languages: frozenset[str] | None

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        """The answer in the form asked for, unchecked.

        Raises:
            Transient: worth another try.
            UpstreamError: not worth one.
        """
        ...


class Source(Protocol):
    """Where pages come from. One is made for each run, and closed with it."""

    async def open(self, company: Company) -> Company:
        """The company at the address that answers ('https://www.acme.com'), its robots.txt read; no page is fetched.

        Raises:
            HostNotAllowed: its address is not public.
            SiteUnreachable: nothing answers there.
            SiteRefuses: robots.txt forbids reading it.
        """
        ...

    async def home(self, company: Company) -> Page:
        """Its home page, tried again with and without www.

        Raises:
            SiteUnreachable: no home page is to be had.
        """
        ...

    async def map(self, company: Company, home: Page) -> Site:
        """Every address of the site that sitemaps and the home page name, without the home page itself."""
        ...

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """A page or a named failure for each address, in the order given. Never raises for a page."""
        ...

    async def close(self) -> None: ...


class Engine(Protocol):
    """Where a run's work is done. `inline` does it here and now; a durable one remembers what was done."""

    async def step(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """One paid call: a scrape or an ask."""
        ...

    async def branch(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """A chain of steps beside others."""
        ...


class Store(Protocol):
    """What is kept of runs, and the text of every page that was read, by its digest."""

    async def put_run(self, record: RunRecord) -> None: ...

    async def get_run(self, run_id: str) -> RunRecord | None: ...

    async def put_playbook(self, run_id: str, playbook: Playbook) -> None: ...

    async def get_playbook(self, run_id: str) -> Playbook | None: ...

    async def put_page(self, page: Page) -> None: ...

    async def page_text(self, sha256: str) -> str | None: ...


class Export(Protocol):
    """A playbook as a file: `render` is the whole of it."""

    suffix: str
    media_type: str

    def render(self, playbook: Playbook) -> str: ...
