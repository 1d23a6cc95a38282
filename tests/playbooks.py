"""A sample playbook: Lumenboard, a vendor of product analytics, sells to Kestrel Freight, a freight forwarder.

Both companies are invented. Each piece of evidence contains a quotation from `PAGES`, with the correct offsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Protocol, cast

from octave_mcp import exports
from octave_mcp.domain.cards import (
    CompetitivePositioningCard,
    Objection,
    ObjectionHandlingCard,
    Rival,
    WhyWeWin,
    WhyWeWinCard,
)
from octave_mcp.domain.choices import FORMATS
from octave_mcp.domain.company import Role
from octave_mcp.domain.costs import Cost, StepTiming, Timings
from octave_mcp.domain.deal import Brief, BuyingSeat, Fit, Letter, Qualification, StackOverlap, ValueMapRow
from octave_mcp.domain.drafts import CardDraft, Drafted, Drafts
from octave_mcp.domain.evidence import Claim, Evidence, EvidenceId
from octave_mcp.domain.findings import CompanyIntegration, CompanyPerson, CompanyTrigger, DealFindings
from octave_mcp.domain.notices import Flag, Gap
from octave_mcp.domain.page import PageFailure, PageKind
from octave_mcp.domain.playbook import (
    SCHEMA_VERSION,
    BrushOff,
    CallToAction,
    Caution,
    ColdCall,
    DemoPoint,
    DiscoveryQuestion,
    EmailSequence,
    GivenContext,
    NamedCompany,
    Playbook,
    PriorityPersona,
    QuickWin,
    ReadPage,
    SequenceDraft,
    SuccessMetric,
    Summary,
    TalkTrack,
    TalkTrackDraft,
    Touch,
    TouchDraft,
)
from octave_mcp.domain.prospect import BuyerPersona, CompanyProfile, Fact, PainPoint, ProspectIntelligence
from octave_mcp.domain.sentence import Score, Sentence
from octave_mcp.domain.vendor import (
    CaseStudy,
    Differentiator,
    Offering,
    Price,
    ProofPoint,
    ReferenceCustomer,
    TargetPersona,
    UseCase,
    ValueProposition,
    VendorElements,
)

FETCHED_AT = datetime(2026, 11, 20, 9, 12, 40, tzinfo=UTC)
GENERATED_AT = datetime(2026, 11, 20, 9, 14, 5, tzinfo=UTC)

VENDOR_URL = "https://lumenboard.example"
PROSPECT_URL = "https://www.kestrel-freight.example"

TEXT_FORMATS = tuple(form.name for form in FORMATS if not form.is_binary)


class TextExport(Protocol):
    def render(self, playbook: Playbook) -> str: ...


def export(name: str) -> TextExport:
    return cast("TextExport", exports.export(name))


@dataclass(frozen=True)
class SamplePage:
    """A page of one of the two sites.

    The text of the page consists of the quotations in `quotes`, one per line.
    """

    role: Role
    path: str
    title: str
    kind: PageKind
    quotes: dict[EvidenceId, str]
    language: str = "en"
    published_on: date | None = None

    @property
    def url(self) -> str:
        return (VENDOR_URL if self.role == "vendor" else PROSPECT_URL) + self.path

    @property
    def text(self) -> str:
        return "\n".join(self.quotes.values())

    @property
    def sha256(self) -> str:
        return sha256(self.text.encode()).hexdigest()

    def evidence(self) -> dict[EvidenceId, Evidence]:
        return {id_: self._evidence(id_, quote) for id_, quote in self.quotes.items()}

    def _evidence(self, id_: EvidenceId, quote: str) -> Evidence:
        start = self.text.index(quote)
        return Evidence(
            id=id_,
            role=self.role,
            url=self.url,
            quote=quote,
            page_sha256=self.sha256,
            start=start,
            end=start + len(quote),
            fetched_at=FETCHED_AT,
            language=self.language,
            page_title=self.title,
            page_kind=self.kind,
            published_on=self.published_on,
        )


PAGES = (
    SamplePage(
        "vendor",
        "/",
        "Lumenboard: product analytics your engineers will keep",
        "home",
        {
            "v_name": "Lumenboard is product analytics that runs in your own cloud.",
            "v_own_cloud": "Your events never leave your network: Lumenboard is installed in your own cloud account.",
            "v_hours": "Teams send their first event within two hours, with one line of code.",
            "v_uptime": "99.95% availability over the last twelve months, published every week.",
            "v_teams": "More than 1,400 product teams work with Lumenboard.",
        },
    ),
    SamplePage(
        "vendor",
        "/pricing",
        "Pricing | Lumenboard",
        "pricing",
        {
            "v_free": "Free for the first 2 million events a month, for ever.",
            "v_scale": "Scale: $450 a month for 20 million events, unlimited seats.",
            "v_seats": "We do not charge for seats. Everyone who can help should be able to look.",
        },
    ),
    SamplePage(
        "vendor",
        "/customers/brightline-logistics",
        "How Brightline Logistics found the step where bookings die",
        "case_study",
        {
            "v_bl_problem": "Brightline Logistics could not see why four in ten quotes were never booked.",
            "v_bl_solution": "With Lumenboard funnels the team saw that customs papers were asked for too early.",
            "v_bl_result": "Brightline Logistics raised completed bookings by 23% in eleven weeks.",
            "v_bl_voice": "“We stopped arguing about opinions and started looking at the same chart,” says "
            "Ines Okafor, VP Product at Brightline Logistics.",
        },
        published_on=date(2026, 3, 4),
    ),
    SamplePage(
        "vendor",
        "/customers/oresund-ferries",
        "Öresund Ferries replaces three tools with one",
        "case_study",
        {
            "v_of_result": "Öresund Ferries switched off three tools and saves 61,000 euros a year.",
            "v_of_solution": "Session replay and funnels now live in one place for Öresund Ferries.",
        },
        published_on=date(2024, 1, 15),
    ),
    SamplePage(
        "vendor",
        "/compare/amplitrack",
        "Lumenboard and Amplitrack",
        "comparison",
        {
            "v_cmp_host": "Amplitrack stores events in its own cloud in Virginia; Lumenboard runs in yours.",
            "v_cmp_price": "Amplitrack prices by tracked user, Lumenboard by event.",
            "v_cmp_they": "Amplitrack has more ready-made marketing attribution models than we do.",
        },
        published_on=date(2026, 8, 19),
    ),
    SamplePage(
        "vendor",
        "/security",
        "Security | Lumenboard",
        "security",
        {
            "v_soc2": "Lumenboard is SOC 2 Type II certified since 2023.",
            "v_iso": "Our controls are certified to ISO 27001 as well.",
            "v_gdpr": "Because data stays in your account, no data processing agreement with us is needed.",
        },
    ),
    SamplePage(
        "vendor",
        "/solutions/logistics",
        "Product analytics for logistics portals",
        "persona",
        {
            "v_icp": "Built for logistics companies whose customers book, track and pay in a portal.",
            "v_heads": "Heads of product use it to find the step where customers give up and call instead.",
            "v_usecase": "See which customers fall back to phone and e-mail, and at which step.",
        },
    ),
    SamplePage(
        "prospect",
        "/",
        "Kestrel Freight | Luft- und Seefracht, digital gebucht",
        "home",
        {
            "p_name": "Kestrel Freight ist der digitale Spediteur für den Mittelstand.",
            "p_portal": "Über 3.200 Kunden buchen ihre Fracht im Kestrel-Portal.",
        },
        language="de",
    ),
    SamplePage(
        "prospect",
        "/en/about",
        "About us | Kestrel Freight",
        "about",
        {
            "p_founded": "Founded in Hamburg in 2014, Kestrel Freight employs 480 people in nine countries.",
            "p_team": "Marit Janssen leads the product organisation as Chief Product Officer.",
        },
    ),
    SamplePage(
        "prospect",
        "/en/news/self-service",
        "Kestrel Freight sets its course for self-service",
        "news",
        {
            "p_goal": "By the end of 2027 we want 80% of all bookings to be made in the portal without a call.",
            "p_today": "Today, roughly half of our bookings still end up on the telephone.",
            "p_release": "Teams will ship every week instead of every quarter.",
        },
        published_on=date(2026, 9, 30),
    ),
    SamplePage(
        "prospect",
        "/en/careers/senior-product-analyst",
        "Senior Product Analyst | Careers at Kestrel Freight",
        "careers",
        {
            "p_job": "As our first Senior Product Analyst you will build product analytics from the ground up.",
            "p_job_tools": "Today our numbers come from spreadsheets and database exports.",
        },
        published_on=date(2026, 10, 27),
    ),
    SamplePage(
        "prospect",
        "/en/trust",
        "Trust | Kestrel Freight",
        "security",
        {
            "p_eu": "Customer data is kept in data centres in Frankfurt and is not passed on to third parties.",
            "p_iso": "Kestrel Freight is certified to ISO 27001.",
        },
    ),
)

PERSONAS = (
    ("persona_product", "Chief Product Officer"),
    ("persona_data", "Head of Data"),
    ("persona_engineering", "VP Engineering"),
)

SentenceOf = Sentence[EvidenceId]
Sentences = tuple[SentenceOf, ...]


def fact(text: str, *evidence: EvidenceId) -> SentenceOf:
    return SentenceOf(text=text, kind="fact", evidence=evidence)


def guess(text: str, *evidence: EvidenceId) -> SentenceOf:
    return SentenceOf(text=text, kind="inference", evidence=evidence)


def question(text: str) -> SentenceOf:
    return SentenceOf(text=text, kind="question", evidence=())


def claim(text: str, *evidence: EvidenceId) -> Claim[EvidenceId]:
    return Claim[EvidenceId](text=text, evidence=evidence)


def sample_playbook() -> Playbook:
    """Return a playbook with content in every section, and with every kind of sentence, card and flag."""
    return Playbook(
        schema_version=SCHEMA_VERSION,
        vendor=_company("Lumenboard", "lumenboard.example", VENDOR_URL, "en", "v_name"),
        prospect=_company("Kestrel Freight", "kestrel-freight.example", PROSPECT_URL, "de", "p_name"),
        language="en",
        model="openai:gpt-6-luna",
        context=GivenContext(given_by="user", text="Met Marit at a fair in Hamburg. Budget is decided in January."),
        generated_at=GENERATED_AT,
        brief=_brief(),
        executive_summary=_executive_summary(),
        triggers=_triggers(),
        people=_people(),
        integrations=_integrations(),
        buying_committee=_buying_committee(),
        fit=_fit(),
        qualification=_qualification(),
        priority_personas=_priority_personas(),
        quick_wins=_quick_wins(),
        success_metrics=_success_metrics(),
        trial_plan=_TRIAL_PLAN,
        email_sequences=tuple(_sequence(persona_id) for persona_id, _ in PERSONAS),
        talk_tracks=tuple(_talk_track(persona_id, title) for persona_id, title in PERSONAS),
        battle_cards=(_why_we_win(), _objections(), _positioning()),
        vendor_elements=_vendor_elements(),
        prospect_intelligence=_prospect_intelligence(),
        evidence={id_: evidence for page in PAGES for id_, evidence in page.evidence().items()},
        pages=tuple(_read(page) for page in PAGES),
        failed_pages=(
            PageFailure(url=f"{PROSPECT_URL}/en/investors", code="http_404", reason="the site has no such page"),
            PageFailure(url=f"{VENDOR_URL}/blog", code="timeout", reason="no answer within 20 seconds"),
        ),
        gaps=_gaps(),
        flags=_flags(),
        cost=Cost(usd=0.1834, asks=11, input_tokens=61_204, output_tokens=14_877, pages_fetched=12, pages_failed=2),
        timings=Timings(
            total_seconds=84.6,
            steps=(
                StepTiming(step="validate_and_map", company="vendor", seconds=1.9),
                StepTiming(step="validate_and_map", company="prospect", seconds=2.4),
                StepTiming(step="write_playbook", company=None, seconds=31.2),
            ),
        ),
    )


def sample_drafts() -> Drafts:
    """Return the drafts of the sample playbook.

    The summary is missing, as if the model had failed to write it. The first e-mail sequence has an additional touch
    that the playbook lacks, as if a check had dropped it.
    """
    playbook = sample_playbook()
    why, *_ = playbook.battle_cards
    assert isinstance(why, WhyWeWinCard)
    touches = tuple(_touch_draft(touch) for touch in playbook.email_sequences[0].touches)
    sequence = SequenceDraft[EvidenceId](touches=(*touches, touches[0]))
    track = TalkTrackDraft[EvidenceId](
        **{name: getattr(playbook.talk_tracks[0], name) for name in TalkTrackDraft.model_fields}
    )
    card = WhyWeWin[EvidenceId](kind="why_we_win", reasons=why.reasons, proof=why.proof)
    return Drafts(
        summary=None,
        cards=(Drafted[CardDraft](value=card, is_outline=False), None, None),
        sequences=(Drafted[SequenceDraft[EvidenceId]](value=sequence, is_outline=False), None, None),
        talk_tracks=(Drafted[TalkTrackDraft[EvidenceId]](value=track, is_outline=True), None, None),
        evidence=playbook.evidence,
        personas=playbook.prospect_intelligence.buyer_personas,
        findings=DealFindings(**{name: getattr(playbook, name) for name in DealFindings.model_fields}),
        known=("Lumenboard", "Kestrel Freight"),
        vendor="Lumenboard",
        sender=None,
        language="",
        given="Met Marit at a fair in Hamburg.",
        read_on=FETCHED_AT.date(),
    )


def _touch_draft(touch: Touch) -> TouchDraft[EvidenceId]:
    return TouchDraft[EvidenceId](
        subject=touch.subject,
        paragraphs=(touch.sentences,),
        call_to_action=touch.call_to_action,
        opt_out=None,
        second_opening=touch.second_opening,
        make_first=touch.make_first,
        personalisation=touch.personalisation,
    )


_TRIGGER_MEANING = fact("Half of the bookings have to move out of the phone by the end of 2027.", "p_goal", "p_today")


def _brief() -> Brief:
    return Brief(
        vendor_does=claim("Lumenboard is product analytics that runs in your own cloud.", "v_name"),
        persona_id="persona_product",
        person="Marit Janssen",
        title="Chief Product Officer",
        why_now=fact(
            "Kestrel wants 80% of its bookings made in the portal without a call by the end of 2027.", "p_goal"
        ),
        date="2026-09-30",
        means=_TRIGGER_MEANING,
        first_line="You want 80% of bookings in the portal by the end of 2027, and half still end up on the phone.",
        proof=fact("Brightline Logistics raised completed bookings by 23% in eleven weeks.", "v_bl_result"),
        question="Which step sends people to the phone?",
        email="email_sequences.0.touches.0",
        warnings=(
            "Their newest dated page is from 27 October 2026: check the news before you call.",
            "Do not say that data leaves their network: they wrote that it is not passed on to third parties.",
            "The page that names Marit Janssen has no date: check her title.",
        ),
    )


def _buying_committee() -> tuple[BuyingSeat, ...]:
    return (
        BuyingSeat(
            seat="champion",
            person=None,
            title="VP Product",
            how_known="inferred",
            evidence=("v_bl_voice",),
        ),
        BuyingSeat(
            seat="economic_buyer",
            person="Marit Janssen",
            title="Chief Product Officer",
            how_known="named",
            evidence=("p_team",),
            check_first="the page that names her has no date",
        ),
        BuyingSeat(seat="user", person=None, title="Head of Product", how_known="inferred", evidence=("v_heads",)),
        BuyingSeat(seat="technical_evaluator", person=None, title="", how_known="missing", evidence=()),
        BuyingSeat(seat="blocker", person=None, title="", how_known="missing", evidence=()),
    )


def _fit() -> Fit:
    return Fit(
        value_map=_VALUE_MAP,
        stack_overlap=(
            StackOverlap(name="ISO 27001", vendor="certificate", prospect="certificate", evidence=("v_iso", "p_iso")),
        ),
        reasons_against=(
            fact("Amplitrack has more ready-made attribution models.", "v_cmp_they"),
            guess("An analyst who builds from the ground up may want to build the tool, too.", "p_job"),
        ),
        when_not_to_sell="If nobody owns the self-service goal day to day, there is no project yet: come back later.",
    )


def _qualification() -> Qualification:
    return Qualification(
        metrics=Letter(
            known=(
                fact("80% of bookings without a call by the end of 2027; roughly half today.", "p_goal", "p_today"),
            ),
            to_find_out=("What does a booking by phone cost?",),
        ),
        economic_buyer=Letter(
            known=(fact("Marit Janssen leads the product organisation.", "p_team"),),
            to_find_out=("Does the budget for tools sit with product or with IT?",),
        ),
        decision_criteria=Letter(
            known=(fact("Customer data stays in Frankfurt and goes to no third party.", "p_eu"),),
            to_find_out=("What else must a tool fulfil?",),
        ),
        decision_process=Letter(to_find_out=("How did you choose the last tool of this kind?",)),
        paper_process=Letter(to_find_out=("Who has to sign a new supplier off?",)),
        identify_pain=Letter(
            known=(fact("Numbers come from spreadsheets and database exports.", "p_job_tools"),),
            to_find_out=("Which step loses most bookings?",),
        ),
        champion=Letter(to_find_out=("Who pushes for self-service within the team?",)),
        competition=Letter(to_find_out=("What else are you looking at?",)),
    )


def _triggers() -> tuple[CompanyTrigger, ...]:
    return (
        CompanyTrigger(
            company="prospect",
            kind="job_opening",
            what="Senior Product Analyst",
            date="2026-10-27",
            evidence=("p_job",),
            means=guess("Tools for product analytics are about to be chosen for the first time.", "p_job"),
        ),
        CompanyTrigger(
            company="prospect",
            kind="campaign",
            what="Sets its course for self-service: 80% of all bookings without a call by the end of 2027.",
            date="2026-09-30",
            evidence=("p_goal",),
            means=_TRIGGER_MEANING,
        ),
        CompanyTrigger(
            company="vendor",
            kind="regulation",
            what="Certified to SOC 2 Type II.",
            date="2023",
            evidence=("v_soc2",),
        ),
        CompanyTrigger(
            company="prospect",
            kind="regulation",
            what="Certified to ISO 27001.",
            date="undated",
            evidence=("p_iso",),
        ),
    )


def _people() -> tuple[CompanyPerson, ...]:
    return (
        CompanyPerson(
            company="prospect",
            name="Marit Janssen",
            title="Chief Product Officer",
            where="leadership",
            employer=None,
            date="undated",
            evidence=("p_team",),
        ),
        CompanyPerson(
            company="vendor",
            name="Ines Okafor",
            title="VP Product",
            where="testimonial",
            employer="Brightline Logistics",
            date="2026-03-04",
            evidence=("v_bl_voice",),
        ),
    )


def _integrations() -> tuple[CompanyIntegration, ...]:
    return (
        CompanyIntegration(company="prospect", name="ISO 27001", relation="certificate", evidence=("p_iso",)),
        CompanyIntegration(company="vendor", name="SOC 2 Type II", relation="certificate", evidence=("v_soc2",)),
        CompanyIntegration(company="vendor", name="ISO 27001", relation="certificate", evidence=("v_iso",)),
    )


def _company(name: str, domain: str, url: str, language: str, evidence: EvidenceId) -> NamedCompany:
    return NamedCompany(name=name, domain=domain, url=url, language=language, evidence=(evidence,))


def _read(page: SamplePage) -> ReadPage:
    return ReadPage(
        role=page.role,
        url=page.url,
        kind=page.kind,
        title=page.title,
        sha256=page.sha256,
        language=page.language,
    )


def _executive_summary() -> Summary:
    return Summary(
        whom_to_approach=(
            fact("Start with Marit Janssen, who leads product at Kestrel Freight.", "p_team"),
            guess("The first product analyst, once hired, seems to be the daily user and your ally.", "p_job"),
        ),
        why_now=(
            fact("Kestrel wants 80% of bookings in the portal without a call by the end of 2027.", "p_goal"),
            fact("Today roughly half still end on the telephone.", "p_today"),
            guess(
                "With weekly releases and numbers from spreadsheets, the team seems to fly blind.", "p_release"
            ).model_copy(update={"evidence": ("p_release", "p_job_tools")}),
        ),
        how_to_engage=(
            fact("Lead with Brightline Logistics, which raised completed bookings by 23%.", "v_bl_result"),
            fact("Offer a pilot in their own cloud: events never leave their network.", "v_own_cloud", "p_eu"),
            question("Who owns the self-service goal day to day?"),
        ),
    )


def _priority_personas() -> tuple[PriorityPersona, ...]:
    return (
        PriorityPersona(
            id="persona_product",
            rank=1,
            title="Chief Product Officer",
            contact="Marit Janssen",
            function="product",
            inferred=False,
            why_they_care=fact("She leads product, and the 80% goal is a product goal.", "p_team", "p_goal"),
            goals=(
                fact("80% of bookings without a call by the end of 2027.", "p_goal"),
                fact("A release every week instead of every quarter.", "p_release"),
            ),
            pains=(
                fact("Roughly half of the bookings end up on the telephone.", "p_today"),
                guess("It seems nobody can say at which step customers give up.", "p_job_tools"),
            ),
            talking_points=(
                fact("Brightline Logistics found its step, and gained 23%.", "v_bl_solution", "v_bl_result"),
                fact("Everyone may look: there is no charge for seats.", "v_seats"),
            ),
            will_ask=("How long until we see where people give up?", "Who else in freight uses it?"),
            cautions=(
                Caution[EvidenceId](
                    avoid="That they need to cut phone staff.",
                    because=guess("The people on the phone are the ones who know why customers call.", "p_today"),
                ),
            ),
        ),
        PriorityPersona(
            id="persona_data",
            rank=2,
            title="Head of Data",
            contact=None,
            function="data",
            inferred=True,
            why_they_care=guess("Someone will own the analytics that are now built from the ground up.", "p_job"),
            goals=(fact("Product analytics from the ground up.", "p_job"),),
            pains=(fact("Numbers come from spreadsheets and database exports.", "p_job_tools"),),
            talking_points=(
                fact("A first event within two hours, with one line of code.", "v_hours"),
                fact("The first 2 million events a month are free.", "v_free"),
            ),
            will_ask=("Can I get the raw events out?",),
            cautions=(
                Caution[EvidenceId](
                    avoid="That spreadsheets are a mistake.",
                    because=fact("Their own numbers come from them today.", "p_job_tools"),
                ),
            ),
        ),
        PriorityPersona(
            id="persona_engineering",
            rank=3,
            title="VP Engineering",
            contact=None,
            function="engineering",
            inferred=True,
            why_they_care=guess("Weekly releases will likely be measured by what they change.", "p_release"),
            goals=(fact("Ship every week.", "p_release"),),
            pains=(guess("Another vendor that holds customer data would be hard to accept.", "p_eu", "p_iso"),),
            talking_points=(
                fact("It is installed in their own cloud account.", "v_own_cloud"),
                fact("Availability of 99.95%, published every week.", "v_uptime"),
            ),
            will_ask=("What does it cost us in page speed?",),
            cautions=(
                Caution[EvidenceId](
                    avoid="“Just one line of code” before security has looked.",
                    because=fact("They are certified to ISO 27001.", "p_iso"),
                ),
            ),
        ),
    )


def _quick_wins() -> tuple[QuickWin[EvidenceId], ...]:
    wins = (
        (
            "Write to Marit Janssen about the half that still calls",
            fact("Half of the bookings end on the telephone.", "p_today"),
        ),
        (
            "Send the Brightline story, page one only",
            fact("Same industry, same problem, a measured result.", "v_bl_problem", "v_bl_result"),
        ),
        (
            "Answer the job advert before the analyst starts",
            fact("The first Senior Product Analyst is being hired.", "p_job"),
        ),
        (
            "Prepare a one-page note on where data lives",
            fact("Kestrel passes customer data to no third party.", "p_eu"),
        ),
        (
            "Set up a free account with ten sample bookings",
            guess("Free events should cover a first pilot.", "v_free"),
        ),
    )
    return tuple(QuickWin[EvidenceId](action=action, because=because) for action, because in wins)


def _success_metrics() -> tuple[SuccessMetric, ...]:
    return (
        SuccessMetric(name="Replies by persona", how_to_measure="Count replies per sequence, week by week."),
        SuccessMetric(name="Discovery calls held", how_to_measure="Calls with the product or data team, in the CRM."),
        SuccessMetric(
            name="Bookings finished in the portal",
            how_to_measure="In the pilot: finished bookings over started ones, before and after.",
        ),
    )


_TRIAL_PLAN = (
    "Week 1: install it in a test account and send ten bookings through it.",
    "Weeks 2 and 3: watch one step of the booking together with the product team.",
    "Week 4: compare finished with started bookings, and decide.",
)


# Maps each persona to its e-mails, one per touch. An e-mail is a tuple of a subject and two paragraphs.
_COPY: dict[str, tuple[tuple[str, Sentences, Sentences], ...]] = {
    "persona_product": (
        (
            "Half of Kestrel's bookings",
            (
                fact("You want 80% of bookings made in the portal by the end of 2027.", "p_goal"),
                fact("Today, roughly half still end up on the telephone.", "p_today"),
            ),
            (
                guess("I'd guess the hard part is seeing which step sends people to the phone.", "p_job_tools"),
                fact("Brightline Logistics found theirs, and raised completed bookings by 23%.", "v_bl_result"),
            ),
        ),
        (
            "Customs papers, too early",
            (
                fact("Brightline saw that customs papers were asked for too early.", "v_bl_solution"),
                fact("Four in ten quotes were never booked before that.", "v_bl_problem"),
            ),
            (question("Which step do your own teams suspect?"),),
        ),
        (
            "Weekly releases, one chart",
            (fact("Your teams will ship every week instead of every quarter.", "p_release"),),
            (
                fact("Lumenboard does not charge for seats, so every team can look at one chart.", "v_seats"),
                fact("Their VP Product says they “stopped arguing about opinions”.", "v_bl_voice"),
            ),
        ),
        (
            "Closing the loop",
            (guess("The self-service goal seems to have other priorities this month.", "p_goal"),),
            (fact("If that changes, the first 2 million events a month are free.", "v_free"),),
        ),
    ),
    "persona_data": (
        (
            "Analytics from the ground up",
            (fact("Your job advert says the numbers come from spreadsheets today.", "p_job_tools"),),
            (
                fact("Teams send Lumenboard their first event within two hours.", "v_hours"),
                guess("Your new analyst could then start with questions rather than exports.", "p_job"),
            ),
        ),
        (
            "Where the events live",
            (fact("Kestrel keeps customer data in Frankfurt and passes it to no third party.", "p_eu"),),
            (fact("Lumenboard is installed in your own cloud account, so events stay there.", "v_own_cloud"),),
        ),
        (
            "Three tools, or one",
            (fact("Öresund Ferries switched off three tools and saves 61,000 euros a year.", "v_of_result"),),
            (question("How many places does your team look in today?"),),
        ),
        (
            "A last thought",
            (fact("You are hiring the first Senior Product Analyst.", "p_job"),),
            (guess("I'd guess tools are chosen in the first weeks.", "p_job"),),
        ),
    ),
    "persona_engineering": (
        (
            "Shipping every week",
            (fact("Your teams will ship every week instead of every quarter.", "p_release"),),
            (fact("Teams add Lumenboard with one line of code.", "v_hours"),),
        ),
        (
            "No new data processor",
            (fact("Kestrel Freight is certified to ISO 27001.", "p_iso"),),
            (fact("Because data stays in your account, no data processing agreement is needed.", "v_gdpr"),),
        ),
        (
            "99.95%, published weekly",
            (fact("Lumenboard publishes its availability every week: 99.95% over twelve months.", "v_uptime"),),
            (question("What would your on-call team want to see first?"),),
        ),
        (
            "Shall I close the file?",
            (guess("Weekly releases may well be work enough for now.", "p_release"),),
            (fact("Lumenboard is SOC 2 Type II certified, should security ask.", "v_soc2"),),
        ),
    ),
}

_DAYS = (1, 3, 7, 14)
_ASKS = (
    CallToAction(label="interest", text="Worth a look at how they found it?"),
    CallToAction(label="interest", text="Would a two-page summary be of use?"),
    CallToAction(label="offer", text="Shall I send you the three steps I would look at first?"),
    CallToAction(label="goodbye", text="Shall I leave it here, or try again in spring?"),
)
_SCORES = (
    Score(points=96, warnings=()),
    Score(points=88, warnings=("It repeats an earlier touch: say something new, or leave it out.",)),
    Score(points=92, warnings=("Check it against a second page: 3 of 4 quotations are from the same page.",)),
    Score(
        points=64,
        warnings=(
            "Say a little more: the e-mail has 22 words, and e-mails of 30 to 110 words are more likely to be read.",
            "Take out the exclamation marks.",
            "Give the reader an easy way to say no.",
        ),
    ),
)


# Maps personas to the first names of their contacts. E-mails to a persona without a contact start with a merge field.
_FIRST_NAMES = {"persona_product": "Marit"}
_SIGNATURE = "Jonas Ek, Lumenboard"
_OTHER_OPENING = (question("Which step sends your customers to the phone?"),)
_MAKE_FIRST = (
    "Book a shipment in the portal up to the last step, and note three places where you would call. It begins:\n"
    "1. The customs form asks for papers before there is a price.\n"
    "2. The price changes after the address.\n"
    "3. There is no way to save a quote."
)


def _sequence(persona_id: str) -> EmailSequence:
    name = _FIRST_NAMES.get(persona_id)
    touches = (
        _touch(day, copy, ask, score, name or "{{first_name}}")
        for day, copy, ask, score in zip(_DAYS, _COPY[persona_id], _ASKS, _SCORES, strict=True)
    )
    return EmailSequence(persona_id=persona_id, first_name=name, signature=_SIGNATURE, touches=tuple(touches))


def _touch(day: int, copy: tuple[str, Sentences, Sentences], ask: CallToAction, score: Score, first_name: str) -> Touch:
    subject, first, second = copy
    paragraphs = (" ".join(sentence.text for sentence in part) for part in (first, second))
    return Touch(
        day=day,
        subject=subject,
        body="\n\n".join((f"Hi {first_name},", *paragraphs, ask.text, _SIGNATURE)),
        call_to_action=ask,
        personalisation=(
            "The goal and the date are from Kestrel's own news of September.",
            "Name the step you see yourself when you try to book a shipment at {{company_name}}.",
        ),
        sentences=(*first, *second, SentenceOf(text=ask.text, kind="ask", evidence=())),
        second_opening=_OTHER_OPENING if day == 1 else (),
        make_first=_MAKE_FIRST if ask.label == "offer" else None,
        score=score,
    )


_QUESTIONS = (
    (
        "How do you see today where a booking is given up?",
        "Identify pain",
        "Finds out whether anyone measures the funnel",
    ),
    ("What happens after a customer picks up the phone instead?", "Implication", "Puts a price on the call"),
    ("What would have to be true for 80% to be reached?", "Metrics", "Learns how the goal is broken down"),
    ("Who decides which tools the new analyst works with?", "Economic buyer", "Finds the budget"),
    ("How did you choose the last tool of this kind?", "Decision process", "Learns the steps and the people"),
    ("Which data may not leave your network?", "Decision criteria", "Makes hosting a criterion"),
    ("Who else feels it when a release makes things worse?", "Champion", "Finds allies in support and sales"),
    ("What else are you looking at?", "Competition", "Learns of rivals without naming one"),
)


def _talk_track(persona_id: str, title: str) -> TalkTrack:
    return TalkTrack(
        persona_id=persona_id,
        score=Score(points=91, warnings=("Ask open questions: 2 of 8 can be answered with yes or no.",)),
        pitch=(
            fact("Kestrel wants four in five bookings to happen without a call.", "p_goal"),
            guess(f"For a {title}, the open question is probably which step sends people to the phone.", "p_today"),
            fact("Lumenboard shows it, in your own cloud.", "v_own_cloud", "v_usecase"),
        ),
        cold_call=ColdCall[EvidenceId](
            opener=(
                fact("I read that half of your bookings still end on the telephone.", "p_today"),
                question("Have I caught you at a bad time?"),
            ),
            value=(
                fact("Brightline Logistics had four quotes in ten that were never booked.", "v_bl_problem"),
                fact("They found the step, and gained 23% in eleven weeks.", "v_bl_result"),
            ),
            ask="May I show you the chart they looked at, on Thursday?",
            if_not_now="Understood. When does planning for the next quarter begin?",
        ),
        discovery=tuple(
            DiscoveryQuestion(
                question=text,
                uncovers=uncovers,
                purpose=purpose,
                follow_ups=("Since when?", "Who noticed first?"),
            )
            for text, uncovers, purpose in _QUESTIONS
        ),
        demo_points=(
            DemoPoint[EvidenceId](
                show="The booking funnel, with calls as an exit",
                because=fact("See which customers fall back to phone and e-mail.", "v_usecase"),
            ),
            DemoPoint[EvidenceId](
                show="The installation, in a blank cloud account",
                because=fact("Customer data stays in Frankfurt.", "p_eu"),
            ),
        ),
        value_map=_VALUE_MAP,
        brush_offs=tuple(BrushOff.model_validate({"they_say": text, "reply": reply}) for text, reply in _REPLIES),
        voicemail=(
            fact(
                "Half of your bookings still end on the telephone, and you want a fifth at most.", "p_today", "p_goal"
            ),
            fact("Brightline Logistics found the step where theirs did, and gained 23%.", "v_bl_result"),
            question("Which step would you look at first?"),
        ),
        close="Then let's look at that one step together, with your own numbers. Does Thursday work?",
        next_step="Send the invitation within the hour, with the Brightline page and one question.",
    )


_VALUE_MAP = (
    ValueMapRow[EvidenceId](
        capability=fact("Funnels that show the step where people give up", "v_heads"),
        pain=fact("Half of the bookings end on the telephone", "p_today"),
    ),
    ValueMapRow[EvidenceId](
        capability=fact("Runs in their own cloud", "v_own_cloud"),
        pain=guess("A new processor of customer data would be hard to accept", "p_eu"),
    ),
)

_REPLIES = (
    ("send_something", "Gladly. Which of the two should it be about: the bookings, or where the data lives?"),
    ("no_budget", "Fair enough. The first two million events are free: would a look at one step cost you anything?"),
    ("have_a_tool", "Good. Does it show you who picked up the phone instead?"),
    ("not_me", "Thanks for saying so. Who owns the self-service goal day to day?"),
    ("not_now", "Understood. When does planning for the next quarter begin?"),
)


def _why_we_win() -> WhyWeWinCard:
    return WhyWeWinCard(
        kind="why_we_win",
        audience="customer_facing",
        dated_on=GENERATED_AT.date(),
        score=Score(points=97, warnings=()),
        reasons=(
            fact("Events never leave Kestrel's network.", "v_own_cloud"),
            fact("Unlimited seats, so every product team can look.", "v_seats", "v_scale"),
            guess("A forwarder's portal seems to be exactly what it is built for.", "v_icp", "p_portal"),
        ),
        proof=(
            fact("Brightline Logistics: 23% more completed bookings in eleven weeks.", "v_bl_result"),
            fact("Öresund Ferries: three tools switched off, 61,000 euros a year saved.", "v_of_result"),
        ),
    )


# Each objection has a category, a text, an answer, and a question to ask the prospect in return.
_OBJECTIONS: tuple[tuple[str, str, Sentences, str], ...] = (
    (
        "price",
        "We have no budget before January.",
        (fact("The first 2 million events are free.", "v_free"),),
        "Shall we start there?",
    ),
    (
        "price",
        "Analytics gets dear as we grow.",
        (fact("20 million events cost $450 a month.", "v_scale"),),
        "How many do you expect?",
    ),
    (
        "timing",
        "The analyst has not even started.",
        (guess("A running tool seems a better first day.", "p_job"),),
        "When will that be?",
    ),
    (
        "authority",
        "That is for IT to decide.",
        (fact("It is installed in your own account.", "v_own_cloud"),),
        "Who should be in the room?",
    ),
    (
        "need",
        "We have our database exports.",
        (fact("Brightline had data too, and no view of the step.", "v_bl_problem"),),
        "Which step loses most?",
    ),
    (
        "competitor",
        "We are looking at Amplitrack.",
        (fact("It stores events in Virginia.", "v_cmp_host"),),
        "Where may events live?",
    ),
    ("need", "Our customers simply like to call.", (), "What do they say when you ask them?"),
)


def _objections() -> ObjectionHandlingCard:
    return ObjectionHandlingCard(
        kind="objection_handling",
        audience="internal",
        dated_on=GENERATED_AT.date(),
        score=Score(points=83, warnings=("Prepare 7 to 10 objections: the card has 6.",)),
        objections=tuple(
            Objection[EvidenceId].model_validate(
                {
                    "category": category,
                    "objection": objection,
                    "answer": answer,
                    "no_proof_yet": not answer,
                    "ask": ask,
                },
            )
            for category, objection, answer, ask in _OBJECTIONS
        ),
    )


def _positioning() -> CompetitivePositioningCard:
    return CompetitivePositioningCard(
        kind="competitive_positioning",
        audience="internal",
        dated_on=GENERATED_AT.date(),
        score=Score(points=90, warnings=()),
        rivals=(
            Rival[EvidenceId](
                name="Amplitrack",
                where_we_win=(
                    fact("Amplitrack keeps events in its own cloud in Virginia.", "v_cmp_host"),
                    fact("It prices by tracked user, Lumenboard by event.", "v_cmp_price"),
                ),
                where_they_win=(fact("It has more ready-made attribution models.", "v_cmp_they"),),
                questions=("Where may your events be stored?", "Who outside marketing needs to look?"),
                landmine="Ask early which country the events may be stored in.",
                when_not_to_engage="When marketing buys it for attribution alone.",
            ),
            Rival[EvidenceId](
                name="Spreadsheets and exports",
                is_status_quo=True,
                where_we_win=(fact("A first event within two hours.", "v_hours"),),
                where_they_win=(),
                questions=("How old is the newest number you trust?",),
                landmine="Ask who would have to rebuild the export when the portal changes.",
                when_not_to_engage="When nobody looks at the numbers before the analyst has started.",
            ),
        ),
        where_they_win_note="For spreadsheets: none found on 12 pages.",
    )


def _vendor_elements() -> VendorElements[EvidenceId]:
    return VendorElements[EvidenceId](
        offerings=(
            Offering[EvidenceId](
                name="Lumenboard",
                kind="product",
                description="Product analytics that runs in your own cloud.",
                pricing=(
                    Price[EvidenceId](plan="Free", terms="The first 2 million events a month", evidence=("v_free",)),
                    Price[EvidenceId](plan="Scale", terms="$450 a month for 20 million events", evidence=("v_scale",)),
                ),
                evidence=("v_name",),
            ),
        ),
        case_studies=(
            CaseStudy[EvidenceId](
                customer="Brightline Logistics",
                headline="How Brightline Logistics found the step where bookings die",
                industry="logistics",
                challenge=claim("Four in ten quotes were never booked.", "v_bl_problem"),
                solution=claim("Funnels showed that customs papers were asked for too early.", "v_bl_solution"),
                results=(claim("23% more completed bookings in eleven weeks.", "v_bl_result"),),
                evidence=("v_bl_problem", "v_bl_result"),
            ),
            CaseStudy[EvidenceId](
                customer="Öresund Ferries",
                headline="Öresund Ferries replaces three tools with one",
                industry=None,
                challenge=None,
                solution=claim("Session replay and funnels in one place.", "v_of_solution"),
                results=(claim("61,000 euros a year saved.", "v_of_result"),),
                evidence=("v_of_result",),
            ),
        ),
        proof_points=(
            ProofPoint[EvidenceId](
                kind="testimonial",
                text="We stopped arguing about opinions and started looking at the same chart.",
                person="Ines Okafor",
                role="VP Product",
                company="Brightline Logistics",
                evidence=("v_bl_voice",),
            ),
            ProofPoint[EvidenceId](
                kind="metric",
                text="99.95% availability over twelve months",
                person=None,
                role=None,
                company=None,
                evidence=("v_uptime",),
            ),
            ProofPoint[EvidenceId](
                kind="certification", text="SOC 2 Type II", person=None, role=None, company=None, evidence=("v_soc2",)
            ),
        ),
        value_propositions=(
            ValueProposition[EvidenceId](
                title="Data stays home", text="Events never leave your network.", evidence=("v_own_cloud", "v_gdpr")
            ),
            ValueProposition[EvidenceId](
                title="Everyone may look", text="There is no charge for seats.", evidence=("v_seats",)
            ),
        ),
        reference_customers=(
            ReferenceCustomer[EvidenceId](
                name="Brightline Logistics", shown_as="story", industry="logistics", evidence=("v_bl_result",)
            ),
            ReferenceCustomer[EvidenceId](
                name="Öresund Ferries", shown_as="story", industry=None, evidence=("v_of_result",)
            ),
        ),
        use_cases=(
            UseCase[EvidenceId](
                title="Calls instead of clicks",
                text="See which customers fall back to phone and e-mail, and at which step.",
                evidence=("v_usecase",),
            ),
        ),
        target_personas=(
            TargetPersona[EvidenceId](
                kind="icp",
                title="Logistics companies with a portal",
                text="Their customers book, track and pay in a portal.",
                goals=(),
                pains=(),
                evidence=("v_icp",),
            ),
            TargetPersona[EvidenceId](
                kind="persona",
                title="Head of product",
                text="Finds the step where customers give up.",
                goals=(claim("Find the step where customers give up.", "v_heads"),),
                pains=(claim("Customers call instead.", "v_heads"),),
                evidence=("v_heads",),
            ),
        ),
        differentiators=(
            Differentiator[EvidenceId](
                competitor="Amplitrack",
                favours="vendor",
                text="Lumenboard runs in your cloud.",
                evidence=("v_cmp_host",),
            ),
            Differentiator[EvidenceId](
                competitor="Amplitrack",
                favours="competitor",
                text="Amplitrack has more attribution models.",
                evidence=("v_cmp_they",),
            ),
            Differentiator[EvidenceId](
                competitor=None, favours="vendor", text="No charge for seats.", evidence=("v_seats",)
            ),
        ),
    )


def _prospect_intelligence() -> ProspectIntelligence:
    return ProspectIntelligence(
        company_profile=CompanyProfile[EvidenceId](
            summary=claim(
                "A digital forwarder for medium-sized businesses, with 3,200 customers.", "p_name", "p_portal"
            ),
            facts=(
                Fact[EvidenceId](topic="history", text="Founded in Hamburg in 2014.", evidence=("p_founded",)),
                Fact[EvidenceId](topic="team", text="480 people in nine countries.", evidence=("p_founded",)),
                Fact[EvidenceId](topic="hiring", text="Hires a first Senior Product Analyst.", evidence=("p_job",)),
                Fact[EvidenceId](topic="compliance", text="Certified to ISO 27001.", evidence=("p_iso",)),
            ),
        ),
        pain_points=(
            PainPoint(
                id="pain_calls",
                need="conversion",
                title="Bookings that end on the telephone",
                text="Roughly half of the bookings are not finished in the portal.",
                stated=True,
                confidence="high",
                evidence=("p_today", "p_goal"),
            ),
            PainPoint(
                id="pain_blind",
                need="insight",
                title="Numbers from spreadsheets",
                text="It seems that nobody sees where customers give up.",
                stated=False,
                confidence="medium",
                evidence=("p_job_tools",),
            ),
            PainPoint(
                id="pain_control",
                need="control",
                title="Data that must not leave",
                text="A tool that takes customer data away would probably be refused.",
                stated=False,
                confidence="low",
                evidence=("p_eu",),
            ),
        ),
        buyer_personas=tuple(
            BuyerPersona(
                id=persona.id,
                title=persona.title,
                contact=persona.contact,
                function=persona.function,
                why_they_care=persona.why_they_care.text,
                inferred=persona.inferred,
                evidence=persona.why_they_care.evidence,
            )
            for persona in _priority_personas()
        ),
    )


def _gaps() -> tuple[Gap, ...]:
    return (
        Gap(
            section="prospect_intelligence.company_profile",
            code="not_found",
            reason="No page names the systems the portal is built with",
            would_fill="A developer or integrations page, or one question in discovery.",
        ),
        Gap(
            section="vendor_elements.case_studies",
            code="page_failed",
            reason="The blog did not answer within 20 seconds",
            would_fill="Run again with refresh.",
        ),
        Gap(
            section="battle_cards",
            code="dropped_by_check",
            reason="A claim about a competitor had no source and was left out",
            would_fill="A dated comparison page.",
        ),
    )


def _flags() -> tuple[Flag, ...]:
    return (
        Flag(code="extractive", reason="No key for a language model is set."),
        Flag(code="low_confidence", reason="Kestrel Freight gave 281 words of passages.", companies=("prospect",)),
        Flag(code="existing_customer", reason="A page of the vendor's names it.", evidence=("v_bl_result",)),
        Flag(code="vendor_is_customer", reason="A page of the prospect's names us.", evidence=("p_portal",)),
        Flag(code="reused", reason="Lumenboard was researched 3 hours before.", companies=("vendor",)),
        Flag(code="translated", reason="2 quotations are in German.", companies=("prospect",), evidence=("p_portal",)),
        Flag(
            code="suspicious_page",
            reason="A news page holds text that addresses language models.",
            companies=("prospect",),
            evidence=("p_release",),
        ),
    )


def outlined_playbook() -> Playbook:
    """Return the version of the sample playbook that a run without a language model would write.

    The playbook has outlines instead of finished sales copy, and no scores.
    """
    sample = sample_playbook()
    sequences = (s.model_copy(update={"touches": tuple(map(_outline, s.touches))}) for s in sample.email_sequences)
    tracks = (track.model_copy(update={"kind": "outline", "score": None}) for track in sample.talk_tracks)
    cards = (card.model_copy(update={"form": "outline", "score": None}) for card in sample.battle_cards)
    parts = {"email_sequences": tuple(sequences), "talk_tracks": tuple(tracks), "battle_cards": tuple(cards)}
    summary = sample.executive_summary.model_copy(update={"kind": "outline"})
    return sample.model_copy(update={**parts, "executive_summary": summary})


def _outline(touch: Touch) -> Touch:
    body = "\n\n".join(sentence.text for sentence in touch.sentences)
    return touch.model_copy(update={"kind": "outline", "body": body, "score": None})
