"""Steps 2 to 6 of a refresh: fetch all pages again, and ask the model only about new passages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.addresses import url_key
from octave_mcp.domain.company import Site
from octave_mcp.domain.evidence import Evidence, EvidenceId, Passage, cited_in
from octave_mcp.domain.page import Notice, Page, PageFailure, PageRef, count_words
from octave_mcp.domain.research import Profile, Reading, Research
from octave_mcp.domain.value import Value
from octave_mcp.evidence.survival import lost, still_there, surviving
from octave_mcp.pipeline.analyse_homepage import analyse_homepage
from octave_mcp.pipeline.base import UPSTREAM_CODES, Base, state_of
from octave_mcp.pipeline.merge import add
from octave_mcp.pipeline.prioritise_urls import Ranking
from octave_mcp.pipeline.read_pack import read, without_build_dates
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.scrape_homepage import scrape_homepage

R = TypeVar("R", bound=Value)


async def read_again(run: Run, site: Site, base: Base, counterpart: str) -> Research:
    """Return the earlier findings that the pages still support, plus findings from new passages."""
    before = base.research(site.company.role)
    home = await run(scrape_homepage, site)
    urls = await computed(addresses, run, site, base, counterpart)
    run.progress.plan(len(urls))
    fetched = await run.pages.scrape(site, urls) if urls else ()
    pages = without_build_dates([home, *(page for page in fetched if isinstance(page, Page))])
    failures = [page for page in fetched if isinstance(page, PageFailure)]
    run.progress(f"fetched {len(pages)} pages of {before.profile.name} again", units=len(urls))
    out_of_reach = _out_of_reach(before, failures)
    await run.store.copy_pages(base.research_run_id, run.run_id, {page.sha256 for page in out_of_reach.values()})
    base.current_evidence.update(await computed(_alive, base.evidence(site.company.role).values(), pages, out_of_reach))
    profile = await _profile(run, site, home, before.profile, base.current_evidence)
    retained = await computed(_retained, run, before, profile, base.current_evidence, counterpart)
    texts = {page.url: await run.store.page_text(page.sha256) or "" for page in before.pages}
    gone = tuple(failure for failure in failures if failure.url not in out_of_reach)
    await run.announce("addresses")
    reading = await read(run, profile, counterpart, pages, (*site.failures, *gone), _is_new(texts, before.unanswered))
    words = reading.words + sum(count_words(texts[url]) for url in out_of_reach)
    joined = add(retained.model_copy(update={"unanswered": ()}), [_without_repeats(retained, reading)])
    current = {page.ref.url: page.ref for page in pages} | out_of_reach
    order = dict.fromkeys((*(page.url for page in before.pages), *current))
    return joined.model_copy(
        update={
            "pages": tuple(current[url] for url in order if url in current),
            "words": words,
            "failures": reading.failures,
            "suspicious": reading.suspicious,
            "heard": reading.heard,
        }
    )


def addresses(run: Run, site: Site, base: Base, counterpart: str) -> tuple[str, ...]:
    """Return the URLs that the earlier run tried to read, and new URLs that rank among the best.

    To stay within the page limit, leave out earlier URLs that the sales copy does not cite and that no longer rank
    among the best.
    """
    before, room = base.research(site.company.role), run.max_pages - site.pages_read - 1
    home = url_key(site.home.ref.url)
    read_before = [page.url for page in before.pages if url_key(page.url) != home and page.kind != "home"]
    failed = {failure.url for failure in site.failures}
    tried = [failure.url for failure in before.failures if failure.url not in failed]
    best = [link.url for link in Ranking.of(site, counterpart=counterpart, context=run.request.context).best(room)]
    # Older releases did not record the links of a run. If the links were not recorded, new links cannot be
    # distinguished from old links, so no links are added.
    known = {*before.links, *read_before, *tried, *failed}
    new = [url for url in best if url not in known] if before.links else []
    spare = [url for url in reversed(read_before) if url not in base.cited and url not in best]
    left_out = {*spare[: max(0, len(read_before) + len(new) - room)]}
    retained = [url for url in read_before if url not in left_out]
    return tuple(dict.fromkeys((*retained, *tried, *new[: max(0, room - len(retained))])))


def _out_of_reach(before: Research, failures: Iterable[PageFailure]) -> dict[str, PageRef]:
    """Return the pages that are temporarily unavailable.

    The earlier texts of these pages are used, so that an outage does not remove findings.
    """
    reasons = {failure.url: failure.reason for failure in failures if failure.may_pass}
    return {page.url: _as_stale_copy(page, reasons[page.url]) for page in before.pages if page.url in reasons}


def _as_stale_copy(page: PageRef, reason: str) -> PageRef:
    text = f"read on {page.fetched_at:%Y-%m-%d}, and not available now ({reason})"
    return page.model_copy(update={"notice": Notice(code="stale_copy", reason=text)})


def _alive(
    evidence: Iterable[Evidence], pages: Sequence[Page], out_of_reach: Mapping[str, PageRef]
) -> dict[EvidenceId, Evidence]:
    """Return the evidence that is still on the pages, and the evidence whose page is temporarily unavailable."""
    before = list(evidence)
    return still_there(before, pages) | {item.id: item for item in before if item.url in out_of_reach}


async def _profile(run: Run, site: Site, home: Page, before: Profile, alive: Mapping[EvidenceId, Evidence]) -> Profile:
    """Return the earlier profile, or analyse the home page again if the page no longer supports this profile."""
    has_failed = any(gap.code in UPSTREAM_CODES for gap in before.gaps)
    if has_failed or lost(before, alive) or not {*before.name_evidence} <= {*alive}:
        return await run(analyse_homepage, site, home)
    evidence = tuple(alive[item.id] for item in before.evidence if item.id in alive)
    return before.model_copy(update={"company": site.company, "evidence": evidence})


def _retained(
    run: Run, before: Research, profile: Profile, alive: Mapping[EvidenceId, Evidence], counterpart: str
) -> Research:
    """Return the earlier research without the findings that have lost their evidence."""
    state, language = state_of(before, counterpart, run.request.context), run.request.language

    def retained(found: R) -> R:
        return surviving(found, alive, state, language=language) or found

    evidence = (*profile.evidence, *(alive[item.id] for item in before.evidence if item.id in alive))
    return before.model_copy(
        update={
            "profile": profile,
            "elements": retained(before.elements) if before.elements else None,
            "signals": retained(before.signals) if before.signals else None,
            "findings": retained(before.findings),
            "evidence": tuple({item.id: item for item in evidence}.values()),
            "gaps": tuple(gap for gap in before.gaps if gap.code not in UPSTREAM_CODES),
            "found_by": None,
            "found_at": None,
        }
    )


def _is_new(texts: Mapping[str, str], unanswered: Sequence[str]) -> Callable[[Passage], bool]:
    """Return a function that selects the passages to ask about.

    The function selects new passages, and all passages of pages for which an ask failed in the earlier run.
    """
    answered = {url: text for url, text in texts.items() if url not in unanswered}
    return lambda passage: passage.text not in answered.get(passage.page.url, "")


def _without_repeats(retained: Research, reading: Reading) -> Reading:
    """Drop a new finding if earlier findings of the same kind already cite all of its evidence.

    A finding without new evidence repeats an earlier finding in other words.
    """
    parts: dict[str, Value] = {}
    for name in ("elements", "signals", "findings"):
        if (found := getattr(reading, name)) is not None:
            parts[name] = _new_in(found, getattr(retained, name))
    return reading.model_copy(update=parts)


def _new_in(found: Value, before: Value | None) -> Value:
    if before is None:
        return found
    return found.model_copy(
        update={kind: _unknown(getattr(found, kind), getattr(before, kind)) for kind in type(found).model_fields}
    )


def _unknown(entries: tuple[Value, ...], before: tuple[Value, ...]) -> tuple[Value, ...]:
    known = {*cited_in(before)}
    return tuple(entry for entry in entries if not {*cited_in(entry)} <= known)
