"""What is missing from a playbook: where, why, and what would fill it."""

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

MAX_STRANGE_WORDS = 8

_LIMITS = (BudgetExceeded.code, DeadlineExceeded.code)


def missing(deal: Deal) -> tuple[Gap, ...]:
    """D34: every empty section says why, and what would fill it."""
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
            would_fill="an about page, or what the rep knows",
        )
    if not any(pain.stated for pain in known.pain_points):
        yield Gap(
            section=f"{section}.pain_points",
            code="not_stated",
            reason=f"no need is stated {where}; what is listed is inferred",
            would_fill="a discovery call, news, or job postings",
        )
    if len(known.buyer_personas) < MAX_PERSONAS:
        yield Gap(
            section="priority_personas",
            code="not_found",
            reason=f"{len(known.buyer_personas)} of {MAX_PERSONAS} roles are supported {where}",
            would_fill="a team page, job postings, or the roles the rep knows",
        )


_MISSING: Mapping[Reads, Callable[[Research], Iterator[Gap]]] = {
    "elements": _missing_elements,
    "signals": _missing_signals,
}


def _where(research: Research) -> str:
    return f"on the {pages(len(research.pages))} read of {research.domain}"


def limited(asker: Asker) -> tuple[Gap, ...]:
    """The limits at which another model had to stand in."""
    reached = {by.code: by.reason for by in asker.stood_in.values() if by.code in _LIMITS}
    fills = "another run with a higher limit"
    return tuple(Gap(section=MODEL, code=code, reason=reason, would_fill=fills) for code, reason in reached.items())


def refused(research: Research) -> Gap | None:
    """The budget gap, if because of it nothing is known of the company."""
    known = research.intelligence.buyer_personas if research.intelligence else research.elements
    return None if known else next((gap for gap in research.gaps if gap.code == BudgetExceeded.code), None)


def unheard(context: str, deal: Deal) -> tuple[Gap, ...]:
    """What the user said of the deal and the pages say nothing of, so that it steered nothing."""
    heard = {word for research in deal.values() for word in research.heard}
    strange = [written for word, written in as_written(context).items() if word not in heard]
    if not strange:
        return ()
    named = ", ".join(strange[:MAX_STRANGE_WORDS])
    reason = f"nothing was found on the pages read for these words of the context: {named}"
    return (
        Gap(section="context", code="not_found", reason=reason, would_fill="pages that speak of it, or other words"),
    )


def unproven_figures(context: str, deal: Deal) -> Iterator[Gap]:
    """The results that the user asks for and no quotation has: no copy may state them."""
    quoted = {
        figure for research in deal.values() for evidence in research.evidence for figure in figures(evidence.quote)
    }
    asked = sorted(figure for figure in figures(context) - quoted if figure.unit in _OF_RESULTS)
    if asked:
        told = ", ".join(f"{figure.value:,.10g} {figure.unit}" for figure in asked[:MAX_STRANGE_WORDS])
        reason = f"no page read says {told}, which the context asks for: no sentence states it"
        yield Gap(section="context", code="not_found", reason=reason, would_fill="a page of the vendor that says it")


# The units of figures that prove something; a date or a count in the context only describes the deal.
_OF_RESULTS = frozenset({"%", "x", "$", "€", "£", "¥"})
_READS_SCRIPTS = f"a source that runs the scripts of a page: {SET_UP_SCRIPTS}; failed_pages names them"


def _failed_pages(companies: Iterable[Research]) -> Iterator[Gap]:
    for research in companies:
        if research.failures:
            codes = sorted({failure.code for failure in research.failures})
            count = pages(len(research.failures))
            yield Gap(
                section="pages",
                code="pages_failed",
                reason=f"{count} of {research.domain} could not be read ({', '.join(codes)})",
                would_fill=_READS_SCRIPTS if "needs_js" in codes else _what_fills(research.failures),
            )


def _what_fills(failures: Collection[PageFailure]) -> str:
    if any(failure.may_pass for failure in failures):
        return "another run; failed_pages names them"
    return "nothing here: it would be the same another time; failed_pages names them"


_NOTHING_TO_MEND = "nothing: these pages were read"
_WOULD_MEND = {
    "stale_copy": "another run, once the site answers again",
    "other_source": "another run with refresh, once the source has them",
}


def _noticed_pages(companies: Iterable[Research]) -> Iterator[Gap]:
    """What was read, and not as asked: a copy that is old, or what another source had."""
    for research in companies:
        noticed = Counter(page.notice for page in research.pages if page.notice)
        for notice, count in noticed.items():
            reason = f"{pages(count)} of {research.domain}: {notice.reason}"
            would_fill = _NOTHING_TO_MEND if notice.is_lasting else _WOULD_MEND[notice.code]
            yield Gap(section="pages", code=notice.code, reason=reason, would_fill=would_fill)


def pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count} pages"
