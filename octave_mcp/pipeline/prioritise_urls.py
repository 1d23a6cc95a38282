"""Step 4: choose the pages to read. Each kind of page has a quota, so that no kind crowds out the others."""

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

# Links to job boards, feeds and sister sites are grouped by their origin: for example, all links to job boards form one
# group. All other links are grouped by kind of page.
Group = PageKind | LinkOrigin

# The model ranks this many links for each page to read, but `MIN_CANDIDATES` to `MAX_CANDIDATES` links in total, if the
# site has that many. The model needs alternatives to choose from, but every link costs tokens.
CANDIDATES_PER_PAGE = 4
MIN_CANDIDATES, MAX_CANDIDATES = 24, 60
# Before the quotas apply, pages that match the user's context can take about this share of the places, at least one.
CONTEXT_SHARE = 0.3
MIN_SPARES = 4
# The first four kinds of page in `RoleTraits.shares` come before links from job boards, feeds and sister sites. The
# other kinds of page come after these links.
KINDS_BEFORE_OUTSIDE = 4


class Pack(NamedTuple):
    """URLs that are read together, with spare URLs to read if some of these URLs fail."""

    urls: tuple[str, ...]
    spares: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """A site's links, grouped by kind of page, with the best links of each group first.

    `wanted` are links that match the user's context.
    """

    role: Role
    groups: Mapping[Group, Sequence[Link]]
    wanted: tuple[Link, ...] = ()

    @classmethod
    def of(cls, site: Site, *, counterpart: str, context: str) -> Ranking:
        """Rank the links that are worth reading.

        Links that name the other company of the deal come first, and then links that match the context. Links that
        occur only in a sitemap come last. Among links of equal rank, short paths come first. Links with equally short
        paths stay in the site's order.
        """
        links = [link for link in site.links if _is_worth_reading(link)]
        named = wanted(site, links, context)

        def rank(link: Link) -> tuple[bool, float, bool, int]:
            path = urlsplit(link.url).path
            is_about_other = is_named_in(counterpart, path)
            return not is_about_other, -named.scores.get(link.url, 0), link.origin == "sitemap", path.count("/")

        return cls(site.company.role, _grouped(sorted(links, key=rank)), named.pages)

    def reranked(self, shown: Sequence[Link], numbers: Sequence[int]) -> Ranking:
        """Return a new ranking of the links in `shown`.

        `numbers` lists the positions of links in `shown`, from the best link to the worst. Positions start at 1, and
        positions that do not exist are ignored. Links that `numbers` does not list come last, in the same order as
        before. If `numbers` is empty, the ranking does not change.
        """
        ranked = (number - 1 for number in numbers if 1 <= number <= len(shown))
        order = dict.fromkeys((*ranked, *range(len(shown))))
        return Ranking(self.role, _grouped(shown[at] for at in order), self.wanted)

    def best(self, room: int) -> tuple[Link, ...]:
        """Return at most `room` links, in the following order.

        1. Links to pages that were already read, because reading these pages again costs nothing.
        2. Links that match the user's context.
        3. Links within the quotas, taken from the groups in turn.
        4. All other links.
        """
        quotas = _quotas(self.role, room)
        read = [link for group in quotas for link in self.groups.get(group, ()) if link.is_read]
        named = self.wanted[: max(1, round(room * CONTEXT_SHARE))]
        turns = _in_turns(self.groups.get(group, ())[:quota] for group, quota in quotas.items())
        rest = (link for group, quota in quotas.items() for link in self.groups.get(group, ())[quota:])
        unique = {link.url: link for link in chain(read, named, turns, rest)}
        return tuple(islice(unique.values(), max(0, room)))

    def pack(self, room: int) -> Pack:
        """Return the best `room` URLs to read, and the next best URLs as spares."""
        urls = tuple(link.url for link in self.best(room))
        more = (link.url for link in self.best(room + max(room, MIN_SPARES)))
        return Pack(urls, tuple(url for url in more if url not in urls))


async def prioritise_urls(run: Run, site: Site, profile: Profile, counterpart: str) -> Pack:
    """Return the URLs to read after the home page, sorted by usefulness, together with spare URLs."""
    room = run.max_pages - site.pages_read - 1
    ranking = await computed(_ranking, site, counterpart, run.request.context)
    shown = candidates(ranking, room) if run.capacity.ranks_addresses else ()
    if len(shown) > room:
        ranking = ranking.reranked(shown, await _ranked_by_model(run, site, profile, counterpart, shown))
    else:
        await run.announce("addresses")
    chosen = ranking.pack(room)
    run.progress.plan(len(chosen.urls))
    run.progress(f"chose {len(chosen.urls)} of {len(site.links)} pages of {profile.name}", units=1)
    return chosen


def _ranking(site: Site, counterpart: str, context: str) -> Ranking:
    return Ranking.of(site, counterpart=counterpart, context=context)


def candidates(ranking: Ranking, room: int) -> tuple[Link, ...]:
    """Return the links that a model is asked to rank.

    These links are chosen by rules, and are numbered from 1 in the ask.
    """
    return ranking.best(min(MAX_CANDIDATES, max(MIN_CANDIDATES, CANDIDATES_PER_PAGE * room)))


async def _ranked_by_model(
    run: Run, site: Site, profile: Profile, counterpart: str, shown: Sequence[Link]
) -> tuple[int, ...]:
    """Return link numbers, best first. Links that name the other company precede the links that the model chose.

    If the model fails, return (), so that the links stay in the order that the rules gave them.

    Raises:
        NoAccess: If the model refuses all calls, so the run cannot continue.
    """
    company = site.company
    # Remove link texts that are addressed to a language model, because they can contain instructions to the model.
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
        run.progress(
            f"the pages of {profile.name} are chosen by rules, because the model could not rank them: {failed}"
        )
        return ()
    named = frozenset(naming(site, counterpart))
    return (*(at for at, link in enumerate(shown, 1) if link.url in named), *checked.value.chosen)


def _quotas(role: Role, room: int) -> dict[Group, int]:
    """Return how many pages of each group to read, with the most important group first.

    The quotas are defined for 25 pages, and they are scaled up if more pages are read. Fewer pages do not change
    the quotas. One link at a time is taken from each group, so every group is represented even then.
    """
    traits = ROLES[role]
    scale = max(1.0, room / sum(traits.shares.values()))
    own: list[tuple[Group, int]] = [
        (kind, round(share * scale) or min(share, 1)) for kind, share in traits.shares.items()
    ]
    outside: list[tuple[Group, int]] = [(origin, traits.outside.get(origin, 0)) for origin in OUTSIDE]
    return dict([*own[:KINDS_BEFORE_OUTSIDE], *outside, *own[KINDS_BEFORE_OUTSIDE:]])


def _grouped(links: Iterable[Link]) -> dict[Group, list[Link]]:
    groups: dict[Group, list[Link]] = {}
    for link in links:
        groups.setdefault(link.origin if link.origin in OUTSIDE else kind_of_link(link), []).append(link)
    return groups


def naming(site: Site, counterpart: str) -> Iterator[str]:
    """Yield the URLs worth reading whose path contains the other company's name."""
    links = (link.url for link in site.links if _is_worth_reading(link))
    return (url for url in links if is_named_in(counterpart, urlsplit(url).path))


def _is_worth_reading(link: Link) -> bool:
    return link.origin in OUTSIDE or worth_reading(link.url)


def _in_turns(groups: Iterable[Sequence[Link]]) -> Iterator[Link]:
    """Take one link from each group in turn, so that all groups are represented even if only some links are used."""
    queues = [list(group) for group in groups]
    while any(queues):
        yield from (queue.pop(0) for queue in queues if queue)


def in_packs(chosen: Pack, size: int) -> list[Pack]:
    """Split the URLs into packs of at most `size` URLs, and distribute the spare URLs evenly.

    If there are no URLs, return one empty pack, because the home page is read with the first pack.
    """
    urls, spares = chosen
    starts = range(0, len(urls) or 1, size)
    return [Pack(urls[at : at + size], spares[nth :: len(starts)]) for nth, at in enumerate(starts)]
