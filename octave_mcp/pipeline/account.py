"""What a playbook says of itself: what is missing and why, what to beware of, what was read, what it cost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from octave_mcp.asks.budget import Asker, Ledger
from octave_mcp.domain.company import Role
from octave_mcp.domain.costs import Cost
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.notices import Flag, Gap
from octave_mcp.domain.page import PageFailure
from octave_mcp.domain.playbook import NamedCompany, Playbook, ReadPage
from octave_mcp.domain.prospect import ProspectIntelligence
from octave_mcp.domain.research import Research
from octave_mcp.domain.value import walk
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.errors import BudgetExceeded, DeadlineExceeded, UpstreamError, own_words
from octave_mcp.evidence.screening import safe_title

LOW_PAGES = 3
LOW_WORDS = 300
PERSONAS = 3
TELLING_CHARACTERS = 5
"""Shorter words of a context, acronyms aside, name nothing."""

_LIMITS = (BudgetExceeded.code, DeadlineExceeded.code)
_WRITTEN = ("executive_summary", "battle_cards", "battle_cards", "battle_cards")

_WOULD_FILL = {
    "offerings": "product pages",
    "case_studies": "customer stories",
    "proof_points": "testimonials with a name, or figures of the vendor's own",
    "value_propositions": "product pages that say what a customer gains",
    "reference_customers": "a customers page, or logos with names",
    "use_cases": "pages on use cases",
    "target_personas": "a page on whom the vendor builds for",
    "differentiators": "comparison pages that name a competitor",
}


def named(research: Research) -> NamedCompany:
    profile = research.profile
    return NamedCompany(
        name=profile.name,
        domain=profile.company.domain,
        url=profile.company.url,
        language=profile.language,
        evidence=profile.name_evidence,
    )


def unwritten(failed: UpstreamError, at: int) -> Gap:
    """The gap a failed writer leaves, by its place among them."""
    section = _WRITTEN[at] if at < len(_WRITTEN) else "email_sequences and talk_tracks"
    return Gap(section=section, code=failed.code, reason=own_words(failed), would_fill="another run")


def missing(
    elements: VendorElements[EvidenceId], known: ProspectIntelligence, vendor: Research, prospect: Research
) -> tuple[Gap, ...]:
    """D34: every empty section says why, and what would fill it."""
    return (
        *_missing_of_vendor(elements, vendor),
        *_missing_of_prospect(known, prospect),
        *_failed_pages(vendor, prospect),
        *_noticed_pages(vendor, prospect),
    )


def _missing_of_vendor(elements: VendorElements[EvidenceId], vendor: Research) -> Iterator[Gap]:
    for kind, would_fill in _WOULD_FILL.items():
        if not getattr(elements, kind):
            reason = f"none found on the {_pages(vendor)} read of {_domain(vendor)}"
            yield Gap(section=f"vendor_elements.{kind}", code="not_found", reason=reason, would_fill=would_fill)


def _missing_of_prospect(known: ProspectIntelligence, prospect: Research) -> Iterator[Gap]:
    where = f"on the {_pages(prospect)} read of {_domain(prospect)}"
    if not known.company_profile.facts:
        yield Gap(
            section="prospect_intelligence.company_profile",
            code="not_found",
            reason=f"no facts found {where}",
            would_fill="an about page, or what the rep knows",
        )
    if not any(pain.stated for pain in known.pain_points):
        yield Gap(
            section="prospect_intelligence.pain_points",
            code="not_stated",
            reason=f"no need is stated {where}; what is listed is inferred",
            would_fill="a discovery call, news, or job postings",
        )
    if len(known.buyer_personas) < PERSONAS:
        yield Gap(
            section="priority_personas",
            code="not_found",
            reason=f"{len(known.buyer_personas)} of {PERSONAS} roles are supported {where}",
            would_fill="a team page, job postings, or the roles the rep knows",
        )


def limited(asker: Asker) -> tuple[Gap, ...]:
    """The limits at which another model had to stand in."""
    reached = {by.code: by.reason for by in asker.stood_in.values() if by.code in _LIMITS}
    fills = "another run with a higher limit"
    return tuple(Gap(section="model", code=code, reason=reason, would_fill=fills) for code, reason in reached.items())


def unheard(context: str, *researches: Research) -> tuple[Gap, ...]:
    """What the user said of the deal and the pages say nothing of, so that it steered nothing."""
    said = " ".join(evidence.quote for research in researches for evidence in research.evidence).casefold()
    words = [word for word in re.findall(r"\w+", context) if len(word) >= TELLING_CHARACTERS or word.isupper()]
    strange = list(dict.fromkeys(word for word in words if word.casefold() not in said))
    if not strange:
        return ()
    reason = f"nothing was found on the pages read for these words of the context: {', '.join(strange[:8])}"
    return (
        Gap(section="context", code="not_found", reason=reason, would_fill="pages that speak of it, or other words"),
    )


_READS_SCRIPTS = (
    "Firecrawl, which runs the scripts of a page: set FIRECRAWL_API_KEY, or give source='firecrawl'; "
    "failed_pages names them"
)


def _failed_pages(vendor: Research, prospect: Research) -> Iterator[Gap]:
    for research in (vendor, prospect):
        if research.failures:
            codes = sorted({failure.code for failure in research.failures})
            count = _pages(research, research.failures)
            yield Gap(
                section="pages",
                code="pages_failed",
                reason=f"{count} of {_domain(research)} could not be read ({', '.join(codes)})",
                would_fill=_READS_SCRIPTS if "needs_js" in codes else _what_fills(research.failures),
            )


def _what_fills(failures: Collection[PageFailure]) -> str:
    if any(failure.may_pass for failure in failures):
        return "another run; failed_pages names them"
    return "nothing here: it would be the same another time; failed_pages names them"


_WOULD_MEND = {
    "stale_copy": "another run, once the site answers again",
    "other_source": "another run with refresh, once the source has them",
}


def _noticed_pages(vendor: Research, prospect: Research) -> Iterator[Gap]:
    """What was read, and not as asked: a copy that is old, or what another source had."""
    for research in (vendor, prospect):
        noticed = Counter(page.notice for page in research.pages if page.notice)
        for notice, count in noticed.items():
            reason = f"{_count(count)} of {_domain(research)}: {notice.reason}"
            yield Gap(section="pages", code=notice.code, reason=reason, would_fill=_WOULD_MEND[notice.code])


def _pages(research: Research, many: Collection[object] | None = None) -> str:
    return _count(len(research.pages if many is None else many))


def _count(pages: int) -> str:
    return "1 page" if pages == 1 else f"{pages} pages"


def _domain(research: Research) -> str:
    return research.profile.company.domain


def flags(
    asker: Asker,
    vendor: Research,
    prospect: Research,
    existing: tuple[EvidenceId, ...],
    buying: tuple[EvidenceId, ...],
) -> tuple[Flag, ...]:
    """`existing` shows that the prospect is the vendor's customer, `buying` that the vendor is the prospect's."""
    return (*_flags(asker, vendor, prospect), *_relations(vendor.profile.name, prospect.profile.name, existing, buying))


def _relations(
    vendor: str, prospect: str, existing: tuple[EvidenceId, ...], buying: tuple[EvidenceId, ...]
) -> Iterator[Flag]:
    if existing:
        reason = f"{prospect} is a customer of {vendor} already; the copy is about expansion"
        yield Flag(code="existing_customer", reason=reason, companies=("prospect",), evidence=existing)
    if buying:
        reason = f"{vendor} is a customer of {prospect}, by {prospect}'s own pages"
        yield Flag(code="vendor_is_customer", reason=reason, companies=("vendor",), evidence=buying)


def _flags(asker: Asker, vendor: Research, prospect: Research) -> Iterator[Flag]:
    if "extractive" in asker.models:
        yield Flag(
            code="extractive",
            reason="Verbatim evidence was selected and arranged by rules; read the copy before you send it",
        )
    for by in asker.stood_in.values():
        yield Flag(code="stood_in", reason=f"{by.name} answered in place of {asker.model.name}: {by.reason}")
    low: dict[Role, str] = {
        research.profile.company.role: f"{_domain(research)} gives {_pages(research)} and {research.words} words"
        for research in (vendor, prospect)
        if len(research.pages) < LOW_PAGES or research.words < LOW_WORDS
    }
    if low:
        yield Flag(code="low_confidence", reason="; ".join(low.values()), companies=tuple(low))
    if reused := asker.ledger.cost.reused:
        reason = f"{reused} answers are those given to the same questions within a day; refresh asks anew"
        yield Flag(code="reused", reason=reason)
    for research in (vendor, prospect):
        if research.found_at:
            when = f"{research.found_at:%Y-%m-%d %H:%M} UTC"
            reason = f"what was found of {_domain(research)} at {when} is used again; refresh reads it anew"
            yield Flag(code="reused", reason=reason, companies=(research.profile.company.role,))
    for research in (vendor, prospect):
        if research.suspicious:
            pages = _pages(research, research.suspicious)
            reason = f"what speaks to a model on {pages} of {_domain(research)} was left out"
            yield Flag(code="suspicious_page", reason=reason, companies=(research.profile.company.role,))


def read_pages(*researches: Research) -> tuple[ReadPage, ...]:
    return tuple(
        ReadPage(
            role=research.profile.company.role,
            url=page.url,
            kind=page.kind,
            title=safe_title(page.title),
            sha256=page.sha256,
            language=page.language,
        )
        for research in researches
        for page in research.pages
    )


def cost(ledger: Ledger, *researches: Research, credits: int) -> Cost:  # noqa: A002 - what they are called
    return Cost(
        **dict(ledger.cost),
        steps=ledger.costs,
        pages_fetched=sum(len(research.pages) for research in researches if not research.found_at),
        pages_failed=sum(len(research.failures) for research in researches),
        credits=credits,
    )


def cited(playbook: Playbook, evidence: Mapping[EvidenceId, Evidence]) -> dict[EvidenceId, Evidence]:
    """The evidence that the playbook names, in the order in which it first does."""
    wanted = dict.fromkeys(_ids(playbook))
    return {i: evidence[i] for i in wanted}


def _ids(playbook: Playbook) -> Iterator[EvidenceId]:
    for value in walk(playbook):
        evidence = getattr(value, "evidence", ())
        yield from evidence if isinstance(evidence, tuple) else ()
