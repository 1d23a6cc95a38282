"""The deliverable, and the drafts that models answer with.

Generic over what supports a claim: `X[Cite]` is a model's answer, `X[EvidenceId]` what our code made of it.
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
    """An e-mail as sentences in paragraphs; greeting and signature are ours.

    `second_opening` needs no date: a rep may begin with it in place of old news. `make_first` is what an offer offers,
    written out.
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
    """An e-mail, or an outline of one, which has no score. Playbooks from before outlines existed have no `kind`."""

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
    """`first_name` is that of the greeting, if the site names who holds the job; else the greeting has a merge field.

    The same goes for the sender: `signature` is that of every e-mail.
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
    """`voicemail` takes 20 seconds; `close` ends a good call, and `next_step` is what the rep does after it."""

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
    """What to say on a call, or an outline of it, which has no score."""

    kind: Literal["call", "outline"] = "call"
    persona_id: str
    brush_offs: tuple[BrushOff, ...] = ()
    voicemail: tuple[Sentence[EvidenceId], ...] = ()
    close: Spoken = ""
    next_step: Advice = ""
    score: Score | None = None


class Caution(Value, Generic[C]):
    """What not to say to a persona."""

    avoid: Advice
    because: Sentence[C]


class PersonaPoints(Value, Generic[C]):
    """What one buyer persona wants, fears, will ask, may be told, and had better not be told."""

    persona_id: str
    goals: tuple[Sentence[C], ...]
    pains: tuple[Sentence[C], ...]
    talking_points: tuple[Sentence[C], ...]
    will_ask: Annotated[tuple[str, ...], SPOKEN]
    cautions: tuple[Caution[C], ...]


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
    will_ask: tuple[str, ...] = ()
    cautions: tuple[Caution[EvidenceId], ...] = ()


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
    """`trigger_meanings` say what triggers mean for the deal, the most important first: each cites its trigger.

    `reasons_against` say why the deal may not be one.
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


# Of the JSON of a playbook. 2 added the brief, the buying committee, the fit, the qualification and the trial plan, 3
# the texts of people.
SCHEMA_VERSION = 3


class Playbook(Value):
    """Playbooks of earlier versions lack what was added later: it is empty in them, and `brief` is None.

    `recording` is what the model's answers were replayed from, if they were.
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
        """The model that wrote it, also where its answers were replayed."""
        return f"{self.recording.model}, recorded {self.recording.recorded_on}" if self.recording else self.model

    @property
    def companies(self) -> dict[Role, NamedCompany]:
        return {role: company for role in ROLES if (company := getattr(self, role)) is not None}


# What `get_run(section=...)` can be asked for.
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
