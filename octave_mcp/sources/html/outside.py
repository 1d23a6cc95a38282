"""Where a page leads beyond its own site: job boards, feeds, and the home pages of other sites."""

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

MOST_EACH = 20
MAX_SCRIPTS = 50
LONGEST_SCRIPT = 200_000
LONGEST_TEXT = 120
LINK = re.compile(r"<link\s[^<>]{1,1000}>", re.IGNORECASE)
HEAD_CHARACTERS = 500_000
MAX_LINKS = 300
FEEDS = ("application/rss+xml", "application/atom+xml")
COMMENTS = re.compile(r"comments?(?![a-z])", re.IGNORECASE)
# In a script, where slashes may be escaped.
ADDRESS = re.compile(r"https?:(?:\\?/){2}[\w.-]{1,100}(?:\\?/[\w.%?=&-]{0,100}){0,6}")


def outside_of(kind: PageKind, html: str, root: Element, url: str, company: Company) -> tuple[Link, ...]:
    """Where a page of this kind may lead: a careers page to job boards, a blog to feeds, a home page to all."""
    is_home = kind == "home"
    boards = job_boards(html, url) if is_home or kind == "careers" else []
    lists = feeds(html, url, company) if is_home or kind in {"blog", "news"} else []
    return (*boards, *lists, *(other_homes(root, url, company) if is_home else []))


def job_boards(html: str, url: str) -> list[Link]:
    """The boards that a page embeds; else those it links to, most often first; else those that its scripts name."""
    if not any(board.domain in html for board in BOARDS):
        return []
    page = LexborHTMLParser(html)
    scripts = (node.text()[:LONGEST_SCRIPT] for node in page.css("script:not([src])")[:MAX_SCRIPTS])
    tiers = (
        _attributes(page.css("iframe, script[src], embed"), "src", "data-src"),
        _attributes(page.css("a[href]"), "href"),
        (found[0].replace("\\", "") for script in scripts for found in ADDRESS.finditer(script)),
    )
    for addresses in tiers:
        pages = Counter(page for address in addresses if (page := board_page(address, url)))
        if pages:
            return [Link(url=page, text="Open jobs", origin="job_board") for page, _ in pages.most_common(MOST_EACH)]
    return []


def feeds(html: str, url: str, company: Company) -> list[Link]:
    """The feeds of the company's own site that a page names as its own, without those of comments."""
    if not any(kind in html for kind in FEEDS):
        return []
    # Parsing only these elements costs a tenth of parsing the page again.
    elements = "".join(LINK.findall(html, 0, HEAD_CHARACTERS)[:MAX_LINKS])
    nodes = LexborHTMLParser(elements).css("link[rel~=alternate][href]")
    found: dict[str, Link] = {}
    for node in nodes:
        if (node.attributes.get("type") or "").partition(";")[0].strip().lower() in FEEDS:
            target = _joined(url, node.attributes.get("href"))
            text = cleaned(node.attributes.get("title") or "")[:LONGEST_TEXT]
            if target and same_site(target, company) and not COMMENTS.search(f"{target} {text}"):
                found.setdefault(_key(target), Link(url=target, text=text, origin="feed"))
    return list(found.values())[:MOST_EACH]


def other_homes(root: Element, url: str, company: Company) -> list[Link]:
    """The home pages of other sites that a page links to."""
    found: dict[str, Link] = {}
    for anchor in root.find("a"):
        target = _joined(url, anchor.attributes.get("href"))
        if target and path_of(target) == "/" and not same_site(target, company) and _is_site(target):
            found.setdefault(_key(target), Link(url=target, text=anchor.text[:LONGEST_TEXT], origin="sister"))
    return list(found.values())[:MOST_EACH]


def _is_site(url: str) -> bool:
    """Whether its host is a whole site, and not one of many on the site of somebody else: 'acme.tumblr.com'."""
    site = site_at(url)
    return bool(site) and site in {urlsplit(url).netloc.lower().removeprefix("www."), urlsplit(url).netloc.lower()}


def _attributes(nodes: Iterable[LexborNode], *names: str) -> Iterator[str]:
    return (value for node in nodes for name in names if (value := node.attributes.get(name)))


def _joined(url: str, target: str | None) -> str | None:
    try:
        joined = urljoin(url, (target or "").strip()).partition("#")[0]
        return joined if target and urlsplit(joined).scheme in {"http", "https"} and _key(joined) else None
    except ValueError:
        return None


def _key(url: str) -> str:
    try:
        return url_key(url)
    except InvalidDomain:
        return ""
