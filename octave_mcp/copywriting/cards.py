"""From the drafts of battle cards to finished ones: dated, scored, and without claims that go too far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from octave_mcp.copywriting.faults import Fault, scored
from octave_mcp.copywriting.rubric import OBJECTIONS, absolutes, card_faults
from octave_mcp.domain.cards import (
    BattleCard,
    CompetitivePositioningCard,
    Objection,
    ObjectionHandling,
    ObjectionHandlingCard,
    WhyWeWin,
    WhyWeWinCard,
)
from octave_mcp.domain.drafts import CardDraft
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.sentence import Score, Sentence
from octave_mcp.domain.value import Value, located, walk
from octave_mcp.evidence.coherence import without


def finished(
    card: CardDraft,
    evidence: Mapping[EvidenceId, Evidence],
    gaps: list[Gap],
    *,
    is_outline: bool,
    known: Sequence[str] = (),
    language: str = "en",
) -> BattleCard:
    """The card as a rep gets it; what rule D7 made us drop is named in `gaps`. `known` names need no evidence."""
    modest = _modest(card, evidence, known, language)
    if lost := len(list(_sentences(card))) - len(list(_sentences(modest))):
        what = "claims to be alone or always so, and what depended on them,"
        reason = f"{lost} {what} were dropped from {card.kind!r}: no quotation says them"
        fills = "another run, or another model"
        gaps.append(Gap(section="battle_cards", code="dropped_by_check", reason=reason, would_fill=fills))
    if not any(sentence.evidence for sentence in _sentences(modest)):
        reason = f"{card.kind!r} is empty: there is nothing on the pages read to put on it"
        fills = "customer stories, comparisons or product pages in the language of the playbook"
        gaps.append(Gap(section="battle_cards", code="not_found", reason=reason, would_fill=fills))
    dated = _dated(evidence)
    dated["form"] = "outline" if is_outline else "card"
    dated["score"] = None if is_outline else card_score(modest, evidence)
    if isinstance(modest, WhyWeWin):
        return WhyWeWinCard(**dict(modest), **dated)
    if isinstance(modest, ObjectionHandling):
        return ObjectionHandlingCard(**dict(modest), **dated)
    return CompetitivePositioningCard(**dict(modest), **dated)


def _modest(card: CardDraft, evidence: Mapping[EvidenceId, Evidence], known: Sequence[str], language: str) -> CardDraft:
    """Without absolutes that no quotation says (D7); an objection without an answer says so (D26)."""
    gone = {at for at, part in located(card) if _is_sentence(part) and _goes_too_far(part, evidence)}
    kept = without(card, gone, known=known, language=language).value if gone else card
    if isinstance(kept, ObjectionHandling):
        return kept.model_copy(update={"objections": tuple(map(_answered, kept.objections))})
    return kept or card


def _goes_too_far(sentence: Sentence[EvidenceId], evidence: Mapping[EvidenceId, Evidence]) -> bool:
    """Only what claims something can; a question and what someone should do claim nothing."""
    claims = sentence.kind in {"fact", "inference"}
    return claims and absolutes(sentence.text, (evidence[i].quote for i in sentence.evidence if i in evidence))


def _answered(objection: Objection[EvidenceId]) -> Objection[EvidenceId]:
    is_proven = any(part.evidence for part in objection.answer)
    return objection.model_copy(update={"no_proof_yet": not is_proven})


def _dated(evidence: Mapping[EvidenceId, Evidence]) -> dict[str, Any]:
    day = max((e.fetched_at for e in evidence.values()), default=None)
    return {"audience": "internal", "dated_on": day.date() if day else "1970-01-01"}


def card_score(card: CardDraft, evidence: Mapping[EvidenceId, Evidence]) -> Score:
    sentences = list(_sentences(card))
    used = [evidence[i] for sentence in sentences for i in sentence.evidence]
    lists = (card.reasons, card.proof) if isinstance(card, WhyWeWin) else ()
    longest = max(map(len, lists), default=0)
    return scored([*card_faults([one.text for one in sentences], longest, used), *_of_objections(card)])


def _of_objections(card: CardDraft) -> Iterator[Fault]:
    low, high = OBJECTIONS
    if isinstance(card, ObjectionHandling) and not low <= len(card.objections) <= high:
        yield Fault("D26", f"Prepare {low} to {high} objections: the card has {len(card.objections)}.")


def _sentences(card: Value) -> Iterator[Sentence[EvidenceId]]:
    return (part for part in walk(card) if _is_sentence(part))


def _is_sentence(value: Value) -> TypeGuard[Sentence[EvidenceId]]:
    return isinstance(value, Sentence)
