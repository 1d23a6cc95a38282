"""Tools: read single pages, or list the pages of a site, in the same way as a run does."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from octave_mcp.domain.choices import AUTO, SOURCE_HELP
from octave_mcp.domain.page import Page, PageFailure, PageKind
from octave_mcp.domain.value import Value
from octave_mcp.tools.registry import Call, tool

MAX_URLS = 100

Urls = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=2048)]],
    Field(min_length=1, max_length=MAX_URLS, description="The pages to read, e.g. 'https://posthog.com/pricing'"),
]
SiteName = Annotated[str, Field(min_length=1, max_length=2048, description="The site to map, e.g. 'posthog.com'")]
Source = Annotated[str, Field(description=SOURCE_HELP)]
Refresh = Annotated[bool, Field(description="Do not use cached pages")]


class PageAsRead(Value):
    """A page in the form in which a run reads it.

    If `read` is false, the page could not be read, and `code` and `reason` say why. All fields that describe the page,
    such as `title`, are then null.

    `text` is Markdown. `facts` is the metadata in the page's HTML head, one fact per line: title, description and
    schema.org data.
    """

    url: str
    final_url: str | None = None
    read: bool
    code: str | None = None
    reason: str | None = None
    title: str | None = None
    kind: PageKind | None = None
    language: str | None = None
    published_on: date | None = None
    text: str | None = None
    facts: str | None = None


class PagesAsRead(Value):
    """The pages in the order in which they were requested."""

    pages: tuple[PageAsRead, ...]


class Address(Value):
    url: str
    kind: PageKind


class Unread(Value):
    url: str
    code: str
    reason: str


class SiteMap(Value):
    """The addresses that a run finds on a site before it chooses the pages to read.

    `failures` lists the sitemaps and sister sites that could not be read.
    """

    company: str
    home: PageAsRead | None
    addresses: tuple[Address, ...]
    failures: tuple[Unread, ...]


@tool("POST", "/scrape", title="Read pages", open_world=True, in_tool_list=False)
async def scrape(urls: Urls, source: Source = AUTO, refresh: Refresh = False, *, call: Call) -> PagesAsRead:
    """Read pages as a run would. Returns each page's text as Markdown, its title, kind, language and date.

    A page that cannot be read is returned with the reason and does not affect the others. robots.txt is obeyed.
    """
    results = await call.runs.websites.scrape(urls, source, refresh=refresh)
    return PagesAsRead(pages=tuple(_as_read(url, page) for url, page in zip(urls, results, strict=True)))


@tool("POST", "/map", title="Map a site", open_world=True, in_tool_list=False)
async def map_site(site: SiteName, source: Source = AUTO, refresh: Refresh = False, *, call: Call) -> SiteMap:
    """List the pages of a site. A run would choose from these pages.

    Pages come from the site's home page and sitemaps, and from its job boards, feeds and sister sites.
    """
    from octave_mcp.domain.kinds import kind_of_link  # noqa: PLC0415 - slow to import, and not needed to list the tools

    site_map = await call.runs.websites.map(site, source, refresh=refresh)
    return SiteMap(
        company=site_map.company.domain,
        home=_as_read(site_map.company.url, site_map.home),
        addresses=tuple(Address(url=link.url, kind=kind_of_link(link)) for link in site_map.links),
        failures=tuple(Unread.model_validate(dict(failure)) for failure in site_map.failures),
    )


def _as_read(url: str, page: Page | PageFailure) -> PageAsRead:
    if isinstance(page, PageFailure):
        return PageAsRead(url=url, read=False, code=page.code, reason=page.reason)
    ref = page.ref
    return PageAsRead(
        url=url,
        final_url=ref.url,
        read=True,
        title=ref.title,
        kind=ref.kind,
        language=ref.language,
        published_on=ref.published_on,
        text=page.body,
        facts=page.facts_text,
    )
