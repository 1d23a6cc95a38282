"""Step 4: which pages to read, by type and position, with quotas so that each type that matters gets its share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple
from urllib.parse import urlsplit

from octave_mcp.asks.prompts import ask_for
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import AddressesAnswer, AddressesBrief
from octave_mcp.domain.company import ROLES, Role, Site
from octave_mcp.domain.kinds import kind_of_link, worth_reading
from octave_mcp.domain.names import is_named_in
from octave_mcp.domain.page import OUTSIDE, Link, LinkOrigin, PageKind
from octave_mcp.domain.research import Profile
from octave_mcp.errors import NoAccess, UpstreamError
from octave_mcp.evidence.injection import addresses_model
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.wanted_pages import wanted

# A kind of pages on the company's site, or a place beyond it.
Group = PageKind | LinkOrigin

MAX_CANDIDATES = 60
# A model is shown at most this many candidates for each page to be read.
CANDIDATES_PER_PAGE = 4
MIN_CANDIDATES = 24
# Of the pages to read: those that the context names, whatever their kind.
WANTED_SHARE = 0.3
MIN_SPARES = 4
# The kinds of pages that come before what is not on the company's site.
OUTSIDE_AFTER = 4


class Pack(NamedTuple):
    """Addresses that are read together, and the spares for those that fail."""

    urls: tuple[str, ...]
    spares: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """A site's links by group, the best of each first. `wanted` are those that the context names."""

    role: Role
    groups: Mapping[Group, Sequence[Link]]
    wanted: tuple[Link, ...] = ()

    @classmethod
    def of(cls, site: Site, *, counterpart: str, context: str) -> Ranking:
        """Those that name the counterpart first, then those that the context names, then links on the home page.

        Links that are only in a sitemap follow; equals stand in the site's order.
        """
        links = [link for link in site.links if _is_worth_reading(link)]
        named = wanted(site, links, context)

        def rank(link: Link) -> tuple[bool, float, bool, int]:
            path = urlsplit(link.url).path
            is_about_other = is_named_in(counterpart, path)
            return not is_about_other, -named.scores.get(link.url, 0), link.origin == "sitemap", path.count("/")

        return cls(site.company.role, _grouped(sorted(links, key=rank)), named.pages)

    def reranked(self, shown: Sequence[Link], numbers: Sequence[int]) -> Ranking:
        """The links shown, in the order of these numbers, which count from 1; unknown numbers are ignored.

        Links that no number names follow, so that an empty answer changes nothing.
        """
        named = (number - 1 for number in numbers if 1 <= number <= len(shown))
        order = dict.fromkeys((*named, *range(len(shown))))
        return Ranking(self.role, _grouped(shown[at] for at in order), self.wanted)

    def best(self, room: int) -> tuple[Link, ...]:
        """What is read already; what the context names; a share for each group, in turns; then the best of the rest."""
        parts = _parts(self.role, room)
        read = [link for group in parts for link in self.groups.get(group, ()) if link.is_read]
        named = self.wanted[: max(1, round(room * WANTED_SHARE))]
        turns = _in_turns(self.groups.get(group, ())[:part] for group, part in parts.items())
        rest = (link for group, part in parts.items() for link in self.groups.get(group, ())[part:])
        unique = {link.url: link for link in chain(read, named, turns, rest)}
        return tuple(islice(unique.values(), max(0, room)))

    def pack(self, room: int) -> Pack:
        """The addresses of as many pages as there is room for, and the best of the others as spares."""
        urls = tuple(link.url for link in self.best(room))
        more = (link.url for link in self.best(room + max(room, MIN_SPARES)))
        return Pack(urls, tuple(url for url in more if url not in urls))


async def prioritise_urls(run: Run, site: Site, profile: Profile, counterpart: str) -> Pack:
    """The addresses to read after the home page, the most telling first, and the spares."""
    room = run.max_pages - site.pages_read - 1
    ranking = await computed(_ranking, site, counterpart, run.request.context)
    shown = candidates(ranking, room) if run.capacity.ranks_addresses else ()
    if len(shown) > room:
        ranking = ranking.reranked(shown, await _ranked_by_model(run, site, profile, counterpart, shown))
    else:
        await run.announce("addresses")
    chosen = ranking.pack(room)
    run.progress.plan(len(chosen.urls))
    run.progress(f"{len(chosen.urls)} of {len(site.links)} pages of {profile.name} chosen", units=1)
    return chosen


def _ranking(site: Site, counterpart: str, context: str) -> Ranking:
    return Ranking.of(site, counterpart=counterpart, context=context)


def candidates(ranking: Ranking, room: int) -> tuple[Link, ...]:
    """The links that a model may rank, the best first, of each type its share: it is shown them numbered from 1."""
    return ranking.best(min(MAX_CANDIDATES, max(MIN_CANDIDATES, CANDIDATES_PER_PAGE * room)))


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
        context=run.request.context, offer=run.offer, links=links,
    )  # fmt: skip
    language = run.request.language
    ask = ask_for(("research/urls",), language=language, brief=brief, passages=(), answer=AddressesAnswer)
    await run.announce("addresses", ask)
    try:
        checked = await run.ask(ask, AddressesAnswer, roles=(), known=())
    except NoAccess:
        raise
    except UpstreamError as failed:
        run.progress(f"the pages of {profile.name} are chosen by rule, since no model ranked them: {failed}")
        return ()
    named = frozenset(naming(site, counterpart))
    return (*(at for at, link in enumerate(shown, 1) if link.url in named), *checked.value.chosen)


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
    """The addresses worth reading that name the other company in their path."""
    links = (link.url for link in site.links if _is_worth_reading(link))
    return (url for url in links if is_named_in(counterpart, urlsplit(url).path))


def _is_worth_reading(link: Link) -> bool:
    return link.origin in OUTSIDE or worth_reading(link.url)


def _in_turns(groups: Iterable[Sequence[Link]]) -> Iterator[Link]:
    """One of each group, then another of each, so that a cut at any point leaves a fair share of every type."""
    queues = [list(group) for group in groups]
    while any(queues):
        yield from (queue.pop(0) for queue in queues if queue)


def in_packs(chosen: Pack, most: int) -> list[Pack]:
    """The addresses in packs of at most `most`; the spares are dealt out to them in turns.

    There is a first pack, for the home page, where there are no addresses.
    """
    urls, spares = chosen
    starts = range(0, len(urls) or 1, most)
    return [Pack(urls[at : at + most], spares[nth :: len(starts)]) for nth, at in enumerate(starts)]
