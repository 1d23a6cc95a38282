"""The addresses that a site's sitemaps list."""

# lxml comes without types.
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from octave_mcp.computing import computed
from octave_mcp.domain.addresses import Allowed, check_url, same_site, url_key
from octave_mcp.domain.company import Company
from octave_mcp.domain.page import PageFailure
from octave_mcp.errors import InputError
from octave_mcp.sources.crawler.fetch import Fetcher
from octave_mcp.sources.crawler.unread import Unread
from octave_mcp.together import together

MOST_SITEMAPS = 20
DEEPEST = 2
MOST_URLS = 5000
MOST_BYTES = 20_000_000
GZIP = b"\x1f\x8b"
USUAL = ("/sitemap.xml", "/sitemap_index.xml")


@dataclass(slots=True)
class Listed:
    """What was found so far; addresses go by their keys."""

    urls: dict[str, str] = field(default_factory=dict[str, str])
    read: set[str] = field(default_factory=set[str])
    failures: list[PageFailure] = field(default_factory=list[PageFailure])


async def listed(fetcher: Fetcher, company: Company, named: Iterable[str]) -> Listed:
    """What the sitemaps named in robots.txt list, or else those in the usual places."""
    found = Listed()
    await _read(fetcher, company, list(named), found)
    for path in USUAL:
        if not found.urls:
            unnamed = Listed(read=found.read)
            await _read(fetcher, company, [urljoin(company.url, path)], unnamed)
            found.urls |= unnamed.urls
    return found


async def _read(fetcher: Fetcher, company: Company, named: list[str], found: Listed) -> None:
    """Level by level, each level at once."""
    for _ in range(DEEPEST + 1):
        level = _unread(named, company, fetcher.allow, found)
        if not level:
            return
        answers = await together(*(_sitemap(fetcher, company, url, found) for url in level))
        named = [inner for _, inners in answers for inner in inners]
        for urls, _ in answers:
            room = MOST_URLS - len(found.urls)
            found.urls |= dict([entry for entry in urls.items() if entry[0] not in found.urls][:room])


def _unread(named: Iterable[str], company: Company, allow: Allowed, found: Listed) -> list[str]:
    new = {key: url for key, url in _own(named, company, allow).items() if key not in found.read}
    level = dict(list(new.items())[: MOST_SITEMAPS - len(found.read)])
    found.read |= level.keys()
    return list(level.values())


def _own(urls: Iterable[str], company: Company, allow: Allowed) -> dict[str, str]:
    """Those of the company's site that may be fetched, by their key."""
    own: dict[str, str] = {}
    for url in urls:
        try:
            if same_site(url, company):
                own.setdefault(url_key(url), check_url(url, allow))
        except InputError:
            continue
    return own


async def _sitemap(fetcher: Fetcher, company: Company, url: str, found: Listed) -> tuple[dict[str, str], list[str]]:
    """The pages and the sitemaps that one sitemap lists; none, and a failure, if it cannot be read."""
    try:
        fetched = await fetcher.get(url, company, types=None)
    except Unread as error:
        found.failures.append(error.failure)
        return {}, []
    return await computed(_listing, fetched.body, company, fetcher.allow)


def _listing(body: bytes, company: Company, allow: Allowed) -> tuple[dict[str, str], list[str]]:
    pages, sitemaps = parsed(body)
    return _own(pages, company, allow), sitemaps


def parsed(body: bytes) -> tuple[list[str], list[str]]:
    """The addresses of pages and of further sitemaps; of a damaged file, those before the damage."""
    pages: list[str] = []
    sitemaps: list[str] = []
    reading: Iterable[tuple[str, Any]] = etree.iterparse(
        io.BytesIO(_unpacked(body)),
        events=("end",),
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        recover=True,
        load_dtd=False,
    )
    try:
        for _, element in reading:
            name = str(element.tag).rpartition("}")[2]
            if name in {"url", "sitemap"}:
                (pages if name == "url" else sitemaps).append((element.findtext("{*}loc") or "").strip())
                element.clear()
            if len(pages) >= MOST_URLS:
                break
    except etree.XMLSyntaxError:
        pass
    return pages, sitemaps


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(GZIP):
        return body[:MOST_BYTES]
    try:
        return zlib.decompressobj(31).decompress(body, MOST_BYTES)
    except zlib.error:
        return b""
