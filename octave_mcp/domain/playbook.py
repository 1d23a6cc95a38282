"""The deliverable, and the drafts that models answer with.

Generic over what supports a claim: `X[Cite]` is a model's answer, `X[EvidenceId]` what our code made of it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Generic, Literal

from pydantic import Field

from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.costs import Cost, Timings
from octave_mcp.domain.evidence import C, Evidence, EvidenceId, Finding
from octave_mcp.domain.findings import CompanyIntegration, CompanyPerson, CompanyTrigger
from octave_mcp.domain.notices import Flag, Gap
from octave_mcp.domain.page import PageFailure
from octave_mcp.domain.prospect import JobFunction, ProspectIntelligence
from octave_mcp.domain.value import ADVICE, SPOKEN, Advice, Spoken, Value
from octave_mcp.domain.vendor import VendorElements

SentenceKind = Literal["fact", "inference", "question", "ask", "courtesy"]
"""A fact has evidence; an inference is hedged and names what it is based on; the others claim nothing."""


class Sentence(Finding[C], Generic[C]):
    text: str
    kind: SentenceKind


class CallToAction(Value):
    """`label` says what kind of ask it is, for the rep: 'interest', 'meeting', 'goodbye'."""

    label: Literal["interest", "meeting", "goodbye"]
    text: Spoken


class TouchDraft(Value, Generic[C]):
    """An e-mail as sentences in paragraphs; greeting and signature are ours."""

    subject: Spoken
    paragraphs: tuple[tuple[Sentence[C], ...], ...]
    call_to_action: CallToAction
    opt_out: Annotated[str | None, SPOKEN]
    personalisation: Annotated[tuple[str, ...], ADVICE]


class SequenceDraft(Value, Generic[C]):
    touches: tuple[TouchDraft[C], ...]


class Score(Value):
    """`points` of 100; each warning starts with the rule it is about ('D11 ...')."""

    points: int
    warnings: tuple[str, ...]


class Touch(Value):
    """An e-mail, or an outline of one, which has no score. Playbooks from before outlines existed have no `kind`."""

    kind: Literal["email", "outline"] = "email"
    day: int
    subject: str
    body: str
    call_to_action: CallToAction
    personalisation: tuple[str, ...]
    sentences: tuple[Sentence[EvidenceId], ...]
    score: Score | None


class EmailSequence(Value):
    persona_id: str
    touches: tuple[Touch, ...]


class DiscoveryQuestion(Value):
    """`uncovers` names the MEDDPICC letter or SPIN type."""

    question: Spoken
    uncovers: Advice
    purpose: Advice
    follow_ups: Annotated[tuple[str, ...], SPOKEN]


class DemoPoint(Value, Generic[C]):
    show: Spoken
    because: Sentence[C]


class ValueMapRow(Value, Generic[C]):
    capability: Sentence[C]
    pain: Sentence[C]


class ColdCall(Value, Generic[C]):
    opener: tuple[Sentence[C], ...]
    value: tuple[Sentence[C], ...]
    ask: Spoken
    if_not_now: Spoken


class TalkTrackDraft(Value, Generic[C]):
    pitch: tuple[Sentence[C], ...]
    cold_call: ColdCall[C]
    discovery: tuple[DiscoveryQuestion, ...]
    demo_points: tuple[DemoPoint[C], ...]
    value_map: tuple[ValueMapRow[C], ...]


class TalkTrack(TalkTrackDraft[EvidenceId]):
    """What to say on a call, or an outline of it, which has no score."""

    kind: Literal["call", "outline"] = "call"
    persona_id: str
    score: Score | None


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
    """One competitor: where the vendor's pages say it is ahead, and where they say the other is."""

    name: str
    where_we_win: tuple[Sentence[C], ...]
    where_they_win: tuple[Sentence[C], ...]
    questions: Annotated[tuple[str, ...], SPOKEN]


class CompetitivePositioning(Value, Generic[C]):
    kind: Literal["competitive_positioning"]
    rivals: tuple[Rival[C], ...]
    where_they_win_note: Advice


class Dated(Value):
    """What every finished battle card carries. `form` marks an outline, which has no score; `kind` says which card."""

    form: Literal["card", "outline"] = "card"
    audience: Literal["internal", "customer_facing"]
    dated_on: date
    score: Score | None


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


class PersonaPoints(Value, Generic[C]):
    """What one buyer persona wants, fears, and may be told."""

    persona_id: str
    goals: tuple[Sentence[C], ...]
    pains: tuple[Sentence[C], ...]
    talking_points: tuple[Sentence[C], ...]


class PriorityPersona(Value):
    id: str
    rank: int
    title: str
    contact: str | None
    function: JobFunction
    inferred: bool
    why_they_care: Sentence[EvidenceId]
    goals: tuple[Sentence[EvidenceId], ...]
    pains: tuple[Sentence[EvidenceId], ...]
    talking_points: tuple[Sentence[EvidenceId], ...]


class ExecutiveSummary(Value, Generic[C]):
    """Three short paragraphs."""

    whom_to_approach: tuple[Sentence[C], ...]
    why_now: tuple[Sentence[C], ...]
    how_to_engage: tuple[Sentence[C], ...]


class Summary(ExecutiveSummary[EvidenceId]):
    """The executive summary of a playbook, or an outline of one."""

    kind: Literal["summary", "outline"] = "summary"


class QuickWin(Value, Generic[C]):
    action: Advice
    because: Sentence[C]


class SuccessMetric(Value):
    name: Advice
    how_to_measure: Advice


class SummaryDraft(Value, Generic[C]):
    executive_summary: ExecutiveSummary[C]
    personas: tuple[PersonaPoints[C], ...]
    quick_wins: tuple[QuickWin[C], ...]
    success_metrics: tuple[SuccessMetric, ...]


class DealDraft(Value, Generic[C]):
    """What is written about the deal as a whole, in one answer; what was left out of it is None."""

    summary: SummaryDraft[C] | None
    why_we_win: WhyWeWin[C] | None
    objection_handling: ObjectionHandling[C] | None
    competitive_positioning: CompetitivePositioning[C] | None


class PersonaDraft(Value, Generic[C]):
    """What is written for one persona, in one answer; what was left out of it is None."""

    sequence: SequenceDraft[C] | None
    talk_track: TalkTrackDraft[C] | None


class PersonaDrafts(Value, Generic[C]):
    """What is written for each of several personas, in one answer: by the persona's id, with an underscore."""

    persona_1: PersonaDraft[C] | None
    persona_2: PersonaDraft[C] | None
    persona_3: PersonaDraft[C] | None


class NamedCompany(Value):
    """`name` is what the company calls itself; where it says nothing, its domain."""

    name: str
    domain: str
    url: str
    language: str
    evidence: tuple[EvidenceId, ...]


class GivenContext(Value):
    """What the user said of the deal. It steers the selection, and is never evidence."""

    given_by: Literal["user"]
    text: str


class ReadPage(Value):
    """A page that was read. `sister_of` is the company's domain if the page is on a sister site."""

    role: Role
    url: str
    kind: str
    title: str
    sha256: str
    language: str
    sister_of: str = ""


class Playbook(Value):
    """Playbooks from before triggers, people and integrations were collected have none."""

    vendor: NamedCompany
    prospect: NamedCompany
    language: str
    model: str
    context: GivenContext | None
    generated_at: datetime
    executive_summary: Summary
    triggers: tuple[CompanyTrigger, ...] = ()
    people: tuple[CompanyPerson, ...] = ()
    integrations: tuple[CompanyIntegration, ...] = ()
    priority_personas: tuple[PriorityPersona, ...]
    quick_wins: tuple[QuickWin[EvidenceId], ...]
    success_metrics: tuple[SuccessMetric, ...]
    email_sequences: tuple[EmailSequence, ...]
    talk_tracks: tuple[TalkTrack, ...]
    battle_cards: tuple[BattleCard, ...]
    vendor_elements: VendorElements[EvidenceId]
    prospect_intelligence: ProspectIntelligence
    evidence: dict[EvidenceId, Evidence]
    pages: tuple[ReadPage, ...]
    failed_pages: tuple[PageFailure, ...]
    gaps: tuple[Gap, ...]
    flags: tuple[Flag, ...]
    cost: Cost
    timings: Timings

    @property
    def companies(self) -> dict[Role, NamedCompany]:
        return {role: company for role in ROLES if (company := getattr(self, role)) is not None}


SECTIONS = (
    "executive_summary",
    "triggers",
    "people",
    "integrations",
    "priority_personas",
    "quick_wins",
    "success_metrics",
    "email_sequences",
    "talk_tracks",
    "battle_cards",
    "vendor_elements",
    "prospect_intelligence",
    "evidence",
    "pages",
    "failed_pages",
    "gaps",
    "flags",
    "cost",
    "timings",
)
"""What `get_run(section=...)` can be asked for."""
