"""Flags of a playbook: warnings that readers should see before they use the playbook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from octave_mcp.asks.asker import Asker
from octave_mcp.domain.choices import written_by_default
from octave_mcp.domain.notices import Flag
from octave_mcp.domain.recording import Recording
from octave_mcp.domain.research import Deal, Research
from octave_mcp.pipeline.gaps import pages
from octave_mcp.pipeline.relations import Relations

# Below either of these numbers, too little was read about a company to be confident in the playbook.
LOW_PAGES = 3
LOW_WORDS = 300


def flags(asker: Asker, deal: Deal, relations: Relations, *, by_default: bool) -> tuple[Flag, ...]:
    """Return the playbook's flags. `by_default` is true if the user did not choose a model."""
    companies = tuple(deal.values())
    return (
        *_of_models(asker, by_default=by_default),
        *_recorded(asker.recording),
        *_low_confidence(companies),
        *_reused(asker, companies),
        *_suspicious(companies),
        *_of_relations(deal, relations),
    )


def _of_models(asker: Asker, *, by_default: bool) -> Iterator[Flag]:
    if by_default:
        yield Flag(code="default_model", reason=written_by_default(asker.model.name))
    if asker.has_outlines:
        yield Flag(
            code="extractive",
            reason="drafts written by rules, not by a language model, are outlines that quote the sites",
        )
    for by in asker.stood_in.values():
        yield Flag(code="stood_in", reason=f"{by.name} answered in place of {asker.model.name}: {by.reason}")
    for name, how in asker.slow.items():
        yield Flag(code="slow_model", reason=f"{name} answered slowly: {how}")


def _recorded(recording: Recording | None) -> Iterator[Flag]:
    if recording:
        origin = (
            f"written by {recording.model} on {recording.recorded_on}; "
            "this run replayed the recorded answers and checked them again"
        )
        lost = (recording.lost,) if recording.unmapped else ()
        yield Flag(code="recorded", reason="; ".join((origin, *lost, *recording.notices)))


def is_thin(research: Research) -> bool:
    """Whether too little was read about the company to write sales copy. Outlines are written instead."""
    return len(research.pages) < LOW_PAGES and research.words < LOW_WORDS


def _low_confidence(companies: Iterable[Research]) -> Iterator[Flag]:
    low = [found for found in companies if len(found.pages) < LOW_PAGES or found.words < LOW_WORDS]
    if low:
        reasons = (f"{found.domain} gives {pages(len(found.pages))} and {found.words} words" for found in low)
        yield Flag(code="low_confidence", reason="; ".join(reasons), companies=tuple(found.role for found in low))


def _reused(asker: Asker, companies: Iterable[Research]) -> Iterator[Flag]:
    if (reused := asker.ledger.cost.reused) and not asker.recording:
        reason = f"{reused} answers were reused from the last 24 hours; use refresh to ask the model again"
        yield Flag(code="reused", reason=reason)
    for research in companies:
        if research.found_at:
            when = f"{research.found_at:%Y-%m-%d %H:%M} UTC"
            reason = f"the research on {research.domain} is from {when}; use refresh to read the site again"
            yield Flag(code="reused", reason=reason, companies=(research.role,))


def _suspicious(companies: Iterable[Research]) -> Iterator[Flag]:
    for research in companies:
        if research.suspicious:
            where = f"{pages(len(research.suspicious))} of {research.domain}"
            reason = f"text that gives instructions to an AI model was removed from {where}"
            yield Flag(code="suspicious_page", reason=reason, companies=(research.role,))


def _of_relations(deal: Deal, relations: Relations) -> Iterator[Flag]:
    vendor, prospect = deal["vendor"].profile.name, deal["prospect"].profile.name
    if relations.existing_customer:
        reason = f"{prospect} is already a customer of {vendor}; the approach is expansion"
        yield Flag(
            code="existing_customer", reason=reason, companies=("prospect",), evidence=relations.existing_customer
        )
    if relations.vendor_is_customer:
        reason = f"{vendor} is a customer of {prospect}, according to {prospect}'s own pages"
        yield Flag(
            code="vendor_is_customer", reason=reason, companies=("vendor",), evidence=relations.vendor_is_customer
        )
