"""Which of a site's addresses the user's context speaks of: by the words of their paths and of the links to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from urllib.parse import unquote, urlsplit

from octave_mcp.domain.company import ROLES, Role, Site
from octave_mcp.domain.kinds import kind_of_link
from octave_mcp.domain.page import Link
from octave_mcp.evidence.context_words import ContextWords, as_written, telling_words

# A word in more of the links than that names no page: it is what the whole site is about.
COMMON_SHARE = 0.2
# A word in no more links than that always names them.
FEW_LINKS = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """`scores` are higher the more words of the context an address has, and the rarer they are on the site.

    `pages` are the best for each word: names first, as the user wrote them, then the rarest word.
    """

    scores: Mapping[str, float]
    pages: tuple[Link, ...]


def wanted(site: Site, links: Sequence[Link], context: str) -> Wanted:
    heard = _heard(site, links, context)
    counts = Counter(word for found in heard.values() for word in found)
    # A plain sum would depend on the order of the words, which is another in each process.
    scores = {url: fsum(1 / counts[word] for word in found) for url, found in heard.items()}
    named = (link for link in links if heard.get(link.url))
    ranked = sorted(named, key=lambda link: _rank(link, site.company.role, scores))
    best = (next(link for link in ranked if word in heard[link.url]) for word in _naming(context, counts, len(links)))
    return Wanted(scores, tuple({link.url: link for link in best}.values()))


def _heard(site: Site, links: Sequence[Link], context: str) -> Mapping[str, frozenset[str]]:
    """The words that each link has, by its address, without those of the company's own name."""
    words = ContextWords(context)
    own = frozenset(telling_words(f"{site.company.domain.split('.')[0]} {site.home.structured.site_name}"))
    return {link.url: words.heard(_text(link)) - own for link in links} if words.words else {}


def _naming(context: str, counts: Mapping[str, int], links: int) -> list[str]:
    """The words that name few of the links, the most telling first."""
    written, most = as_written(context), max(FEW_LINKS, links * COMMON_SHARE)
    known = [word for word in written if 0 < counts.get(word, 0) <= most]
    return sorted(known, key=lambda word: (written[word].islower(), counts[word]))


def _rank(link: Link, role: Role, scores: Mapping[str, float]) -> tuple[float, bool, bool, int]:
    """The most words first, then the kinds of page that are read anyway; equals stay in the site's order."""
    is_of_use = ROLES[role].shares.get(kind_of_link(link), 0) > 0
    return -scores.get(link.url, 0), not is_of_use, link.origin == "sitemap", urlsplit(link.url).path.count("/")


def _text(link: Link) -> str:
    parts = urlsplit(link.url)
    return unquote(f"{parts.path} {parts.query} {link.text}").replace("_", " ")
