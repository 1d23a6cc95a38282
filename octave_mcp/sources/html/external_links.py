"""Finds links from a page to job boards, feeds and the home pages of other sites."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from octave_mcp.domain.addresses import path_of, same_site, site_at, url_key
from octave_mcp.domain.company import Company
from octave_mcp.domain.page import Link, PageKind
from octave_mcp.errors import InvalidDomain
from octave_mcp.sources.boards import BOARDS, board_page
from octave_mcp.sources.html.characters import cleaned
from octave_mcp.sources.html.tree import Element

MAX_LINKS_PER_KIND = 20
MAX_SCRIPTS = 50
MAX_SCRIPT_CHARACTERS = 200_000
MAX_TEXT_CHARACTERS = 120
LINK_ELEMENT = re.compile(r"<link\s[^<>]{1,1000}>", re.IGNORECASE)
HEAD_CHARACTERS = 500_000
MAX_LINK_ELEMENTS = 300
FEED_TYPES = ("application/rss+xml", "application/atom+xml")
# Matches feeds of comments, which WordPress offers in addition to the feed of posts.
COMMENT_FEED = re.compile(r"comments?(?![a-z])", re.IGNORECASE)
# Also matches escaped slashes, because JSON in scripts can contain them: `https:\/\/boards.greenhouse.io\/acme`.
SCRIPT_URL = re.compile(r"https?:(?:\\?/){2}[\w.-]{1,100}(?:\\?/[\w.%?=&-]{0,100}){0,6}")


def outside_links(kind: PageKind, html: str, root: Element, url: str, company: Company) -> tuple[Link, ...]:
    """Return the links to job boards and feeds. For a home page, return the links to other sites, too."""
    is_home = kind == "home"
    board_links = job_boards(html, url) if is_home or kind == "careers" else []
    feed_links = feeds(html, url, company) if is_home or kind in {"blog", "news"} else []
    return (*board_links, *feed_links, *(other_homes(root, url, company) if is_home else []))


def job_boards(html: str, url: str) -> list[Link]:
    """Return the job boards that a page embeds, most frequent first.

    If the page embeds no job board, return the boards to which it links. If the page links to no job board, return the
    boards whose URLs are in its scripts.
    """
    if not any(board.domain in html for board in BOARDS):
        return []
    page = LexborHTMLParser(html)
    scripts = (node.text()[:MAX_SCRIPT_CHARACTERS] for node in page.css("script:not([src])")[:MAX_SCRIPTS])
    tiers = (
        _attributes(page.css("iframe, script[src], embed"), "src", "data-src"),
        _attributes(page.css("a[href]"), "href"),
        (match[0].replace("\\", "") for script in scripts for match in SCRIPT_URL.finditer(script)),
    )
    for urls in tiers:
        pages = Counter(page for candidate in urls if (page := board_page(candidate, url)))
        if pages:
            return [
                Link(url=page, text="Open jobs", origin="job_board")
                for page, _ in pages.most_common(MAX_LINKS_PER_KIND)
            ]
    return []


def feeds(html: str, url: str, company: Company) -> list[Link]:
    """Return the feeds that a page declares and that are on the company's site. Feeds of comments are left out."""
    if not any(kind in html for kind in FEED_TYPES):
        return []
    # Only these elements are parsed again, because parsing the whole page would take much longer.
    elements = "".join(LINK_ELEMENT.findall(html, 0, HEAD_CHARACTERS)[:MAX_LINK_ELEMENTS])
    nodes = LexborHTMLParser(elements).css("link[rel~=alternate][href]")
    links: dict[str, Link] = {}
    for node in nodes:
        if (node.attributes.get("type") or "").partition(";")[0].strip().lower() in FEED_TYPES:
            target = _absolute(url, node.attributes.get("href"))
            text = cleaned(node.attributes.get("title") or "")[:MAX_TEXT_CHARACTERS]
            if target and same_site(target, company) and not COMMENT_FEED.search(f"{target} {text}"):
                links.setdefault(_key(target), Link(url=target, text=text, origin="feed"))
    return list(links.values())[:MAX_LINKS_PER_KIND]


def other_homes(root: Element, url: str, company: Company) -> list[Link]:
    """Return the home pages of other sites that a page links to."""
    links: dict[str, Link] = {}
    for anchor in root.find("a"):
        target = _absolute(url, anchor.attributes.get("href"))
        if target and path_of(target) == "/" and not same_site(target, company) and _is_site(target):
            links.setdefault(_key(target), Link(url=target, text=anchor.text[:MAX_TEXT_CHARACTERS], origin="sister"))
    return list(links.values())[:MAX_LINKS_PER_KIND]


def _is_site(url: str) -> bool:
    """Return whether the host of `url` is a whole site, and not a part of another site.

    For example, `acme.tumblr.com` is not a separate site, because it is part of `tumblr.com`.
    """
    site = site_at(url)
    return bool(site) and site in {urlsplit(url).netloc.lower().removeprefix("www."), urlsplit(url).netloc.lower()}


def _attributes(nodes: Iterable[LexborNode], *names: str) -> Iterator[str]:
    return (value for node in nodes for name in names if (value := node.attributes.get(name)))


def _absolute(url: str, target: str | None) -> str | None:
    try:
        absolute = urljoin(url, (target or "").strip()).partition("#")[0]
        return absolute if target and urlsplit(absolute).scheme in {"http", "https"} and _key(absolute) else None
    except ValueError:
        return None


def _key(url: str) -> str:
    try:
        return url_key(url)
    except InvalidDomain:
        return ""
