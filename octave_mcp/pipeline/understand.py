"""Step 7: infer the prospect's profile, pain points and buyer personas from its pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from octave_mcp.asks.corrections import Checked
from octave_mcp.asks.prompts import ask_for
from octave_mcp.domain.asks import UnderstandingBrief
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Cite, Evidence, EvidenceId
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.page import PageKind
from octave_mcp.domain.prospect import (
    MAX_PERSONAS,
    BuyerPersona,
    CompanyProfile,
    Fact,
    PainPoint,
    ProspectFindings,
    ProspectIntelligence,
    Signal,
    Understanding,
)
from octave_mcp.domain.research import Research
from octave_mcp.errors import NoAccess, UpstreamError, without_provider_text
from octave_mcp.evidence.passages import as_passage, confidence, is_stale
from octave_mcp.evidence.survival import surviving
from octave_mcp.pipeline.base import UPSTREAM_CODES, Base, state_of
from octave_mcp.pipeline.company_findings import with_true_dates
from octave_mcp.pipeline.retained import Retained
from octave_mcp.pipeline.run import Run

PROMPTS = ("prospect/pain_points", "prospect/buyer_personas")
MAX_PAINS = 7
# Maximum number of facts for each topic.
MAX_FACTS = 120

# Facts that become outdated, such as "We are 45 people", "200+ employees" or "a team across 12 countries".
_COUNTED = {
    "people": re.compile(
        r"\b(?:we(?:['’]re| are| employ)|team of|grown to)(?: now)?(?: about| over| some)? \d[\d,]*\+? people\b|"
        r"\d\+? (?:employees|team members)\b",
        re.IGNORECASE,
    ),
    "countries": re.compile(
        r"\b(?:people|team|members|employees|distributed|remote|spread)\b.{0,60}?\b\d+\+? countries\b", re.IGNORECASE
    ),
}

# Kinds of pages, sorted by how well they describe the company.
_PROFILE_PAGES: tuple[PageKind, ...] = (
    "about",
    "home",
    "careers",
    "news",
    "customers",
    "product",
    "pricing",
    "security",
    "case_study",
)


async def understand(run: Run, research: Research, counterpart: str) -> Research:
    """Infer the prospect's profile, pain points and personas, and add them to the research.

    Research without signals, such as research on a vendor, is returned unchanged. A refresh retains findings that the
    pages still support, and replaces only the others.
    """
    if research.signals is None:
        return research
    retained = _retained(run.base, run, research, counterpart) if run.base else None
    if retained and retained.is_whole:
        return research.model_copy(update={"intelligence": retained.filled_up(_intelligence(research, None))})
    run.progress(f"analysing the needs of {research.profile.name}")
    try:
        checked = await _ask(run, research, research.signals, counterpart)
    except NoAccess:
        raise
    except UpstreamError as failed:
        section = research.profile.company.traits.section
        gap = Gap(section=section, code=failed.code, reason=without_provider_text(failed), would_fill="another run")
        without_answer = _intelligence(research, None)
        known = retained.filled_up(without_answer) if retained else without_answer
        return research.model_copy(update={"gaps": (*research.gaps, gap), "intelligence": known})
    new = _intelligence(research, checked.value)
    return research.model_copy(
        update={
            "intelligence": retained.filled_up(new) if retained else new,
            "evidence": tuple({e.id: e for e in (*research.evidence, *checked.evidence)}.values()),
            "gaps": (*research.gaps, *checked.gaps),
        }
    )


def _retained(base: Base, run: Run, research: Research, counterpart: str) -> Retained | None:
    """Return the earlier findings that the pages still support, or None if step 7 failed in the earlier run."""
    before = base.research(research.role)
    if before.intelligence is None or (not before.intelligence.buyer_personas and _has_failed(before)):
        return None
    state = state_of(research, counterpart, run.request.context)
    left = surviving(before.intelligence, base.current_evidence, state, language=run.request.language)
    return Retained.of(before.intelligence, left or ProspectIntelligence.none(), base)


def _has_failed(research: Research) -> bool:
    return any(gap.code in UPSTREAM_CODES for gap in research.gaps)


async def _ask(
    run: Run, research: Research, prospect_findings: ProspectFindings[EvidenceId], counterpart: str
) -> Checked[Understanding[EvidenceId]]:
    shown = tuple(as_passage(evidence, number) for number, evidence in enumerate(research.evidence, 1))
    findings = with_true_dates(research.findings, {e.id: e for e in research.evidence})
    brief = UnderstandingBrief(
        role=research.role, company=research.profile.name, domain=research.domain,
        counterpart=counterpart, reading=prospect_findings, findings=findings, context=run.request.context,
        offer=run.offer,
    )  # fmt: skip
    ask = ask_for(PROMPTS, language=run.request.language, brief=brief, passages=shown, answer=Understanding[Cite])
    names: dict[Role, str] = {
        research.role: research.profile.name,
        research.profile.company.traits.counterpart: counterpart,
    }
    roles = (research.role,) * len(shown)
    known = (research.profile.name,)
    return await run.ask(ask, Understanding[EvidenceId], roles=roles, known=known, companies=names)


def _intelligence(research: Research, answer: Understanding[EvidenceId] | None) -> ProspectIntelligence:
    """Add ids, facts and confidence levels to the model's answer."""
    by_id: dict[EvidenceId, Evidence] = {e.id: e for e in research.evidence}
    facts = _best_facts(research.signals.facts, by_id) if research.signals else ()
    summary = (answer.summary if answer else None) or research.profile.summary
    pains = answer.pains[:MAX_PAINS] if answer else ()
    buyers = answer.buyers[:MAX_PERSONAS] if answer else ()
    return ProspectIntelligence(
        company_profile=CompanyProfile[EvidenceId](summary=summary, facts=facts),
        signals=_stated_first(research.signals.signals) if research.signals else (),
        pain_points=tuple(
            PainPoint(
                **dict(pain),
                id=f"pain-{number}",
                confidence=confidence([by_id[i] for i in pain.evidence if i in by_id], stated=pain.stated),
            )
            for number, pain in enumerate(pains, 1)
        ),
        buyer_personas=tuple(
            BuyerPersona(**dict(buyer), id=f"persona-{number}") for number, buyer in enumerate(buyers, 1)
        ),
    )


def _stated_first(signals: Sequence[Signal[EvidenceId]]) -> tuple[Signal[EvidenceId], ...]:
    return tuple(sorted(signals, key=lambda signal: not signal.stated))


def _newest_counts(
    facts: Sequence[Fact[EvidenceId]], evidence: Mapping[EvidenceId, Evidence]
) -> list[Fact[EvidenceId]]:
    """Drop facts with an outdated number of people or countries.

    For example, drop "We are 45 people" if a newer page says "200+ employees".
    """

    def is_newer(other: Evidence, than: Evidence) -> bool:
        # If only one page has a date and that page is stale, the page without a date counts as newer.
        if other.published_on is None or than.published_on is None:
            return other.published_on is None and is_stale(than)
        return other.published_on > than.published_on

    def is_outdated(fact: Fact[EvidenceId]) -> bool:
        own = evidence[fact.evidence[0]]
        newer = [other for other in facts if is_newer(evidence[other.evidence[0]], own)]
        counts = _counts(fact)
        return bool(counts) and counts <= {kind for other in newer for kind in _counts(other)}

    return [fact for fact in facts if not is_outdated(fact)]


def _counts(fact: Fact[EvidenceId]) -> set[str]:
    return {kind for kind, words in _COUNTED.items() if words.search(fact.text)}


def _best_facts(
    facts: Sequence[Fact[EvidenceId]], evidence: Mapping[EvidenceId, Evidence]
) -> tuple[Fact[EvidenceId], ...]:
    """Return the best facts for each topic.

    Facts are ranked by kind of page, then by age, and then by the number of digits, so that facts with figures come
    first.
    """

    def rank(fact: Fact[EvidenceId]) -> tuple[int, int, int]:
        first = evidence[fact.evidence[0]]
        kinds = _PROFILE_PAGES
        kind = kinds.index(first.page_kind) if first.page_kind in kinds else len(kinds)
        age = (first.fetched_at.date() - first.published_on).days if first.published_on else 0
        return kind, age, -sum(character.isdigit() for character in fact.text)

    by_topic: dict[str, list[Fact[EvidenceId]]] = {}
    for fact in sorted(_newest_counts(facts, evidence), key=rank):
        by_topic.setdefault(fact.topic, []).append(fact)
    return tuple(fact for topic in by_topic.values() for fact in topic[:MAX_FACTS])
