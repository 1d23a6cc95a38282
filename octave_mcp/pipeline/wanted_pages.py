"""Finds pages that match the user's context, by the words in URLs and link texts."""

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

# If a word is in more than this share of the links, it is a topic of the whole site, so it does not identify a page.
COMMON_SHARE = 0.2
# If at most this many links contain a word, the word always identifies a page. On a small site, `COMMON_SHARE` would
# otherwise exclude too many words.
FEW_LINKS = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """Links that match the user's context.

    - `scores`: the score of each URL. Each context word in a link adds 1 / (number of links with that word).
    - `pages`: the best link for each context word. Links for capitalised words come first. Within both groups, links
      for rare words come before links for common words.
    """

    scores: Mapping[str, float]
    pages: tuple[Link, ...]


def wanted(site: Site, links: Sequence[Link], context: str) -> Wanted:
    matches = _matches(site, links, context)
    counts = Counter(word for words in matches.values() for word in words)
    # Use `fsum`, because its result does not depend on the order of the words. The words are in sets, whose order
    # differs between processes. If a score differed in its last bit, a resumed run could rank the pages differently.
    scores = {url: fsum(1 / counts[word] for word in words) for url, words in matches.items()}
    named = (link for link in links if matches.get(link.url))
    ranked = sorted(named, key=lambda link: _rank(link, site.company.role, scores))
    distinctive = _distinctive(context, counts, len(links))
    best = (next(link for link in ranked if word in matches[link.url]) for word in distinctive)
    return Wanted(scores, tuple({link.url: link for link in best}.values()))


def _matches(site: Site, links: Sequence[Link], context: str) -> Mapping[str, frozenset[str]]:
    """Return the context words in each link, keyed by URL.

    The company's own name is ignored, because it can be in every link.
    """
    words = ContextWords(context)
    own = frozenset(telling_words(f"{site.company.domain.split('.')[0]} {site.home.structured.site_name}"))
    return {link.url: words.matched_words(_text(link)) - own for link in links} if words.words else {}


def _distinctive(context: str, counts: Mapping[str, int], links: int) -> list[str]:
    """Return the context words that only a few links contain, with the most specific words first."""
    written, max_links = as_written(context), max(FEW_LINKS, links * COMMON_SHARE)
    distinctive = [word for word in written if 0 < counts.get(word, 0) <= max_links]
    # Capitalised words come first, because they are often names: "Kafka" is more specific than "pricing".
    return sorted(distinctive, key=lambda word: (written[word].islower(), counts[word]))


def _rank(link: Link, role: Role, scores: Mapping[str, float]) -> tuple[float, bool, bool, int]:
    """Return a sort key.

    Links with a high score come first. Ties are broken by kind (kinds with a share above 0 in `RoleTraits` first), then
    by origin (links that are only in a sitemap last), and then by path (short paths first).
    """
    is_useful = ROLES[role].shares.get(kind_of_link(link), 0) > 0
    return -scores.get(link.url, 0), not is_useful, link.origin == "sitemap", urlsplit(link.url).path.count("/")


def _text(link: Link) -> str:
    parts = urlsplit(link.url)
    return unquote(f"{parts.path} {parts.query} {link.text}").replace("_", " ")
