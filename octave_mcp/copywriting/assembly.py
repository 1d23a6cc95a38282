"""From the writers' drafts to finished assets: bodies, scores, and a gap for what a rule made us drop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from octave_mcp.copywriting.cards import CardDraft, finished
from octave_mcp.copywriting.emails import DAYS, Material, emails
from octave_mcp.copywriting.outlines import outlines, unwritten
from octave_mcp.copywriting.rubric import PERSONAS_ALIKE, likeness, talk_track_score
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.playbook import (
    BattleCard,
    EmailSequence,
    ExecutiveSummary,
    PersonaPoints,
    PriorityPersona,
    QuickWin,
    Sentence,
    SequenceDraft,
    SuccessMetric,
    Summary,
    SummaryDraft,
    TalkTrack,
    TalkTrackDraft,
    Touch,
)
from octave_mcp.domain.prospect import BuyerPersona
from octave_mcp.evidence.checks import counted

D_co = TypeVar("D_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Drafted(Generic[D_co]):
    """What a writer answered, and whether it is an outline."""

    value: D_co
    is_outline: bool


@dataclass(frozen=True, slots=True)
class Drafts:
    """What the writers answered; None where one failed. `given` is what the user said of the deal."""

    summary: Drafted[SummaryDraft[EvidenceId]] | None
    cards: tuple[Drafted[CardDraft] | None, ...]
    sequences: tuple[Drafted[SequenceDraft[EvidenceId]] | None, ...]
    talk_tracks: tuple[Drafted[TalkTrackDraft[EvidenceId]] | None, ...]
    evidence: Mapping[EvidenceId, Evidence]
    personas: tuple[BuyerPersona, ...]
    known: tuple[str, ...]
    language: str
    given: str


@dataclass(frozen=True, slots=True)
class Assets:
    executive_summary: Summary
    priority_personas: tuple[PriorityPersona, ...]
    quick_wins: tuple[QuickWin[EvidenceId], ...]
    success_metrics: tuple[SuccessMetric, ...]
    email_sequences: tuple[EmailSequence, ...]
    talk_tracks: tuple[TalkTrack, ...]
    battle_cards: tuple[BattleCard, ...]
    gaps: tuple[Gap, ...]


def assets(drafts: Drafts) -> Assets:
    summary = drafts.summary.value if drafts.summary else _no_summary()
    is_outline = drafts.summary is not None and drafts.summary.is_outline
    gaps: list[Gap] = [*unwritten(summary)] if is_outline else []
    sequences = tuple(
        _sequence(drafts, persona.id, draft, gaps)
        for persona, draft in zip(drafts.personas, drafts.sequences, strict=True)
        if draft is not None
    )
    _warn_of_twins(sequences, gaps)
    return Assets(
        executive_summary=Summary(**dict(summary.executive_summary), kind="outline" if is_outline else "summary"),
        priority_personas=tuple(_persona(drafts, summary, rank) for rank in range(len(drafts.personas))),
        quick_wins=summary.quick_wins,
        success_metrics=summary.success_metrics,
        email_sequences=sequences,
        talk_tracks=tuple(
            _talk_track(drafts, persona.id, draft)
            for persona, draft in zip(drafts.personas, drafts.talk_tracks, strict=True)
            if draft is not None
        ),
        battle_cards=tuple(
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
        ),
        gaps=tuple(gaps),
    )


def _no_summary() -> SummaryDraft[EvidenceId]:
    empty = ExecutiveSummary[EvidenceId](whom_to_approach=(), why_now=(), how_to_engage=())
    return SummaryDraft[EvidenceId](executive_summary=empty, personas=(), quick_wins=(), success_metrics=())


def _persona(drafts: Drafts, summary: SummaryDraft[EvidenceId], rank: int) -> PriorityPersona:
    buyer = drafts.personas[rank]
    none = PersonaPoints[EvidenceId](persona_id=buyer.id, goals=(), pains=(), talking_points=())
    points = next((points for points in summary.personas if points.persona_id == buyer.id), none)
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
        goals=points.goals,
        pains=points.pains,
        talking_points=points.talking_points,
    )


def _sequence(
    drafts: Drafts, persona_id: str, draft: Drafted[SequenceDraft[EvidenceId]], gaps: list[Gap]
) -> EmailSequence:
    touches: list[Touch] = []
    material = Material(drafts.evidence, drafts.known, drafts.given)
    judged = outlines(draft.value, material) if draft.is_outline else emails(draft.value, material, drafts.language)
    for email in judged:
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
        fills = "customer stories, testimonials or product pages in the language of the playbook"
        gaps.append(Gap(section="email_sequences", code="not_enough_proof", reason=reason, would_fill=fills))
    return EmailSequence(persona_id=persona_id, touches=tuple(touches))


def _warn_of_twins(sequences: Sequence[EmailSequence], gaps: list[Gap]) -> None:
    """D33: names personas whose copy is nearly the same. Outlines are exempt, because they share a template."""
    texts = [(s.persona_id, "\n".join(t.body for t in s.touches if t.kind == "email")) for s in sequences]
    for at, (persona, text) in enumerate(texts):
        for other, theirs in texts[:at]:
            if likeness(text, theirs) >= PERSONAS_ALIKE:
                reason = f"the sequences for {persona} and {other} are much alike"
                gaps.append(
                    Gap(
                        section="email_sequences",
                        code="alike",
                        reason=reason,
                        would_fill="more pages about either role",
                    )
                )


def _talk_track(drafts: Drafts, persona_id: str, drafted: Drafted[TalkTrackDraft[EvidenceId]]) -> TalkTrack:
    draft = drafted.value
    if drafted.is_outline:
        return TalkTrack(**dict(draft), kind="outline", persona_id=persona_id, score=None)
    spoken = [*draft.pitch, *draft.cold_call.opener, *draft.cold_call.value]
    used = [drafts.evidence[i] for sentence in spoken for i in sentence.evidence]
    pitch = " ".join(sentence.text for sentence in draft.pitch)
    opener = [sentence.text for sentence in draft.cold_call.opener]
    score = talk_track_score(pitch, opener, [q.question for q in draft.discovery], used)
    return TalkTrack(**dict(draft), kind="call", persona_id=persona_id, score=score)
