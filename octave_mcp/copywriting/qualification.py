"""Builds the MEDDPICC qualification: the known facts for each letter, and questions about the unknown facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from octave_mcp.domain.cards import BattleCard
from octave_mcp.domain.deal import BuyingSeat, Letter, Qualification
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.names import normal
from octave_mcp.domain.playbook import TalkTrack
from octave_mcp.domain.prospect import ProspectIntelligence
from octave_mcp.domain.sentence import Sentence
from octave_mcp.evidence.figures import figures

MAX_KNOWN, MAX_QUESTIONS = 3, 3
# Questions for the letters of MEDDPICC, used if no call script has a discovery question for the letter.
DEFAULT_QUESTIONS: Mapping[str, str] = {
    "metrics": "Which number would tell you that this worked?",
    "economic_buyer": "Who signs for a purchase of this size?",
    "decision_criteria": "What does a tool have to do before you would choose it?",
    "decision_process": "How did you decide on the last tool that you bought?",
    "paper_process": "What do legal and security need before you can sign?",
    "identify_pain": "What does this cost you today?",
    "champion": "Who on your team would want this most?",
    "competition": "What else are you looking at, doing nothing included?",
}


def qualification(
    seats: Sequence[BuyingSeat],
    intelligence: ProspectIntelligence,
    cards: Sequence[BattleCard],
    tracks: Sequence[TalkTrack],
) -> Qualification:
    known = {
        letter: [*filter(_is_known, sentences)] for letter, sentences in _known(seats, intelligence, cards).items()
    }
    return Qualification(
        **{
            name: Letter(known=tuple(known.get(name, ()))[:MAX_KNOWN], to_find_out=tuple(_to_find_out(name, tracks)))
            for name in Qualification.model_fields
        }
    )


def _known(
    seats: Sequence[BuyingSeat], intelligence: ProspectIntelligence, cards: Sequence[BattleCard]
) -> dict[str, list[Sentence[EvidenceId]]]:
    """Return the known facts for each letter of MEDDPICC.

    Inferred pains, which no page of the prospect states, are left out. If the prospect states a pain with a figure, the
    pain counts as a metric.
    """
    facts = intelligence.company_profile.facts
    pains = [_as_fact(pain, pain.text) for pain in intelligence.pain_points if pain.stated]
    measured = [pain for pain in pains if figures(pain.text)]
    held = {seat.seat: [_as_fact(seat, seat.in_words)] for seat in seats if seat.how_known == "named"}
    return {
        "metrics": measured,
        "economic_buyer": held.get("economic_buyer", []),
        "champion": held.get("champion", []),
        "identify_pain": [*(pain for pain in pains if pain not in measured), *measured],
        "decision_criteria": [_as_fact(fact, fact.text) for fact in facts if fact.topic == "compliance"],
        "competition": [*_rivals(cards)],
    }


def _rivals(cards: Sequence[BattleCard]) -> Iterator[Sentence[EvidenceId]]:
    """For each rival on the cards, yield the first sentence that says where the rival beats the vendor."""
    for card in cards:
        if card.kind == "competitive_positioning":
            yield from (sentence for rival in card.rivals for sentence in rival.where_they_win[:1])


def _as_fact(finding: Any, text: str) -> Sentence[EvidenceId]:  # noqa: ANN401 - a finding of any kind
    return Sentence[EvidenceId](text=text, kind="fact", evidence=finding.evidence, support=finding.support)


def _is_known(sentence: Sentence[EvidenceId]) -> bool:
    return sentence.support is None or sentence.support.verdict != "partly"


def _to_find_out(letter: str, tracks: Sequence[TalkTrack]) -> Iterator[str]:
    """Yield the call scripts' discovery questions for a letter of MEDDPICC, or a default question if there are none."""
    label = normal(letter.replace("_", " "))
    discovery = (item for track in tracks for item in track.discovery if normal(item.uncovers) == label)
    questions = list(dict.fromkeys(item.question for item in discovery))[:MAX_QUESTIONS]
    yield from questions or [DEFAULT_QUESTIONS[letter]]
