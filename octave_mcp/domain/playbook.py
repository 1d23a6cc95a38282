"""The playbook, and the drafts that models return.

The types are generic over the kind of citation: `X[Cite]` is a model's answer, `X[EvidenceId]` the checked result.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, Literal

from octave_mcp.domain.cards import BattleCard, CompetitivePositioning, ObjectionHandling, WhyWeWin
from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.costs import Cost, Timings
from octave_mcp.domain.deal import Brief, BuyingSeat, Fit, Qualification, Seat, ValueMapRow
from octave_mcp.domain.evidence import C, Evidence, EvidenceId
from octave_mcp.domain.findings import CompanyIntegration, CompanyPerson, CompanyTrigger
from octave_mcp.domain.notices import Flag, Gap, OwnText
from octave_mcp.domain.page import PageFailure
from octave_mcp.domain.prospect import JobFunction, ProspectIntelligence
from octave_mcp.domain.recording import Recording
from octave_mcp.domain.sentence import Score, Sentence
from octave_mcp.domain.value import ADVICE, SPOKEN, Advice, Spoken, Value
from octave_mcp.domain.vendor import VendorElements


class CallToAction(Value):
    """`label` says what kind of ask it is, for the rep. An offer is of something that the rep makes for the reader."""

    label: Literal["interest", "offer", "meeting", "goodbye"]
    text: Spoken


class TouchDraft(Value, Generic[C]):
    """An e-mail as paragraphs of sentences. Our code adds the greeting and the signature.

    `second_opening` is an alternative opening without a date, for use when the news is old. `make_first` is the full
    text of a document that the e-mail offers. The rep prepares the document before sending the e-mail.
    """

    subject: Spoken
    paragraphs: tuple[tuple[Sentence[C], ...], ...]
    call_to_action: CallToAction
    opt_out: Annotated[str | None, SPOKEN]
    second_opening: tuple[Sentence[C], ...]
    make_first: Annotated[str | None, SPOKEN]
    personalisation: Annotated[tuple[str, ...], ADVICE]


class SequenceDraft(Value, Generic[C]):
    touches: tuple[TouchDraft[C], ...]


class Touch(Value):
    """An e-mail, or an outline of an e-mail. Outlines have no score."""

    # Playbooks that were stored before outlines were introduced do not contain this field.
    kind: Literal["email", "outline"] = "email"
    day: int
    subject: str
    body: str
    call_to_action: CallToAction
    personalisation: tuple[str, ...]
    sentences: tuple[Sentence[EvidenceId], ...]
    second_opening: tuple[Sentence[EvidenceId], ...] = ()
    make_first: str | None = None
    score: Score | None = None


class EmailSequence(Value):
    """The e-mails to one persona.

    `first_name` is for the greeting; if the site names no person, the greeting has a merge field instead.
    `signature` is the same in all e-mails, with merge fields if the sender is unknown.
    """

    persona_id: str
    first_name: str | None = None
    signature: str = ""
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


class ColdCall(Value, Generic[C]):
    opener: tuple[Sentence[C], ...]
    value: tuple[Sentence[C], ...]
    ask: Spoken
    if_not_now: Spoken


class BrushOff(Value):
    they_say: Literal["send_something", "no_budget", "have_a_tool", "not_me", "not_now"]
    reply: Spoken


class TalkTrackDraft(Value, Generic[C]):
    """What to say on a call.

    `voicemail` takes 20 seconds to say. The rep says `close` at the end of a good call. `next_step` is what the rep
    does after the call.
    """

    pitch: tuple[Sentence[C], ...]
    cold_call: ColdCall[C]
    brush_offs: tuple[BrushOff, ...]
    voicemail: tuple[Sentence[C], ...]
    close: Spoken
    next_step: Advice
    discovery: tuple[DiscoveryQuestion, ...]
    demo_points: tuple[DemoPoint[C], ...]
    value_map: tuple[ValueMapRow[C], ...]


class TalkTrack(TalkTrackDraft[EvidenceId]):
    """What to say on a call, as finished text or as an outline. Outlines have no score."""

    kind: Literal["call", "outline"] = "call"
    persona_id: str
    brush_offs: tuple[BrushOff, ...] = ()
    voicemail: tuple[Sentence[EvidenceId], ...] = ()
    close: Spoken = ""
    next_step: Advice = ""
    score: Score | None = None


class Caution(Value, Generic[C]):
    avoid: Advice
    because: Sentence[C]


class PersonaPoints(Value, Generic[C]):
    """Talking points for one buyer persona: goals, pains, likely questions, and what to avoid."""

    persona_id: str
    goals: tuple[Sentence[C], ...]
    pains: tuple[Sentence[C], ...]
    talking_points: tuple[Sentence[C], ...]
    will_ask: Annotated[tuple[str, ...], SPOKEN]
    cautions: tuple[Caution[C], ...]


class PriorityPersona(Value):
    """A buyer persona. `rank` 1 is the top priority. `inferred`: whether the role is inferred, not named on a page."""

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
    will_ask: tuple[str, ...] = ()
    cautions: tuple[Caution[EvidenceId], ...] = ()


class ExecutiveSummary(Value, Generic[C]):
    """Three short paragraphs."""

    whom_to_approach: tuple[Sentence[C], ...]
    why_now: tuple[Sentence[C], ...]
    how_to_engage: tuple[Sentence[C], ...]


class Summary(ExecutiveSummary[EvidenceId]):
    """The executive summary of a playbook, or an outline of a summary."""

    kind: Literal["summary", "outline"] = "summary"


class QuickWin(Value, Generic[C]):
    action: Advice
    because: Sentence[C]


class SuccessMetric(Value):
    name: Advice
    how_to_measure: Advice


class SummaryDraft(Value, Generic[C]):
    """The draft of the texts about the deal as a whole.

    `trigger_meanings` say why the triggers matter for the deal, the most important trigger first. Each sentence cites
    its trigger. `reasons_against` say why the prospect might not buy.
    """

    executive_summary: ExecutiveSummary[C]
    trigger_meanings: tuple[Sentence[C], ...]
    committee: tuple[Seat[C], ...]
    personas: tuple[PersonaPoints[C], ...]
    reasons_against: tuple[Sentence[C], ...]
    when_not_to_sell: Advice
    quick_wins: tuple[QuickWin[C], ...]
    success_metrics: tuple[SuccessMetric, ...]
    trial_plan: Annotated[tuple[str, ...], ADVICE]


class DealDraft(Value, Generic[C]):
    """One answer with all texts about the deal as a whole. Missing texts are None."""

    summary: SummaryDraft[C] | None
    why_we_win: WhyWeWin[C] | None
    objection_handling: ObjectionHandling[C] | None
    competitive_positioning: CompetitivePositioning[C] | None


class PersonaDraft(Value, Generic[C]):
    """One answer with all texts for one persona. Missing texts are None."""

    sequence: SequenceDraft[C] | None
    talk_track: TalkTrackDraft[C] | None


class PersonaDrafts(Value, Generic[C]):
    """One answer with the texts for several personas. The field for the persona 'persona-1' is `persona_1`."""

    persona_1: PersonaDraft[C] | None
    persona_2: PersonaDraft[C] | None
    persona_3: PersonaDraft[C] | None


class NamedCompany(Value):
    """A company of the deal. `name` is the name on the company's own pages, or the domain if no name was found."""

    name: str
    domain: str
    url: str
    language: str
    evidence: tuple[EvidenceId, ...]


class GivenContext(Value):
    """What the user said about the deal. This context influences the selection of content, but is never evidence."""

    given_by: Literal["user"]
    text: str


class ReadPage(Value):
    """A page that was read. `sister_of` is the company's domain if the page is on another site of the organisation."""

    role: Role
    url: str
    kind: str
    title: str
    sha256: str
    language: str
    sister_of: str = ""


# Version of the playbook's JSON. Version 2 added the brief, buying committee, fit, qualification and trial plan;
# version 3 added `own_text`.
SCHEMA_VERSION = 3


class Playbook(Value):
    """A sales playbook for one vendor and one prospect.

    If `schema_version` is older, the sections that were added later are empty, and `brief` is None. `recording` is set
    if the model's answers were replayed from a recording.
    """

    schema_version: int = 1
    vendor: NamedCompany
    prospect: NamedCompany
    language: str
    model: str
    recording: Recording | None = None
    context: GivenContext | None
    generated_at: datetime
    brief: Brief | None = None
    executive_summary: Summary
    triggers: tuple[CompanyTrigger, ...] = ()
    people: tuple[CompanyPerson, ...] = ()
    integrations: tuple[CompanyIntegration, ...] = ()
    buying_committee: tuple[BuyingSeat, ...] = ()
    fit: Fit = Fit()
    qualification: Qualification = Qualification()
    priority_personas: tuple[PriorityPersona, ...]
    quick_wins: tuple[QuickWin[EvidenceId], ...]
    success_metrics: tuple[SuccessMetric, ...]
    trial_plan: tuple[str, ...] = ()
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
    own_text: tuple[OwnText, ...] = ()
    cost: Cost
    timings: Timings

    @property
    def written_by(self) -> str:
        """The model that wrote the playbook. If the answers were replayed, this is the model that was recorded."""
        return f"{self.recording.model}, recorded {self.recording.recorded_on}" if self.recording else self.model

    @property
    def companies(self) -> dict[Role, NamedCompany]:
        return {role: company for role in ROLES if (company := getattr(self, role)) is not None}


# Sections that `get_run(section=...)` accepts, in reading order.
SECTIONS = (
    "brief",
    "executive_summary",
    "triggers",
    "buying_committee",
    "priority_personas",
    "fit",
    "email_sequences",
    "talk_tracks",
    "battle_cards",
    "quick_wins",
    "success_metrics",
    "trial_plan",
    "qualification",
    "people",
    "integrations",
    "vendor_elements",
    "prospect_intelligence",
    "evidence",
    "pages",
    "failed_pages",
    "gaps",
    "flags",
    "own_text",
    "cost",
    "timings",
)
