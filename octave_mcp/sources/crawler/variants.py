"""Of pages that a site has in several languages, one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from octave_mcp.domain.addresses import url_key
from octave_mcp.domain.kinds import LANGUAGES
from octave_mcp.domain.page import Link

IN_PATH = re.compile(rf"^([^/]+)/({LANGUAGES})(?:[-_][a-z]{{2,4}})?(?=/|\?|$)", re.IGNORECASE)
IN_QUERY = re.compile(rf"[?&](?:lang|hl|locale)=({LANGUAGES})\b[^&]*", re.IGNORECASE)


def one_language(links: Iterable[Link], home: str, language: str) -> list[Link]:
    """The links without those to other languages' copies of a page.

    The copy in the site's own language stays, which is that of its home page; else English, else the first.
    """
    links = list(links)
    own = _language(url_key(home)) or language
    known = {url_key(link.url) for link in links} | {url_key(home)}
    best: dict[str, tuple[int, Link]] = {}
    for link in links:
        key = url_key(link.url)
        page = _page(key, known, urlsplit(home).path)
        rank = 0 if page == key else _rank(_language(key), own)
        if page not in best or rank < best[page][0]:
            best[page] = (rank, link)
    kept = {id(link) for _, link in best.values()}
    return [link for link in links if id(link) in kept]


def _language(key: str) -> str:
    found = IN_PATH.match(key) or IN_QUERY.search(key)
    return found.group(found.lastindex or 0).lower() if found else ""


def _rank(language: str, own: str) -> int:
    return 1 if language == own else 2 if language == "en" else 3


def _page(key: str, known: set[str], home_path: str) -> str:
    """The page without its language; two letters alone may be a word, such as 'it' or 'hr', if nothing else tells."""
    page = IN_QUERY.sub("", IN_PATH.sub(r"\1", key))
    is_variant = page in known or IN_PATH.match(f"x{home_path}") or page.count("/") > 0
    return page if is_variant else key
