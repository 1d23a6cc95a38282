"""Battle cards: the drafts that models return and the finished cards."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Generic, Literal

from pydantic import Field

from octave_mcp.domain.evidence import C, EvidenceId
from octave_mcp.domain.sentence import Score, Sentence
from octave_mcp.domain.value import SPOKEN, Advice, Spoken, Value


class WhyWeWin(Value, Generic[C]):
    kind: Literal["why_we_win"]
    reasons: tuple[Sentence[C], ...]
    proof: tuple[Sentence[C], ...]


class Objection(Value, Generic[C]):
    category: Literal["price", "timing", "authority", "need", "competitor"]
    objection: Spoken
    answer: tuple[Sentence[C], ...]
    no_proof_yet: bool
    ask: Spoken


class ObjectionHandling(Value, Generic[C]):
    kind: Literal["objection_handling"]
    objections: tuple[Objection[C], ...]


class Rival(Value, Generic[C]):
    """A competitor, or the status quo (what the prospect does if it does not buy).

    `questions` help the buyer to discover how the products differ. `landmine` is a remark or question for an early
    call. It makes the buyer look closely at the competitor.
    """

    name: str
    is_status_quo: bool = False
    where_we_win: tuple[Sentence[C], ...]
    where_they_win: tuple[Sentence[C], ...]
    questions: Annotated[tuple[str, ...], SPOKEN]
    landmine: Spoken = ""
    when_not_to_engage: Advice = ""


class CompetitivePositioning(Value, Generic[C]):
    kind: Literal["competitive_positioning"]
    rivals: tuple[Rival[C], ...]
    where_they_win_note: Advice


class Dated(Value):
    """Fields that all finished battle cards share. Outlines have no `score`."""

    form: Literal["card", "outline"] = "card"
    audience: Literal["internal", "customer_facing"]
    dated_on: date
    score: Score | None = None


class WhyWeWinCard(WhyWeWin[EvidenceId], Dated):
    pass


class ObjectionHandlingCard(ObjectionHandling[EvidenceId], Dated):
    pass


class CompetitivePositioningCard(CompetitivePositioning[EvidenceId], Dated):
    pass


BattleCard = Annotated[
    WhyWeWinCard | ObjectionHandlingCard | CompetitivePositioningCard,
    Field(discriminator="kind"),
]
