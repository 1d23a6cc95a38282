"""Steps 2 to 6 of a refresh: all pages are fetched again, and only what is new on them is asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.addresses import url_key
from octave_mcp.domain.company import Site
from octave_mcp.domain.evidence import Evidence, EvidenceId, Passage
from octave_mcp.domain.page import Notice, Page, PageFailure, PageRef, count_words
from octave_mcp.domain.research import Profile, Reading, Research
from octave_mcp.domain.value import Value
from octave_mcp.evidence.survival import lost, still_there, surviving
from octave_mcp.pipeline.analyse_homepage import analyse_homepage
from octave_mcp.pipeline.base import FAILED, Base, cited, state_of
from octave_mcp.pipeline.merge import add
from octave_mcp.pipeline.prioritise_urls import Ranking
from octave_mcp.pipeline.read_pack import read, without_build_dates
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.scrape_homepage import scrape_homepage

R = TypeVar("R", bound=Value)


async def read_again(run: Run, site: Site, base: Base, counterpart: str) -> Research:
    """What was found of the company, as far as its pages still say it, and what they say that they did not."""
    before = base.research(site.company.role)
    home = await run(scrape_homepage, site)
    urls = await computed(addresses, run, site, base, counterpart)
    run.progress.plan(len(urls))
    fetched = await run.pages.scrape(site, urls) if urls else ()
    pages = without_build_dates([home, *(page for page in fetched if isinstance(page, Page))])
    failures = [page for page in fetched if isinstance(page, PageFailure)]
    run.progress(f"{len(pages)} pages of {before.profile.name} fetched again", units=len(urls))
    out_of_reach = _out_of_reach(before, failures)
    await run.store.copy_pages(base.read_by, run.run_id, {page.sha256 for page in out_of_reach.values()})
    base.alive.update(await computed(_alive, base.evidence(site.company.role).values(), pages, out_of_reach))
    profile = await _profile(run, site, home, before.profile, base.alive)
    kept = await computed(_kept, run, before, profile, base.alive, counterpart)
    texts = {page.url: await run.store.page_text(page.sha256) or "" for page in before.pages}
    gone = tuple(failure for failure in failures if failure.url not in out_of_reach)
    await run.announce("addresses")
    reading = await read(run, profile, counterpart, pages, (*site.failures, *gone), _is_new(texts, before.unanswered))
    words = reading.words + sum(count_words(texts[url]) for url in out_of_reach)
    found = add(kept.model_copy(update={"unanswered": ()}), [_without_repeats(kept, reading)])
    now = {page.ref.url: page.ref for page in pages} | out_of_reach
    order = dict.fromkeys((*(page.url for page in before.pages), *now))
    return found.model_copy(
        update={
            "pages": tuple(now[url] for url in order if url in now),
            "words": words,
            "failures": reading.failures,
            "suspicious": reading.suspicious,
            "heard": reading.heard,
        }
    )


def addresses(run: Run, site: Site, base: Base, counterpart: str) -> tuple[str, ...]:
    """Those read before, or tried in vain, and new ones that belong to the best.

    If there are too many, what no copy cites and is no longer among the best is left out, the last first.
    """
    before, room = base.research(site.company.role), run.max_pages - site.pages_read - 1
    home = url_key(site.home.ref.url)
    read_before = [page.url for page in before.pages if url_key(page.url) != home and page.kind != "home"]
    failed = {failure.url for failure in site.failures}
    tried = [failure.url for failure in before.failures if failure.url not in failed]
    best = [link.url for link in Ranking.of(site, counterpart=counterpart, context=run.request.context).best(room)]
    known = {*before.links, *read_before, *tried, *failed}
    new = [url for url in best if url not in known] if before.links else []
    spare = [url for url in reversed(read_before) if url not in base.cited and url not in best]
    left_out = {*spare[: max(0, len(read_before) + len(new) - room)]}
    kept = [url for url in read_before if url not in left_out]
    return tuple(dict.fromkeys((*kept, *tried, *new[: max(0, room - len(kept))])))


def _out_of_reach(before: Research, failures: Iterable[PageFailure]) -> dict[str, PageRef]:
    """The pages that could not be read now for a reason that may soon be over: they stand as they were."""
    why = {failure.url: failure.reason for failure in failures if failure.may_pass}
    return {page.url: _as_it_was(page, why[page.url]) for page in before.pages if page.url in why}


def _as_it_was(page: PageRef, why: str) -> PageRef:
    reason = f"read on {page.fetched_at:%Y-%m-%d}, and not available now ({why})"
    return page.model_copy(update={"notice": Notice(code="stale_copy", reason=reason)})


def _alive(
    evidence: Iterable[Evidence], pages: Sequence[Page], out_of_reach: Mapping[str, PageRef]
) -> dict[EvidenceId, Evidence]:
    known = list(evidence)
    return still_there(known, pages) | {one.id: one for one in known if one.url in out_of_reach}


async def _profile(run: Run, site: Site, home: Page, before: Profile, alive: Mapping[EvidenceId, Evidence]) -> Profile:
    """As it was, if the home page still says so."""
    if any(gap.code in FAILED for gap in before.gaps) or lost(before, alive) or not {*before.name_evidence} <= {*alive}:
        return await run(analyse_homepage, site, home)
    now = {"company": site.company, "evidence": tuple(alive[one.id] for one in before.evidence if one.id in alive)}
    return before.model_copy(update=now)


def _kept(
    run: Run, before: Research, profile: Profile, alive: Mapping[EvidenceId, Evidence], counterpart: str
) -> Research:
    state, language = state_of(before, counterpart, run.request.context), run.request.language

    def kept(found: R) -> R:
        return surviving(found, alive, state, language=language) or found

    evidence = (*profile.evidence, *(alive[one.id] for one in before.evidence if one.id in alive))
    return before.model_copy(
        update={
            "profile": profile,
            "elements": kept(before.elements) if before.elements else None,
            "signals": kept(before.signals) if before.signals else None,
            "findings": kept(before.findings),
            "evidence": tuple({one.id: one for one in evidence}.values()),
            "gaps": tuple(gap for gap in before.gaps if gap.code not in FAILED),
            "found_by": None,
            "found_at": None,
        }
    )


def _is_new(texts: Mapping[str, str], unanswered: Sequence[str]) -> Callable[[Passage], bool]:
    """Whether a passage was not read before: its page did not have it, or was not asked about."""
    answered = {url: text for url, text in texts.items() if url not in unanswered}
    return lambda passage: passage.text not in answered.get(passage.page.url, "")


def _without_repeats(kept: Research, reading: Reading) -> Reading:
    """The reading without findings that rest on nothing but what findings of their kind rested on before."""
    parts: dict[str, Value] = {}
    for name in ("elements", "signals", "findings"):
        if (found := getattr(reading, name)) is not None:
            parts[name] = _new_in(found, getattr(kept, name))
    return reading.model_copy(update=parts)


def _new_in(found: Value, before: Value | None) -> Value:
    if before is None:
        return found
    return found.model_copy(
        update={kind: _unknown(getattr(found, kind), getattr(before, kind)) for kind in type(found).model_fields}
    )


def _unknown(entries: tuple[Value, ...], before: tuple[Value, ...]) -> tuple[Value, ...]:
    known = {*cited(before)}
    return tuple(entry for entry in entries if not {*cited(entry)} <= known)
