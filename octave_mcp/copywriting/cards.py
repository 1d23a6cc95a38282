"""Finishes battle cards: adds dates and scores, and drops unsupported absolute claims such as 'the only tool'."""

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
    """Return the finished card. If rule D7 drops claims, add a gap to `gaps`. If the card is empty, add another gap."""
    checked = _without_absolutes(card, evidence, known, language)
    if dropped := len(list(_sentences(card))) - len(list(_sentences(checked))):
        what = "1 sentence was" if dropped == 1 else f"{dropped} sentences were"
        why = "absolute claims (such as 'only' or 'always') that no quotation supports, or text that depended on them"
        reason = f"{what} dropped from {card.kind!r}: {why}"
        fills = "another run, or another model"
        gaps.append(Gap(section="battle_cards", code="dropped_by_check", reason=reason, would_fill=fills))
    if not any(sentence.evidence for sentence in _sentences(checked)):
        reason = f"{card.kind!r} is empty: the pages that were read contain nothing for it"
        fills = "customer stories, comparisons or product pages in the language of the playbook"
        gaps.append(Gap(section="battle_cards", code="not_found", reason=reason, would_fill=fills))
    fields = _card_fields(evidence)
    fields["form"] = "outline" if is_outline else "card"
    fields["score"] = None if is_outline else card_score(checked, evidence)
    if isinstance(checked, WhyWeWin):
        return WhyWeWinCard(**dict(checked), **fields)
    if isinstance(checked, ObjectionHandling):
        return ObjectionHandlingCard(**dict(checked), **fields)
    return CompetitivePositioningCard(**dict(checked), **fields)


def _without_absolutes(
    card: CardDraft, evidence: Mapping[EvidenceId, Evidence], known: Sequence[str], language: str
) -> CardDraft:
    """Drop unsupported absolute claims (rule D7), and mark the objections whose answers have no evidence."""
    dropped = {at for at, part in located(card) if _is_sentence(part) and _is_unsupported_absolute(part, evidence)}
    pruned = without(card, dropped, known=known, language=language).value if dropped else card
    if isinstance(pruned, ObjectionHandling):
        return pruned.model_copy(update={"objections": tuple(map(_marked, pruned.objections))})
    return pruned or card


def _is_unsupported_absolute(sentence: Sentence[EvidenceId], evidence: Mapping[EvidenceId, Evidence]) -> bool:
    """Whether a sentence makes an absolute claim, such as 'the only tool', that its quotations do not support.

    Only sentences of the kinds 'fact' and 'inference' are checked.
    """
    claims = sentence.kind in {"fact", "inference"}
    return claims and absolutes(sentence.text, (evidence[i].quote for i in sentence.evidence if i in evidence))


def _marked(objection: Objection[EvidenceId]) -> Objection[EvidenceId]:
    is_proven = any(part.evidence for part in objection.answer)
    return objection.model_copy(update={"no_proof_yet": not is_proven})


def _card_fields(evidence: Mapping[EvidenceId, Evidence]) -> dict[str, Any]:
    # `dated_on` is required, so 1970-01-01 stands for an unknown date. The date is unknown only if there is no evidence
    # at all.
    newest = max((e.fetched_at for e in evidence.values()), default=None)
    return {"audience": "internal", "dated_on": newest.date() if newest else "1970-01-01"}


def card_score(card: CardDraft, evidence: Mapping[EvidenceId, Evidence]) -> Score:
    sentences = list(_sentences(card))
    used = [evidence[i] for sentence in sentences for i in sentence.evidence]
    lists = (card.reasons, card.proof) if isinstance(card, WhyWeWin) else ()
    longest = max(map(len, lists), default=0)
    return scored([*card_faults([sentence.text for sentence in sentences], longest, used), *_objection_faults(card)])


def _objection_faults(card: CardDraft) -> Iterator[Fault]:
    low, high = OBJECTIONS
    if isinstance(card, ObjectionHandling) and not low <= len(card.objections) <= high:
        yield Fault("D26", f"Prepare {low} to {high} objections: the card has {len(card.objections)}.")


def _sentences(card: Value) -> Iterator[Sentence[EvidenceId]]:
    return (part for part in walk(card) if _is_sentence(part))


def _is_sentence(value: Value) -> TypeGuard[Sentence[EvidenceId]]:
    return isinstance(value, Sentence)
