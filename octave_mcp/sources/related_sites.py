"""Reads a company's job boards, feeds and sister sites.

Links to job boards, feeds and sister sites are on the company's own pages, so `map` sometimes has to read these pages
to find the links. If a job board, feed or sister site cannot be read, the other pages are read as usual.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from octave_mcp.concurrency.together import together
from octave_mcp.domain import company as companies
from octave_mcp.domain.addresses import company_at, path_of, url_key
from octave_mcp.domain.company import Company
from octave_mcp.domain.kinds import kind_of_link, worth_reading
from octave_mcp.domain.page import Addresses, CacheEntry, Link, LinkOrigin, Page, PageFailure, PageKind
from octave_mcp.settings import Settings
from octave_mcp.sources.boards import board_at
from octave_mcp.sources.boards.board import MAX_BYTES, Board
from octave_mcp.sources.boards.choice import own_boards
from octave_mcp.sources.boards.page import board_jobs_page
from octave_mcp.sources.failures import PageFailed, read_in_time
from octave_mcp.sources.feeds.feed import feed_page
from octave_mcp.sources.feeds.records import NotAFeed
from octave_mcp.sources.reader import PageRequest, Reader, ignore_progress, own_url, with_ref
from octave_mcp.sources.sisters import candidates, is_claimed, is_sister

Parse = Callable[[bytes, datetime], Page]

# Besides the home page, look for job boards on at most this many pages: the careers page and the list of open jobs.
CAREERS_PAGES = 2
# Matches links to the list of open jobs: 'See all roles', 'Offene Stellen'.
OPEN_JOBS = re.compile(r"\bopen|\broles|positions|vacanc|\bjobs\b|stellen|offres", re.IGNORECASE)
# Matches URLs that look like a feed: '/feed', '/blog/rss', '/news.xml'.
FEED_PATH = re.compile(r"\.(?:xml|rss|atom|rdf)$|/(?:feed|rss|atom)(?:$|\.)")
MAX_FEEDS = 2
MAX_SISTER_PRODUCTS = 5
POSTS: frozenset[PageKind] = frozenset({"blog", "news"})
CAREERS: frozenset[PageKind] = frozenset({"careers"})


@dataclass(slots=True)
class _Discoveries:
    """The links that `map` finds outside the site. See the class `Addresses` for the meaning of `pages_read`."""

    links: list[Link] = field(default_factory=list[Link])
    failures: list[PageFailure] = field(default_factory=list[PageFailure])
    pages_read: int = 0


_Search = Callable[[Company, Page, Sequence[Link], _Discoveries], Coroutine[Any, Any, None]]


class BeyondReader:
    """Wraps a `Reader`, and also reads the job boards, feeds and sister sites that the settings allow.

    A page that `map` has already read is not fetched again. Each host is treated as a separate site, with its own
    robots.txt, delay and redirects.
    """

    def __init__(self, site: Reader, settings: Settings) -> None:
        self.allow, self.access = site.allow, site.access
        self.on_progress = ignore_progress
        site.on_progress = self._report
        self._site = site
        self._has_job_boards, self._has_feeds = settings.job_boards, settings.feeds
        self._has_sisters = settings.sister_domains
        names = ("job boards", "feeds", "sisters")
        chosen = zip(names, (settings.job_boards, settings.feeds, settings.sister_domains), strict=True)
        self.name = "+".join((site.name, *(name for name, is_on in chosen if is_on)))
        # Cache of the pages that `map` has already read, by URL key. `read` removes an entry from this cache when it
        # returns the page.
        self._prefetched: dict[str, CacheEntry] = {}

    @property
    def credits(self) -> int:
        return self._site.credits

    def _report(self, done: str) -> None:
        self.on_progress(done)

    async def open(self, company: Company) -> Company:
        return await self._site.open(company)

    async def home(self, company: Company, cached: CacheEntry | None = None) -> CacheEntry:
        return await self._site.home(company, cached)

    async def close(self) -> None:
        await self._site.close()

    async def map(self, company: Company, home: Page) -> Addresses:
        known = await self._site.map(company, home)
        discoveries = _Discoveries()
        searches: tuple[tuple[LinkOrigin, bool, _Search], ...] = (
            ("job_board", self._has_job_boards, self._find_job_boards),
            ("feed", self._has_feeds and self._is_reachable(company), self._find_feeds),
            ("sister", self._has_sisters, self._find_sisters),
        )
        wanted = company.traits.outside
        await together(
            *(search(company, home, known.links, discoveries) for name, on, search in searches if on and name in wanted)
        )
        own = (link.model_copy(update={"is_read": True}) if self._is_read(link) else link for link in known.links)
        return Addresses(
            links=(*own, *discoveries.links),
            failures=(*known.failures, *discoveries.failures),
            pages_read=discoveries.pages_read,
        )

    async def read(self, company: Company, requests: Sequence[PageRequest]) -> Sequence[CacheEntry]:
        urls = [request.url for request in requests]
        by_url = {url: self._prefetched.pop(url_key(url)) for url in urls if url_key(url) in self._prefetched}
        # Pages are grouped by host, because some readers can fetch all pages of one host in a single job.
        hosts: dict[str, list[PageRequest]] = {}
        lists: list[PageRequest] = []
        for request in requests:
            if request.url not in by_url:
                is_list = self._is_list(request.url, company)
                group = lists if is_list else hosts.setdefault(_host(request.url), [])
                group.append(request)
        read = await together(
            *(self._read_host(company, group) for group in hosts.values()),
            *(self._read_list(company, request) for request in lists),
        )
        for copies in read:
            by_url |= copies
        return [by_url[request.url] for request in requests]

    async def _read_host(self, company: Company, requests: Sequence[PageRequest]) -> dict[str, CacheEntry]:
        at = _company_at_host(requests[0].url, company)
        copies = await self._site.read(at, requests)
        if at.domain != company.domain:
            copies = [_as_sister_page(copy, company) for copy in copies]
        return {request.url: copy for request, copy in zip(requests, copies, strict=True)}

    def _is_list(self, url: str, company: Company) -> bool:
        """Whether the URL is a job board or a feed rather than a page."""
        if self._has_job_boards and board_at(url):
            return True
        return url in company.beyond.feeds or bool(
            self._has_feeds and FEED_PATH.search(path_of(url)) and self._is_reachable(company)
        )

    async def _read_list(self, company: Company, request: PageRequest) -> dict[str, CacheEntry]:
        url = request.url
        board = board_at(url) if self._has_job_boards else None
        copy = await (self._read_board(board, url, company) if board else self._read_feed(url, company))
        if board or url in company.beyond.feeds or not _is_not_a_feed(copy):
            return {url: copy}
        return await self._read_host(company, [request])

    async def _read_board(self, board: Board, url: str, company: Company) -> CacheEntry:
        """Return the open jobs from the first list that can be read. A board can have several lists."""
        copies: list[CacheEntry] = []
        for address in board.feeds(url):
            copies.append(await self._fetch_list(address, url, company, partial(board_jobs_page, board, url)))
            if isinstance(copies[-1].found, Page):
                return copies[-1]
        return copies[0]

    async def _read_feed(self, url: str, company: Company) -> CacheEntry:
        kind = kind_of_link(Link(url=url, origin="feed"))
        return await self._fetch_list(url, url, company, partial(feed_page, url, kind))

    async def _fetch_list(self, address: str, url: str, company: Company, parse: Parse) -> CacheEntry:
        """Fetch `address`, and parse the response with `parse`.

        If fetching or parsing fails, return a failure for `url`.
        """
        # Some job boards serve their lists from a different host than their pages, so the robots.txt of the list's host
        # is checked.
        at = company_at(address, company)
        try:
            fetched = await self.access.fetcher.get(
                address,
                at,
                types=None,
                cut_at_bytes=MAX_BYTES,
                check_target=lambda target: self.access.check_robots(target, url, at),
            )
            page = await read_in_time(url, parse, fetched.body, fetched.fetched_at)
        except NotAFeed as error:
            return CacheEntry(found=PageFailure(url=url, code="not_a_feed", reason=str(error)))
        except PageFailed as error:
            return CacheEntry(found=error.failure.model_copy(update={"url": url}))
        return CacheEntry(found=page, kept_at=fetched.fetched_at)

    async def _find_job_boards(
        self, company: Company, home: Page, links: Sequence[Link], discoveries: _Discoveries
    ) -> None:
        boards = _links_to(home, "job_board")
        pages = _shallow(links, CAREERS)
        for _ in range(CAREERS_PAGES):
            page = await self._first_page(company, pages) if not boards else None
            if page is None:
                break
            boards = _links_to(page, "job_board")
            further = (link for link in page.links if OPEN_JOBS.search(f"{link.text} {path_of(link.url)}"))
            pages = [link for link in _shallow(further, CAREERS) if not self._is_read(link)]
        discoveries.links += own_boards(boards, company)

    async def _find_feeds(self, company: Company, home: Page, links: Sequence[Link], discoveries: _Discoveries) -> None:
        feeds = _links_to(home, "feed")
        if not feeds and (page := await self._first_page(company, _shallow(links, POSTS, max_depth=1))):
            feeds = _links_to(page, "feed")
        of_kinds = {kind_of_link(link): link for link in reversed(feeds)}
        discoveries.links += list(of_kinds.values())[:MAX_FEEDS]

    async def _find_sisters(self, company: Company, home: Page, _: Sequence[Link], discoveries: _Discoveries) -> None:
        await together(*(self._find_sister(company, home, link, discoveries) for link in candidates(home)))

    async def _find_sister(self, company: Company, home: Page, link: Link, discoveries: _Discoveries) -> None:
        copy = await self._home_of_other(company, link.url)
        if isinstance(copy.found, Page) and is_sister(copy.found, home, company):
            self._prefetched[url_key(link.url)] = _as_sister_page(copy, company)
            products = (
                product
                for product in copy.found.links
                if worth_reading(product.url) and kind_of_link(product) == "product"
            )
            further = (Link(url=product.url, text=product.text, origin="sister") for product in products)
            discoveries.links += [
                Link(url=link.url, text=link.text, origin="sister", is_read=True),
                *_first_products(further),
            ]
        elif isinstance(copy.found, PageFailure) and is_claimed(link.url, home):
            discoveries.failures.append(copy.found)
        else:
            discoveries.pages_read += 1

    async def _home_of_other(self, company: Company, url: str) -> CacheEntry:
        at = company_at(url, company)
        checked = own_url(url, at, self.allow)
        if isinstance(checked, PageFailure):
            return CacheEntry(found=checked)
        (copy,) = await self._site.read(at, [PageRequest(checked)])
        return copy

    async def _first_page(self, company: Company, links: Sequence[Link]) -> Page | None:
        """Read the first of these pages, and store it in `_prefetched`, where `read` will find it."""
        if not links:
            return None
        copies = await self._read_host(company, [PageRequest(links[0].url)])
        self._prefetched |= {url_key(url): copy for url, copy in copies.items()}
        (copy,) = copies.values()
        return copy.found if isinstance(copy.found, Page) else None

    def _is_reachable(self, company: Company) -> bool:
        """Whether our own HTTP client can reach the site.

        If not, the site's feeds are skipped, because feeds are only requested by our own client, never by Firecrawl.
        """
        return not self.access.robots.are_unreadable(f"{company.url}/")

    def _is_read(self, link: Link) -> bool:
        return url_key(link.url) in self._prefetched


def _host(url: str) -> str:
    return urlsplit(url).netloc.removeprefix("www.")


def _company_at_host(url: str, company: Company) -> Company:
    """Return a copy of the company with the host of `url` as its only site."""
    if _host(url) == _host(company.url):
        return company.model_copy(update={"beyond": companies.Beyond()})
    return company_at(url, company)


def _as_sister_page(copy: CacheEntry, company: Company) -> CacheEntry:
    return with_ref(copy, kind="product", sister_of=company.domain)


def _is_not_a_feed(copy: CacheEntry) -> bool:
    return isinstance(copy.found, PageFailure) and copy.found.code == "not_a_feed"


def _links_to(page: Page, origin: LinkOrigin) -> list[Link]:
    return [link for link in page.outside if link.origin == origin]


def _shallow(links: Iterable[Link], kinds: Collection[PageKind], max_depth: int = 9) -> list[Link]:
    """Return the links to pages of the given kinds.

    Short paths come first, because they belong to overview pages, which link to the pages with longer paths.
    """
    matching = [link for link in links if kind_of_link(link) in kinds and worth_reading(link.url)]
    depths = {link.url: path_of(link.url).rstrip("/").count("/") for link in matching}
    return sorted((link for link in matching if depths[link.url] <= max_depth), key=lambda link: depths[link.url])


def _first_products(links: Iterator[Link]) -> list[Link]:
    return [link for link, _ in zip(links, range(MAX_SISTER_PRODUCTS), strict=False)]
