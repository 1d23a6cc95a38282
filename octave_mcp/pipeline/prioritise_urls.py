"""Step 4: which pages to read, by type and position, with quotas so that each type that matters gets its share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from urllib.parse import urlsplit

from octave_mcp.asks.prompts import ask_for
from octave_mcp.domain.asks import AddressesAnswer, AddressesBrief
from octave_mcp.domain.company import ROLES, Role, Site
from octave_mcp.domain.kinds import kind_of_link, worth_reading
from octave_mcp.domain.names import normal
from octave_mcp.domain.page import OUTSIDE, Link, LinkOrigin, PageKind
from octave_mcp.domain.research import Profile
from octave_mcp.errors import NoAccess, UpstreamError
from octave_mcp.evidence.injection import addresses_model
from octave_mcp.pipeline.run import Run

Group = PageKind | LinkOrigin
"""A kind of pages on the company's site, or a place beyond it."""

MOST_CANDIDATES = 60
OUTSIDE_AFTER = 4
"""The kinds of pages that come before what is not on the company's site."""
NAMING_CHARACTERS = 4
"""Shorter words of the context name nothing."""


async def prioritise_urls(run: Run, site: Site, profile: Profile, counterpart: str) -> tuple[str, ...]:
    """The addresses to read after the home page, the most telling first."""
    context = run.request.context
    max_pages = run.max_pages - site.pages_read
    shown = candidates(site, counterpart=counterpart, context=context) if run.capacity.is_paid else ()
    if len(shown) >= max_pages:
        numbers = await _ranked_by_model(run, site, profile, counterpart, shown)
        chosen = rechosen(shown, numbers, site.company.role, max_pages=max_pages)
    else:
        chosen = choose(site, max_pages=max_pages, counterpart=counterpart, context=context)
    run.progress.plan(len(chosen))
    run.progress(f"{len(chosen)} of {len(site.links)} pages of {profile.name} chosen", units=1)
    return chosen


async def _ranked_by_model(
    run: Run, site: Site, profile: Profile, counterpart: str, shown: Sequence[Link]
) -> tuple[int, ...]:
    """The numbers of what names the other company, then of what the model ranks; nothing where it does not answer.

    Raises:
        NoAccess: it never will.
    """
    company = site.company
    links = tuple(link.model_copy(update={"text": ""}) if addresses_model(link.text) else link for link in shown)
    brief = AddressesBrief(
        role=company.role, company=profile.name, domain=company.domain, counterpart=counterpart,
        context=run.request.context, links=links,
    )  # fmt: skip
    language = run.request.language
    ask = ask_for(("research/urls",), language=language, brief=brief, passages=(), answer=AddressesAnswer)
    try:
        checked = await run.ask(ask, AddressesAnswer, roles=(), known=())
    except NoAccess:
        raise
    except UpstreamError as failed:
        run.progress(f"the pages of {profile.name} are chosen by rule, since no model ranked them: {failed}")
        return ()
    named = frozenset(naming(site, counterpart))
    return (*(at for at, link in enumerate(shown, 1) if link.url in named), *checked.value.chosen)


def choose(site: Site, *, max_pages: int, counterpart: str, context: str) -> tuple[str, ...]:
    """At most `max_pages - 1` addresses: those that are read already, a share for each type, then the best of the rest.

    Within a type: what names the other company, then what the user's context names, then links on the home page
    before those only in a sitemap, each in the site's order.
    """
    ranked = _ranked(site, counterpart, context)
    return tuple(link.url for link in _shared_out(ranked, site.company.role, max_pages - 1))


def candidates(site: Site, *, counterpart: str, context: str) -> tuple[Link, ...]:
    """The links that a model may rank, the best first, of each type its share: it is shown them numbered from 1."""
    return tuple(_shared_out(_ranked(site, counterpart, context), site.company.role, MOST_CANDIDATES))


def rechosen(shown: Sequence[Link], numbers: Sequence[int], role: Role, *, max_pages: int) -> tuple[str, ...]:
    """At most `max_pages - 1` of the candidates, in shares as `choose` gives them, what the model ranked first.

    `numbers` count the candidates from 1; such as there are not mean nothing. Candidates that the model did not name
    follow those it did, so that an empty answer changes nothing.
    """
    named = (number - 1 for number in numbers if 1 <= number <= len(shown))
    order = dict.fromkeys((*named, *range(len(shown))))
    return tuple(link.url for link in _shared_out(_grouped(shown[at] for at in order), role, max_pages - 1))


def _shared_out(ranked: Mapping[Group, Sequence[Link]], role: Role, room: int) -> list[Link]:
    """What is read already; a share for each group, in turns; then the best of the rest."""
    parts = _parts(role, room)
    read = [link for group in parts for link in ranked.get(group, ()) if link.is_read]
    turns = _in_turns(ranked.get(group, ())[:part] for group, part in parts.items())
    rest = (link for group, part in parts.items() for link in ranked.get(group, ())[part:])
    unique = {link.url: link for link in chain(read, turns, rest)}
    return list(islice(unique.values(), max(0, room)))


def _parts(role: Role, room: int) -> dict[Group, int]:
    traits = ROLES[role]
    scale = max(1.0, room / sum(traits.shares.values()))
    own: list[tuple[Group, int]] = [
        (kind, round(share * scale) or min(share, 1)) for kind, share in traits.shares.items()
    ]
    outside: list[tuple[Group, int]] = [(origin, traits.outside.get(origin, 0)) for origin in OUTSIDE]
    return dict([*own[:OUTSIDE_AFTER], *outside, *own[OUTSIDE_AFTER:]])


def _grouped(links: Iterable[Link]) -> dict[Group, list[Link]]:
    found: dict[Group, list[Link]] = {}
    for link in links:
        found.setdefault(link.origin if link.origin in OUTSIDE else kind_of_link(link), []).append(link)
    return found


def naming(site: Site, counterpart: str) -> Iterator[str]:
    """The addresses worth reading that name the other company, as a word of their path."""
    other = re.compile(rf"(?<![a-z0-9]){re.escape(_slug(counterpart))}(?![a-z0-9])")
    links = (link.url for link in site.links if _is_worth_reading(link))
    return (url for url in links if _slug(counterpart) and other.search(urlsplit(url).path.casefold()))


def _is_worth_reading(link: Link) -> bool:
    return link.origin in OUTSIDE or worth_reading(link.url)


def _slug(name: str) -> str:
    return normal(name).split(".")[0].replace(" ", "-")


def _ranked(site: Site, counterpart: str, context: str) -> dict[Group, list[Link]]:
    wanted = {word for word in re.findall(r"\w+", normal(context)) if len(word) >= NAMING_CHARACTERS}
    other = _slug(counterpart)

    def rank(at: int) -> tuple[bool, int, bool, int, int]:
        link = links[at]
        path = urlsplit(link.url).path.casefold()
        named = bool(other) and other in path
        asked = sum(word in f"{path} {normal(link.text)}" for word in wanted)
        return (not named, -asked, link.origin == "sitemap", path.count("/"), at)

    links = [link for link in site.links if _is_worth_reading(link)]
    return _grouped(links[at] for at in sorted(range(len(links)), key=rank))


def _in_turns(groups: Iterable[Sequence[Link]]) -> Iterator[Link]:
    """One of each group, then another of each, so that a cut at any point leaves a fair share of every type."""
    queues = [list(group) for group in groups]
    while any(queues):
        yield from (queue.pop(0) for queue in queues if queue)


def in_packs(urls: Sequence[str], most: int) -> list[tuple[str, ...]]:
    """The addresses in packs of at most so many; there is a first one, for the home page, where there are none."""
    return [tuple(urls[at : at + most]) for at in range(0, len(urls) or 1, most)]
