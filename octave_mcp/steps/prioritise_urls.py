"""Step 4: which pages to read, by type and position, with quotas so that each type that matters gets its share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from octave_mcp.domain.company import Role, Site
from octave_mcp.domain.kinds import kind_of, worth_reading
from octave_mcp.domain.page import Link, PageKind
from octave_mcp.domain.research import Profile
from octave_mcp.figures import normal
from octave_mcp.run import Run

NAMING_CHARACTERS = 4
"""Shorter words of the context name nothing."""

SHARES: Mapping[Role, Mapping[PageKind, int]] = {
    "vendor": {
        "customers": 1, "pricing": 1, "case_study": 10, "product": 4, "comparison": 2, "persona": 3, "about": 1,
        "faq": 1, "security": 1, "news": 1, "careers": 0, "integrations": 0, "blog": 0, "other": 0, "docs": 0,
    },
    "prospect": {
        "about": 2, "careers": 1, "news": 5, "product": 4, "customers": 1, "pricing": 1, "case_study": 3,
        "blog": 3, "security": 1, "integrations": 1, "persona": 1, "faq": 1, "comparison": 1, "other": 0, "docs": 0,
    },
}  # fmt: skip
"""Of 25 pages, the home page aside; more pages raise the shares in proportion, fewer lower them."""


async def prioritise_urls(run: Run, site: Site, profile: Profile, counterpart: str) -> tuple[str, ...]:
    """The addresses to read after the home page, the most telling first."""
    chosen = choose(site, max_pages=run.max_pages, counterpart=counterpart, context=run.request.context)
    run.plan(len(chosen))
    run.progress(f"{len(chosen)} of {len(site.links)} pages of {profile.name} chosen", units=1)
    return chosen


def choose(site: Site, *, max_pages: int, counterpart: str, context: str) -> tuple[str, ...]:
    """At most `max_pages - 1` addresses: a share for each type, then the best of the rest.

    Within a type: what names the other company, then what the user's context names, then links on the home page
    before those only in a sitemap, each in the site's order.
    """
    room = max_pages - 1
    ranked = _ranked(site, counterpart, context)
    shares = SHARES[site.company.role]
    scale = max(1.0, room / sum(shares.values()))
    first = [
        link
        for kind, share in shares.items()
        for link in ranked.get(kind, ())[: round(share * scale) or (1 if share else 0)]
    ]
    rest = [link for kind in shares for link in ranked.get(kind, ()) if link not in first]
    turns = list(
        _in_turns([link for link in first if kind_of(link.url, link_text=link.text) == kind] for kind in shares)
    )
    return tuple(link.url for link in (*turns, *rest)[:room])


def naming(site: Site, counterpart: str) -> Iterator[str]:
    """The addresses worth reading that name the other company, as a word of their path."""
    other = re.compile(rf"(?<![a-z0-9]){re.escape(_slug(counterpart))}(?![a-z0-9])")
    links = (link.url for link in site.links if worth_reading(link.url))
    return (url for url in links if _slug(counterpart) and other.search(urlsplit(url).path.casefold()))


def _slug(name: str) -> str:
    return normal(name).split(".")[0].replace(" ", "-")


def _ranked(site: Site, counterpart: str, context: str) -> dict[PageKind, list[Link]]:
    wanted = {word for word in re.findall(r"\w+", normal(context)) if len(word) >= NAMING_CHARACTERS}
    other = _slug(counterpart)

    def rank(at: int) -> tuple[bool, int, bool, int, int]:
        link = links[at]
        path = urlsplit(link.url).path.casefold()
        named = bool(other) and other in path
        asked = sum(word in f"{path} {normal(link.text)}" for word in wanted)
        return (not named, -asked, link.origin == "sitemap", path.count("/"), at)

    links = [link for link in site.links if worth_reading(link.url)]
    ranked: dict[PageKind, list[Link]] = {}
    for at in sorted(range(len(links)), key=rank):
        ranked.setdefault(kind_of(links[at].url, link_text=links[at].text), []).append(links[at])
    return ranked


def _in_turns(groups: Iterator[list[Link]] | Sequence[list[Link]]) -> Iterator[Link]:
    """One of each group, then another of each, so that a cut at any point leaves a fair share of every type."""
    queues = [list(group) for group in groups]
    while any(queues):
        yield from (queue.pop(0) for queue in queues if queue)


def in_packs(urls: Sequence[str], most: int) -> list[tuple[str, ...]]:
    """The addresses in packs of at most so many; there is a first one, for the home page, where there are none."""
    return [tuple(urls[at : at + most]) for at in range(0, len(urls) or 1, most)]
