"""Collects the URLs in a site's sitemaps."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, zip_longest
from urllib.parse import urljoin, urlsplit

from octave_mcp.concurrency.together import together
from octave_mcp.domain.addresses import Allowed, check_url, path_of, same_site, url_key
from octave_mcp.domain.company import Company
from octave_mcp.domain.page import PageFailure
from octave_mcp.errors import InputError
from octave_mcp.sources.failures import PageFailed, read_in_time
from octave_mcp.sources.web.fetch import Fetcher, TimeLimit
from octave_mcp.sources.web.similar_urls import limit_similar
from octave_mcp.sources.web.sitemap_files import Entry, entries_of
from octave_mcp.sources.web.translations import Translation

MAX_SITEMAPS = 20
MAX_CONCURRENT = 2
# In bytes after HTTP decompression. If a sitemap is larger, only the part up to this limit is read.
MAX_BYTES = 10_000_000
MAX_DEPTH = 2
MAX_URLS = 5000
# All sitemaps of a site share one time limit, so that slow sitemaps do not hold up the run for long.
TIMEOUT_FACTOR = 2
SITEMAP_FILE = re.compile(r"\.(?:xml|rss|atom)(?:\.gz)?$")
MEDIA_FILE = re.compile(
    r"\.(?:jpe?g|jfif|png|gif|webp|avif|svg|bmp|tiff?|ico|heic|mp[34]|m4[av]|mov|avi|wmv|mkv|webm|og[agv]|wav|flac|m3u8|pdf|zip)$"
)
DEFAULT_PATHS = ("/sitemap.xml", "/sitemap_index.xml", "/sitemap.txt")


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The content of one sitemap: the URLs of pages, their translations, and the URLs of further sitemaps.

    Pages and translations are keyed by URL key.
    """

    urls: dict[str, str] = field(default_factory=dict[str, str])
    translations: dict[str, Translation] = field(default_factory=dict[str, Translation])
    sitemaps: tuple[str, ...] = ()


@dataclass(slots=True)
class SitemapUrls:
    """The content of all sitemaps read so far, by URL key."""

    urls: dict[str, str] = field(default_factory=dict[str, str])
    translations: dict[str, Translation] = field(default_factory=dict[str, Translation])
    read: set[str] = field(default_factory=set[str])
    failures: list[PageFailure] = field(default_factory=list[PageFailure])


async def sitemap_urls(fetcher: Fetcher, company: Company, named: Iterable[str]) -> SitemapUrls:
    """Return the URLs in the sitemaps that robots.txt names.

    If these sitemaps contain no URLs, try the default paths until a sitemap with URLs is found.
    """
    reader = _SitemapReader(fetcher, company)
    await reader.read(list(named))
    result = reader.found
    # Failures at the default paths are not reported, because these paths are only guesses.
    failures = list(result.failures)
    for path in DEFAULT_PATHS:
        if not result.urls:
            await reader.read([urljoin(company.url, path)])
    result.failures = failures
    return result


class _SitemapReader:
    def __init__(self, fetcher: Fetcher, company: Company) -> None:
        self.fetcher = fetcher
        self.company = company
        self.found = SitemapUrls()
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self._time_limit = TimeLimit(TIMEOUT_FACTOR * fetcher.seconds, "The site's sitemaps take too long")

    async def read(self, named: Sequence[str]) -> None:
        """Read the sitemaps, then the sitemaps that they list, and so on."""
        for _ in range(MAX_DEPTH + 1):
            level = self._unread(named)
            if not level:
                return
            read = await together(*map(self._sitemap, level))
            named = [inner for sitemap in read for inner in sitemap.sitemaps]
            self._add(read)

    def _unread(self, named: Iterable[str]) -> list[str]:
        own = own_urls(named, self.company, self.fetcher.allow)
        new = [(key, url) for key, url in own.items() if key not in self.found.read]
        level = dict(new[: MAX_SITEMAPS - len(self.found.read)])
        self.found.read |= level.keys()
        return list(level.values())

    async def _sitemap(self, url: str) -> Sitemap:
        """Return the content of a sitemap.

        If the sitemap cannot be read, record the failure and return empty content.
        """
        try:
            async with self._slots:
                fetched = await self.fetcher.get(
                    url, self.company, types=None, cut_at_bytes=MAX_BYTES, time_limit=self._time_limit
                )
                return await read_in_time(url, _parsed, fetched.body, fetched.url, self.company, self.fetcher.allow)
        except PageFailed as error:
            self.found.failures.append(error.failure)
            return Sitemap()

    def _add(self, read: Sequence[Sitemap]) -> None:
        """Add the URLs of these sitemaps.

        If there are more URLs than allowed, take one URL from each sitemap in turn.
        """
        for sitemap in read:
            self.found.translations |= sitemap.translations
        items = [list(sitemap.urls.items()) for sitemap in read]
        room = MAX_URLS - len(self.found.urls)
        in_order = chain.from_iterable(items)
        in_turns = (item for turn in zip_longest(*items) for item in turn if item)
        for key, url in in_order if sum(map(len, items)) <= room else in_turns:
            if len(self.found.urls) < MAX_URLS:
                self.found.urls.setdefault(key, url)


def own_urls(urls: Iterable[str], company: Company, allow: Allowed) -> dict[str, str]:
    """Return the allowed URLs on the company's site, by URL key."""
    own: dict[str, str] = {}
    for url in urls:
        try:
            if same_site(url, company):
                own.setdefault(url_key(url), check_url(url, allow))
        except InputError:
            continue
    return own


def _parsed(body: bytes, url: str, company: Company, allow: Allowed) -> Sitemap:
    """Return the content of the sitemap at `url`.

    If a sitemap lists XML files, they are treated as further sitemaps. URLs of images, videos and other files are
    ignored.
    """
    listed, named = entries_of(body)
    entries = [entry for entry in map(partial(_resolved, url), listed) if not MEDIA_FILE.search(path_of(entry.url))]
    sitemaps = [entry.url for entry in entries if SITEMAP_FILE.search(path_of(entry.url))]
    entries = limit_similar(entry for entry in entries if not SITEMAP_FILE.search(path_of(entry.url)))
    if len(entries) > MAX_URLS:
        # Pages with short paths are selected first, because they usually say more about the company.
        entries = sorted(entries, key=lambda entry: entry.url.count("/"))[:MAX_URLS]
    urls = own_urls((entry.url for entry in entries), company, allow)
    inner = (*(_joined(url, sitemap) for sitemap in named), *sitemaps)
    return Sitemap(urls, dict(_translations(entries, urls)), inner)


def _resolved(base: str, entry: Entry) -> Entry:
    alternates = [(language, _joined(base, url)) for language, url in entry.alternates]
    return Entry(_joined(base, entry.url), alternates=alternates)


def _joined(base: str, written: str) -> str:
    """Return the absolute URL that a browser would use, or '' if the URL is invalid.

    Two common mistakes are repaired: a URL without a scheme ('acme.com/about'), and a URL that is escaped twice.
    """
    if " " in written and not written.startswith(("/", "http://", "https://")):
        return ""
    host = urlsplit(base).netloc
    is_own = written.partition("/")[0].lower().removeprefix("www.") == host.removeprefix("www.")
    try:
        joined = urljoin(base, f"//{written}" if is_own else html.unescape(written)) if written else ""
    except ValueError:
        return ""
    return joined.partition("#")[0].replace(" ", "%20")


def _translations(entries: Iterable[Entry], urls: dict[str, str]) -> Iterator[tuple[str, Translation]]:
    for entry in entries:
        copies = {
            _key(url): language.lower().split("-")[0] for language, url in sorted(entry.alternates, key=_is_language)
        }
        if len(copies) > 1 and _key(entry.url) in urls:
            yield from ((key, Translation(min(copies), language)) for key, language in copies.items())


def _is_language(alternate: tuple[str, str]) -> bool:
    return alternate[0].lower() != "x-default"


def _key(url: str) -> str:
    try:
        return url_key(url)
    except InputError:
        return ""
