"""Assembles finished e-mails, call scripts and battle cards from the writers' drafts, and scores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from octave_mcp.copywriting.cards import finished
from octave_mcp.copywriting.committee import committee
from octave_mcp.copywriting.emails import DAYS, EmailMaterial, emails
from octave_mcp.copywriting.faults import scored
from octave_mcp.copywriting.fit import fit
from octave_mcp.copywriting.letterhead import letterhead
from octave_mcp.copywriting.outlined_emails import outlines
from octave_mcp.copywriting.outlines import unwritten
from octave_mcp.copywriting.rubric import PERSONAS_ALIKE, talk_track_faults
from octave_mcp.copywriting.substance import likeness
from octave_mcp.copywriting.trigger_meanings import meanings
from octave_mcp.domain.cards import BattleCard
from octave_mcp.domain.deal import BuyingSeat, Fit
from octave_mcp.domain.drafts import Drafted, Drafts
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.findings import CompanyTrigger
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.playbook import (
    EmailSequence,
    ExecutiveSummary,
    PersonaPoints,
    PriorityPersona,
    QuickWin,
    SequenceDraft,
    SuccessMetric,
    Summary,
    SummaryDraft,
    TalkTrack,
    TalkTrackDraft,
    Touch,
)
from octave_mcp.domain.prospect import BuyerPersona
from octave_mcp.domain.sentence import Score, Sentence
from octave_mcp.domain.value import with_texts
from octave_mcp.evidence.checks import counted


@dataclass(frozen=True, slots=True)
class Assets:
    """The parts of a playbook that language models draft.

    `by_weight`: the triggers that matter for the deal, with the most important first.
    """

    executive_summary: Summary
    triggers: tuple[CompanyTrigger, ...]
    by_weight: tuple[CompanyTrigger, ...]
    buying_committee: tuple[BuyingSeat, ...]
    fit: Fit
    priority_personas: tuple[PriorityPersona, ...]
    quick_wins: tuple[QuickWin[EvidenceId], ...]
    success_metrics: tuple[SuccessMetric, ...]
    trial_plan: tuple[str, ...]
    email_sequences: tuple[EmailSequence, ...]
    talk_tracks: tuple[TalkTrack, ...]
    battle_cards: tuple[BattleCard, ...]
    gaps: tuple[Gap, ...]


def assets(drafts: Drafts) -> Assets:
    summary = drafts.summary.value if drafts.summary else _no_summary()
    is_outline = drafts.summary is not None and drafts.summary.is_outline
    gaps: list[Gap] = [*unwritten(summary)] if is_outline else []
    sequences = _sequences(drafts, gaps)
    tracks = tuple(
        _talk_track(drafts, persona, draft)
        for persona, draft in zip(drafts.personas, drafts.talk_tracks, strict=True)
        if draft is not None
    )
    findings = drafts.findings
    meaning_of = meanings(summary.trigger_meanings, findings.triggers, drafts.evidence)
    triggers = {trigger: trigger.model_copy(update={"means": meaning_of.get(trigger)}) for trigger in findings.triggers}
    return Assets(
        executive_summary=Summary(**dict(summary.executive_summary), kind="outline" if is_outline else "summary"),
        triggers=tuple(triggers[trigger] for trigger in findings.triggers),
        by_weight=tuple(triggers[trigger] for trigger in meaning_of),
        buying_committee=committee(summary.committee, findings.people, drafts.evidence, drafts.read_on),
        fit=fit(summary, tracks, findings.integrations),
        priority_personas=tuple(_persona(drafts, summary, rank) for rank in range(len(drafts.personas))),
        quick_wins=summary.quick_wins,
        success_metrics=summary.success_metrics,
        trial_plan=summary.trial_plan,
        email_sequences=sequences,
        talk_tracks=tracks,
        battle_cards=_cards(drafts, gaps),
        gaps=tuple(gaps),
    )


def _cards(drafts: Drafts, gaps: list[Gap]) -> tuple[BattleCard, ...]:
    return tuple(
        finished(
            card.value,
            drafts.evidence,
            gaps,
            is_outline=card.is_outline,
            known=drafts.known,
            language=drafts.language,
        )
        for card in drafts.cards
        if card is not None
    )


def _no_summary() -> SummaryDraft[EvidenceId]:
    empty = ExecutiveSummary[EvidenceId](whom_to_approach=(), why_now=(), how_to_engage=())
    return SummaryDraft[EvidenceId](
        executive_summary=empty,
        trigger_meanings=(),
        committee=(),
        personas=(),
        reasons_against=(),
        when_not_to_sell="",
        quick_wins=(),
        success_metrics=(),
        trial_plan=(),
    )


def _persona(drafts: Drafts, summary: SummaryDraft[EvidenceId], rank: int) -> PriorityPersona:
    buyer = drafts.personas[rank]
    no_points = PersonaPoints[EvidenceId](
        persona_id=buyer.id, goals=(), pains=(), talking_points=(), will_ask=(), cautions=()
    )
    points = next((points for points in summary.personas if points.persona_id == buyer.id), no_points)
    return PriorityPersona(
        id=buyer.id,
        rank=rank + 1,
        title=buyer.title,
        contact=buyer.contact,
        function=buyer.function,
        inferred=buyer.inferred,
        why_they_care=Sentence[EvidenceId](
            text=buyer.why_they_care, kind="inference", evidence=buyer.evidence, support=buyer.support
        ),
        **{name: getattr(points, name) for name in PersonaPoints.model_fields if name != "persona_id"},
    )


def _sequences(drafts: Drafts, gaps: list[Gap]) -> tuple[EmailSequence, ...]:
    material = EmailMaterial(drafts.evidence, drafts.known, drafts.given)
    sequences = tuple(
        _sequence(drafts, material, persona, draft, gaps)
        for persona, draft in zip(drafts.personas, drafts.sequences, strict=True)
        if draft is not None
    )
    _warn_of_likeness(sequences, gaps)
    return sequences


def _sequence(
    drafts: Drafts,
    material: EmailMaterial,
    persona: BuyerPersona,
    draft: Drafted[SequenceDraft[EvidenceId]],
    gaps: list[Gap],
) -> EmailSequence:
    touches: list[Touch] = []
    persona_id, head = persona.id, letterhead(persona.contact, drafts.sender, drafts.vendor)
    finished = emails(draft.value, material, drafts.language, head)
    for email in outlines(draft.value, material) if draft.is_outline else finished:
        if email.errors:
            reason = f"touch {email.number} for {persona_id} was dropped: {counted(email.errors)}"
            gaps.append(
                Gap(
                    section="email_sequences",
                    code="dropped_by_check",
                    reason=reason,
                    would_fill="another run, or another model",
                )
            )
            continue
        touches.append(email.touch)
    if (count := len(draft.value.touches)) < len(DAYS) and not draft.is_outline:
        reason = f"{count} of {len(DAYS)} touches for {persona_id}: there is no proof left that can be quoted"
        would_fill = "customer stories, testimonials or product pages in the language of the playbook"
        gaps.append(Gap(section="email_sequences", code="not_enough_proof", reason=reason, would_fill=would_fill))
    return EmailSequence(
        persona_id=persona_id, first_name=head.first_name, signature=head.signature, touches=tuple(touches)
    )


def _warn_of_likeness(sequences: Sequence[EmailSequence], gaps: list[Gap]) -> None:
    """Add a `Gap` if the e-mails for two personas are nearly the same.

    Outlines are exempt, because they share a template.
    """
    texts = [(s.persona_id, "\n".join(t.body for t in s.touches if t.kind == "email")) for s in sequences]
    for index, (persona, text) in enumerate(texts):
        for other, other_text in texts[:index]:
            if likeness(text, other_text) >= PERSONAS_ALIKE:
                reason = f"the sequences for {persona} and {other} are much alike"
                gaps.append(
                    Gap(
                        section="email_sequences",
                        code="alike",
                        reason=reason,
                        would_fill="more pages about either role",
                    )
                )


def _talk_track(drafts: Drafts, persona: BuyerPersona, drafted: Drafted[TalkTrackDraft[EvidenceId]]) -> TalkTrack:
    head = letterhead(persona.contact, drafts.sender, drafts.vendor)
    draft, persona_id = with_texts(drafted.value, head.filled), persona.id
    if drafted.is_outline:
        return TalkTrack(**dict(draft), kind="outline", persona_id=persona_id, score=None)
    return TalkTrack(**dict(draft), kind="call", persona_id=persona_id, score=call_score(draft, drafts.evidence))


def call_score(draft: TalkTrackDraft[EvidenceId], evidence: Mapping[EvidenceId, Evidence]) -> Score:
    spoken = [*draft.pitch, *draft.cold_call.opener, *draft.cold_call.value]
    used = [evidence[i] for sentence in spoken for i in sentence.evidence]
    pitch = " ".join(sentence.text for sentence in draft.pitch)
    opener = [sentence.text for sentence in draft.cold_call.opener]
    return scored(talk_track_faults(pitch, opener, [q.question for q in draft.discovery], used))
