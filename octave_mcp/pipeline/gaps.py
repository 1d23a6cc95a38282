"""Gaps of a playbook: each gap says what is missing, why it is missing, and what would fill the gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from octave_mcp.asks.asker import Asker
from octave_mcp.asks.faults import MODEL
from octave_mcp.domain.choices import SET_UP_SCRIPTS
from octave_mcp.domain.company import Reads
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.page import PageFailure
from octave_mcp.domain.prospect import MAX_PERSONAS, ProspectIntelligence
from octave_mcp.domain.research import Deal, Research
from octave_mcp.domain.vendor import KINDS, VendorElements
from octave_mcp.errors import BudgetExceeded, DeadlineExceeded
from octave_mcp.evidence.context_words import as_written
from octave_mcp.evidence.figures import figures

# Maximum number of words or figures that a gap lists, to keep its text readable.
MAX_LISTED_WORDS = 8

_LIMITS = (BudgetExceeded.code, DeadlineExceeded.code)


def missing(deal: Deal) -> tuple[Gap, ...]:
    """Return gaps for empty sections, failed pages, and pages from an outdated cache or an unrequested source."""
    companies = tuple(deal.values())
    return (
        *(gap for research in companies for gap in _MISSING[research.profile.company.traits.reads](research)),
        *_failed_pages(companies),
        *_noticed_pages(companies),
    )


def _missing_elements(research: Research) -> Iterator[Gap]:
    section, elements = research.profile.company.traits.section, research.elements or VendorElements[EvidenceId].none()
    for kind, found in elements.by_kind():
        if not found:
            reason = f"none found {_where(research)}"
            yield Gap(section=f"{section}.{kind}", code="not_found", reason=reason, would_fill=KINDS[kind].would_fill)


def _missing_signals(research: Research) -> Iterator[Gap]:
    section, known = research.profile.company.traits.section, research.intelligence or ProspectIntelligence.none()
    where = _where(research)
    if not known.company_profile.facts:
        yield Gap(
            section=f"{section}.company_profile",
            code="not_found",
            reason=f"no facts found {where}",
            would_fill="an about page, or the rep's own knowledge",
        )
    if not any(pain.stated for pain in known.pain_points):
        yield Gap(
            section=f"{section}.pain_points",
            code="not_stated",
            reason=f"no need is stated {where}; the needs listed are inferred",
            would_fill="a discovery call, news, or job postings",
        )
    if len(known.buyer_personas) < MAX_PERSONAS:
        yield Gap(
            section="priority_personas",
            code="not_found",
            reason=f"evidence for only {len(known.buyer_personas)} of {MAX_PERSONAS} roles was found {where}",
            would_fill="a team page, job postings, or roles that the rep knows",
        )


_MISSING: Mapping[Reads, Callable[[Research], Iterator[Gap]]] = {
    "elements": _missing_elements,
    "signals": _missing_signals,
}


def _where(research: Research) -> str:
    return f"on the {pages(len(research.pages))} of {research.domain} that were read"


def limited(asker: Asker) -> tuple[Gap, ...]:
    """Return a `Gap` for each budget or time limit that caused a fallback model to answer."""
    reached = {by.code: by.reason for by in asker.stood_in.values() if by.code in _LIMITS}
    would_fill = "another run with a higher limit"
    return tuple(
        Gap(section=MODEL, code=code, reason=reason, would_fill=would_fill) for code, reason in reached.items()
    )


def budget_gap(research: Research) -> Gap | None:
    """Return a `Gap` about an exhausted budget if nothing was learned about the company before the budget ran out."""
    known = research.intelligence.buyer_personas if research.intelligence else research.elements
    return None if known else next((gap for gap in research.gaps if gap.code == BudgetExceeded.code), None)


def unmatched_words(context: str, deal: Deal) -> tuple[Gap, ...]:
    """If the user's context contains words that no page contains, return a `Gap` that lists these words."""
    matched = {word for research in deal.values() for word in research.heard}
    unmatched = [written for word, written in as_written(context).items() if word not in matched]
    if not unmatched:
        return ()
    named = ", ".join(unmatched[:MAX_LISTED_WORDS])
    reason = f"no page that was read contains these words from the context: {named}"
    return (
        Gap(
            section="context",
            code="not_found",
            reason=reason,
            would_fill="pages with these words, or a different context",
        ),
    )


def unproven_figures(context: str, deal: Deal) -> Iterator[Gap]:
    """Yield a `Gap` with the figures in the user's context, such as '40 %', that no quotation contains.

    Without evidence, the sales copy must not state these figures.
    """
    quoted = {
        figure for research in deal.values() for evidence in research.evidence for figure in figures(evidence.quote)
    }
    unproven = sorted(figure for figure in figures(context) - quoted if figure.unit in _RESULT_UNITS)
    if unproven:
        listed = ", ".join(f"{figure.value:,.10g} {figure.unit}" for figure in unproven[:MAX_LISTED_WORDS])
        reason = f"the context mentions {listed}, but no page that was read states it, so the copy leaves it out"
        yield Gap(section="context", code="not_found", reason=reason, would_fill="a vendor page that states it")


# A figure with one of these units, such as "40 %", often claims a result. If no quotation contains it, the rep should
# know. Other figures, such as dates and counts, usually only describe the deal.
_RESULT_UNITS = frozenset({"%", "x", "$", "€", "£", "¥"})
_FILLS_SCRIPTS = f"a source that runs the JavaScript of pages: {SET_UP_SCRIPTS}; see failed_pages"


def _failed_pages(companies: Iterable[Research]) -> Iterator[Gap]:
    for research in companies:
        if research.failures:
            codes = sorted({failure.code for failure in research.failures})
            count = pages(len(research.failures))
            yield Gap(
                section="pages",
                code="pages_failed",
                reason=f"{count} of {research.domain} could not be read ({', '.join(codes)})",
                would_fill=_FILLS_SCRIPTS if "needs_js" in codes else _what_fills(research.failures),
            )


def _what_fills(failures: Collection[PageFailure]) -> str:
    if any(failure.may_pass for failure in failures):
        return "another run; see failed_pages"
    return "nothing, because another run would fail in the same way; see failed_pages"


_NOTHING_TO_FILL = "nothing, because these pages were read"
_FILLS_NOTICES = {
    "stale_copy": "another run when the site answers again",
    "other_source": "another run with refresh when the requested source can read these pages",
}


def _noticed_pages(companies: Iterable[Research]) -> Iterator[Gap]:
    """Yield a `Gap` for pages that were read from an outdated cache, or from a source that was not requested."""
    for research in companies:
        notices = Counter(page.notice for page in research.pages if page.notice)
        for notice, count in notices.items():
            reason = f"{pages(count)} of {research.domain}: {notice.reason}"
            would_fill = _NOTHING_TO_FILL if notice.is_lasting else _FILLS_NOTICES[notice.code]
            yield Gap(section="pages", code=notice.code, reason=reason, would_fill=would_fill)


def pages(count: int) -> str:
    """Return a number of pages in words, such as '1 page' or '2 pages'."""
    return "1 page" if count == 1 else f"{count} pages"
