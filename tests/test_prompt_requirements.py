"""Tests that the checks accept answers that follow the prompts, including phrases that the prompts ask for."""

from __future__ import annotations

from datetime import date
from typing import Literal

import pytest
from scripted import page

from octave_mcp.copywriting.emails import MIN_UNCORRECTED_POINTS, EmailMaterial, Judged, complaints, emails
from octave_mcp.domain.cards import CompetitivePositioning, Objection, ObjectionHandling, Rival, WhyWeWin
from octave_mcp.domain.company import Role
from octave_mcp.domain.deal import Seat, ValueMapRow
from octave_mcp.domain.evidence import Cite, Claim, Evidence, EvidenceId, Passage
from octave_mcp.domain.findings import Integration, NamedPerson, Trigger
from octave_mcp.domain.playbook import (
    BrushOff,
    CallToAction,
    Caution,
    ColdCall,
    DemoPoint,
    DiscoveryQuestion,
    ExecutiveSummary,
    PersonaPoints,
    QuickWin,
    SequenceDraft,
    SuccessMetric,
    SummaryDraft,
    TalkTrackDraft,
    TouchDraft,
)
from octave_mcp.domain.prospect import Buyer, Fact, Job, Pain, ProspectAnswer, Signal, Understanding
from octave_mcp.domain.sentence import Sentence, SentenceKind
from octave_mcp.domain.value import Value
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
from octave_mcp.evidence.judge import Judge
from octave_mcp.evidence.passages import passages

PUBLISHED = date(2021, 12, 16)
STORY = (
    "# How Brassmere plans nights\n\nBrassmere cut rework by 31% with Nightplan. Planners used to copy every shift by"
    " hand. Nights are quiet, says Ada Moss, Head of Operations at Brassmere."
)
OURS = (
    "# Nightplan\n\nNightplan writes shift plans from orders. It connects to Salesforce. The Team plan costs $49 per"
    " seat a month.\n\n# Nightplan or Shiftly\n\nShiftly has the larger library of templates. Nightplan plans nights,"
    " and Shiftly does not.\n\nWe are certified to ISO 27001."
)
THEIRS = (
    "# News\n\nQuillport opened a second yard in Tallinn. We want to deliver ferries faster. Our first yard opened in "
    "2019.\n\n# Jobs\n\nHead of Demand Generation. Night Shift Planner."
)
SHOWN: tuple[Passage, ...] = (
    *passages(page("https://lumenforge.example/customers/brassmere", STORY)),
    *passages(page("https://lumenforge.example/nightplan", OURS)),
    *passages(page("https://quillport.example/news", THEIRS, published_on=PUBLISHED)),
)
ROLES: tuple[Role, ...] = tuple("prospect" if "quillport" in p.page.url else "vendor" for p in SHOWN)
JUDGE = Judge(
    shown=SHOWN,
    roles=ROLES,
    known=("Lumenforge", "Quillport", "Head of Operations"),
    given="They plan with Globex today, and the champion is Kim Reyes.",
    companies={"vendor": "Lumenforge", "prospect": "Quillport"},
)


def at(words: str) -> Cite:
    for number, shown in enumerate(SHOWN, 1):
        for sentence in range(1, len(shown.sentences) + 1):
            if words in shown.sentence(sentence):
                return Cite(passage=number, sentences=(sentence,))
    raise LookupError(words)


def say(text: str, *words: str, kind: SentenceKind = "fact") -> Sentence[Cite]:
    return Sentence[Cite](text=text, kind=kind, evidence=tuple(map(at, words)))


def claim(text: str, *words: str) -> Claim[Cite]:
    return Claim[Cite](text=text, evidence=tuple(map(at, words)))


def problems_in(answer: Value) -> list[str]:
    return [f"{problem.at}: {problem}" for problem in JUDGE.problems(answer)]


OPENED = say("Quillport opened a second yard in Tallinn.", "second yard")
PROOF = say("Brassmere cut rework by 31% with Nightplan.", "cut rework")


def win(action: str) -> Value:
    return QuickWin[Cite](action=action, because=OPENED)


def metric(how: str) -> Value:
    return SuccessMetric(name="Replies from planners", how_to_measure=how)


def discovery(
    question: str = "Who plans the nights today?",
    purpose: str = "Shows who decides.",
    uncovers: str = "Economic buyer",
    follow_ups: tuple[str, ...] = (),
) -> Value:
    return DiscoveryQuestion(question=question, uncovers=uncovers, purpose=purpose, follow_ups=follow_ups)


def call(ask: str = "Shall we talk?", if_not_now: str = "When would suit you?") -> Value:
    return ColdCall[Cite](opener=(OPENED,), value=(PROOF,), ask=ask, if_not_now=if_not_now)


Category = Literal["price", "timing", "authority", "need", "competitor"]
Raised = tuple[Category, str, tuple[Sentence[Cite], ...], str]


def objection(category: Category, text: str, ask: str = "What would have to change?") -> Value:
    return Objection[Cite](category=category, objection=text, answer=(PROOF,), no_proof_yet=False, ask=ask)


def note(text: str) -> Value:
    return CompetitivePositioning[Cite](kind="competitive_positioning", rivals=(), where_they_win_note=text)


@pytest.mark.parametrize(
    "asked",
    [
        metric("Count them in the CRM every two weeks, from the first e-mail on."),
        metric("Meetings booked within 30 days of the first touch, in Salesforce."),
        metric("Replies over e-mails sent, each Friday, for six weeks, starting on 1 December."),
        metric("Opportunities opened in the first quarter after the call, once a month, in Globex."),
        metric("Twice a month from the day of the first call on."),
        metric("Plans that customers still use a month after they made them, counted in Globex."),
        discovery("If you knew a week earlier, what would you change?"),
        metric("By the sales team over the next 90 days; compare it with the first ten calls."),
        win("Read the three openings on their careers page and note who they report to."),
        win("Ask the Head of Demand Generation who plans the launch of the yard."),
        win("Find the VP Marketing and the Chief Revenue Officer on LinkedIn."),
        win("Look through their changelog, GitHub, G2 and Crunchbase for signs of night work this week."),
        win("Call Kim Reyes, and follow up in two weeks if nobody answers."),
        win("Draft two versions of a first line about Tallinn and test each on five planners."),
        note("The two pages on Shiftly that were read grant it the larger library."),
        note("None of the 14 pages read names a strength of another tool."),
        discovery(purpose="Tells who the Economic buyer is, and whether RevOps or Procurement signs."),
        discovery(purpose="Finds the Champion and the Decision criteria; decides whether the CFO joins."),
        discovery(purpose="Shows the Implication of the Problem, and the Need-payoff for the Paper process."),
        *(
            discovery(uncovers=label)
            for label in (
                "Metrics", "Economic buyer", "Decision criteria", "Decision process", "Paper process", "Identify pain",
                "Champion", "Competition", "Situation", "Problem", "Implication", "Need-payoff",
            )
        ),
        discovery("What would have to change in the next six months?", follow_ups=("And in the last two years?",)),
        discovery("What are the two or three things that slow a night down?"),
        discovery("How would a change pay off within a year?"),
        call(ask="Could we take ten minutes on Thursday?"),
        call(ask="Could we take half an hour next week, or 15 minutes tomorrow?"),
        call(ask="Is a 20-minute call worth it?"),
        call(ask="Could we take twenty minutes on Thursday, or twenty-five minutes a week after it?"),
        call(ask="Can I have thirty seconds, and then you tell me to go?"),
        call(if_not_now="Understood. Shall I call three weeks after the launch?"),
        discovery("What does zero-downtime mean for the night shift?", follow_ups=("How close to zero are you?",)),
        discovery("What do your planners enter twice?", follow_ups=("Which of the two would you drop?",)),
        discovery("What changed more than a year ago that still costs you time?"),
        win("Draft the half-page that they could send to their planners, and half a page for yourself."),
        call(if_not_now="Would Q3 be a better time, or shall I call again in two months?"),
        call(if_not_now="No problem. Shall I try once more in January?"),
        objection("timing", "Not before Q3, and not this quarter."),
        objection("timing", "Come back in six months."),
        objection("competitor", "We already use Shiftly."),
        objection("competitor", "We use Globex and prefer it."),
        objection("authority", "Our Head of Operations decides that, or the CFO."),
        objection("need", "We do it ourselves, in spreadsheets."),
        objection("price", "It is too expensive for us.", ask="What does an hour of rework cost you per month?"),
        say("Quillport opened a second yard in Tallinn on 16 December 2021.", "second yard"),
        say("On December 16, 2021, Quillport opened a second yard in Tallinn.", "second yard"),
        say("Quillport opened a second yard in Tallinn (2021-12-16).", "second yard"),
        say("Quillport opened a second yard in Tallinn in December 2021.", "second yard"),
        say("Since 16 December, Quillport seems to staff a second yard in Tallinn.", "second yard", kind="inference"),
        say("Could we take ten minutes this week?", kind="ask"),
        say("Tomorrow, ask three colleagues what slows a night down.", kind="ask"),
        say("That was seven months ago, so look for newer posts before you call.", kind="ask"),
        say("I wrote out five lines; cross out half of them.", kind="courtesy"),
        say("What I can offer is an eight-line checklist.", kind="courtesy"),
        say("What would have to change over the next three months?", kind="question"),
        say("Here is how: https://lumenforge.example/nightplan.", kind="courtesy"),
    ],
    ids=str,
)  # fmt: skip
def test_a_phrase_that_a_prompt_asks_for_has_no_problem(asked: Value) -> None:
    assert problems_in(asked) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("D3", metric("Replies rise by 40% within two weeks.")),
        ("D3", metric("Customers save 12 hours a week.")),
        ("D3", win("Tell them that 200 shipyards plan with it.")),
        ("D3", win("Lead with how Brassmere went live in 3 weeks.")),
        ("D3", win("Lead with how Brassmere moved all its planners within 6 weeks.")),
        ("D3", win("Tell them that customers go live in three weeks.")),
        ("D3", win("Quote the $99 plan.")),
        ("D3", win("Say that they have built ferries since 2003.")),
        ("D4", win("Ask about Acme on LinkedIn.")),
        ("D3", call(ask="May I show you how to save 20 minutes a day?")),
        ("D36", win("Send them to www.linkedin.com.evil.net/quillport.")),
        ("D3", note("The pages say that it is 3x faster.")),
        ("D4", note("The pages say that Acme is ahead.")),
        ("D3", discovery("How do you handle the 3 weeks that a plan takes?")),
        ("D4", discovery("Do you still use Acme?")),
        ("D3", discovery("Why do your 40 planners work at night?")),
        ("D3", call(ask="May I show you how others save 20 hours?")),
        ("D3", call(ask="May I show you how others cut rework by half?")),
        ("D3", call(ask="Could I show you how customers got to zero in thirty minutes?")),
        ("D3", discovery("Did you know that Brassmere doubled its output?")),
        ("D3", win("Tell them that one in three planners works at night.")),
        ("D4", objection("competitor", "We already use Acme.")),
        ("D3", objection("price", "It costs $99 a seat.")),
        ("D3", say("Quillport opened a second yard in Tallinn on 17 December 2021.", "second yard")),
        ("D3", say("Quillport opened a second yard in Tallinn in November 2021.", "second yard")),
        ("D3", say("The first yard of Quillport opened in December 2021.", "2019")),
        ("D3", say("Quillport opened 16 yards.", "second yard")),
        ("D3", say("I can tell you how they saved 40%.", kind="courtesy")),
        ("D3", say("Brassmere cut nine planners to two.", kind="courtesy")),
        ("D3", discovery("Would you like half the rework?")),
        ("D3", discovery("Do you know that Brassmere has zero late ferries?")),
        ("D3", call(ask="Want to see how Brassmere cut 9 planners to 2?")),
        ("D3", win("Tell them that Nightplan pays for itself in forty-five days.")),
        ("D3", say("Ask your 40 planners.", kind="ask")),
        ("D36", say("Here is how: https://evil.example/nightplan.", kind="courtesy")),
    ],
    ids=str,
)
def test_a_similar_phrase_that_makes_a_claim_has_a_problem(rule: str, text: Value) -> None:
    assert rule in {problem.rule for problem in JUDGE.problems(text)}


# E-mails


def evidence_of(*words: str) -> tuple[dict[EvidenceId, Evidence], tuple[EvidenceId, ...]]:
    """Return one piece of evidence for each sentence of the passages, by id.

    The second result is the ids of the sentences that contain one of `words`.
    """
    resolved, evidence = JUDGE.resolved(
        WhyWeWin[Cite](
            kind="why_we_win",
            reasons=tuple(
                Sentence[Cite](text="x", kind="question", evidence=(Cite(passage=n, sentences=(s,)),))
                for n, passage in enumerate(SHOWN, 1)
                for s in range(1, len(passage.sentences) + 1)
            ),
            proof=(),
        ),
        WhyWeWin[EvidenceId],
    )
    assert resolved
    return {item.id: item for item in evidence}, tuple(
        item.id for item in evidence if any(word in item.quote for word in words)
    )


EVIDENCE, CITED = evidence_of("second yard", "cut rework")
FIRST = TouchDraft[EvidenceId](
    subject="nights at the new yard",
    paragraphs=(
        (
            Sentence[EvidenceId](text="Quillport opened a second yard in Tallinn.", kind="fact", evidence=CITED),
            Sentence[EvidenceId](text="Who plans its nights?", kind="question", evidence=()),
        ),
        (Sentence[EvidenceId](text="Brassmere cut rework by 31% with Nightplan.", kind="fact", evidence=CITED),),
    ),
    call_to_action=CallToAction(label="interest", text="Is that of interest to you?"),
    opt_out=None,
    second_opening=(),
    make_first=None,
    personalisation=(),
)


def sequence(*last: TouchDraft[EvidenceId], **change: object) -> SequenceDraft[EvidenceId]:
    return SequenceDraft[EvidenceId](touches=(FIRST.model_copy(update=change), *last))


def judged(draft: SequenceDraft[EvidenceId]) -> list[Judged]:
    return list(emails(draft, EmailMaterial(EVIDENCE, JUDGE.known, JUDGE.given), "en"))


@pytest.mark.parametrize(
    "note",
    [
        "The yard in Tallinn comes from their news of 16 December 2021; check that it is still the newest.",
        "From their news page, 3 March; check on LinkedIn who runs the yard.",
        "Comes from quillport.example/news, and the openings from https://quillport.example/careers, so check both.",
        "Look for the Head of Operations on linkedin.com/company/quillport, or ask Kim Reyes.",
        "Check whether they still use Globex, and read the two openings for a Night Shift Planner.",
        "Written for touch 1; make sure nobody wrote to them in the last three months.",
    ],
)
def test_a_note_may_name_a_source_and_what_to_check(note: str) -> None:
    (only,) = judged(sequence(personalisation=(note,)))
    assert [str(error) for error in only.errors] == []


@pytest.mark.parametrize(
    ("rule", "note"),
    [
        ("D3", "They cut costs by 40%, see their news."),
        ("D4", "Their head of sales is Bo Lind, see LinkedIn."),
        ("D36", "Send them to www.linkedin.com.evil.net/quillport."),
    ],
)
def test_a_note_must_not_add_figures_names_or_links(rule: str, note: str) -> None:
    (only,) = judged(sequence(personalisation=(note,)))
    assert rule in {error.rule for error in only.errors}


@pytest.mark.parametrize(
    "text",
    ["Could we take ten minutes on Thursday?", "Worth half an hour in the next two weeks?", "Shall I ask again in Q3?"],
)
def test_a_call_to_action_may_name_a_time(text: str) -> None:
    (only,) = judged(sequence(call_to_action=CallToAction(label="meeting", text=text)))
    assert [str(error) for error in only.errors] == []


@pytest.mark.parametrize("subject", ["five questions", "ten first days"])
def test_a_subject_may_count_the_items_in_the_email(subject: str) -> None:
    (only,) = judged(sequence(subject=subject))
    assert [str(error) for error in only.errors] == []


@pytest.mark.parametrize(("figure", "is_shown"), [("31%", True), ("87%", False)])
def test_an_offer_may_use_figures_of_any_page_that_was_shown_and_no_others(figure: str, is_shown: bool) -> None:
    offer = FIRST.model_copy(
        update={
            "paragraphs": ((FIRST.paragraphs[0][1],),),
            "call_to_action": CallToAction(label="offer", text="Shall I send it?"),
            "make_first": f"A plan for the second yard. First line: rework is down by {figure}.",
        }
    )
    material = EmailMaterial(EVIDENCE, JUDGE.known, JUDGE.given)
    (only,) = emails(SequenceDraft[EvidenceId](touches=(offer,)), material, "en")

    assert ("D3" in {error.rule for error in only.errors}) is not is_shown


def test_only_the_last_touch_of_a_sequence_needs_an_opt_out() -> None:
    goodbye = FIRST.model_copy(update={"call_to_action": CallToAction(label="goodbye", text="Good luck in Tallinn.")})
    without_opt_out, with_opt_out = (
        judged(sequence(FIRST, FIRST, goodbye.model_copy(update={"opt_out": opt_out})))
        for opt_out in (None, "A short no is enough, and I will not write again.")
    )
    assert [_has_d21(email) for email in without_opt_out] == [False, False, False, True]
    assert [_has_d21(email) for email in with_opt_out] == [False, False, False, False]


def _has_d21(email: Judged) -> bool:
    return any(fault.rule == "D21" for fault in email.faults)


def test_a_poor_email_is_corrected_with_the_position_of_each_complaint() -> None:
    poor = FIRST.model_copy(
        update={
            "subject": "Re: a solution for each of your many yards",
            "paragraphs": (
                (
                    Sentence[EvidenceId](text="Both are in Tallinn.", kind="fact", evidence=CITED),
                    Sentence[EvidenceId](text="Perhaps you might thereby plan it.", kind="question", evidence=()),
                ),
                (Sentence[EvidenceId](text="I hope this finds you well!", kind="courtesy", evidence=()),),
            ),
            "call_to_action": CallToAction(label="meeting", text="Do you have 20 minutes to discuss about it?"),
        }
    )
    (email,) = judged(SequenceDraft[EvidenceId](touches=(poor,)))
    found = [*complaints(email, poor)]

    assert email.touch.score
    assert email.touch.score.points < MIN_UNCORRECTED_POINTS
    assert {(problem.rule, problem.at) for problem in found} >= {
        ("D12", ("subject",)),
        ("D31", ("paragraphs", 0, 0)),
        ("D30", ("paragraphs", 0, 1)),
        ("D27", ()),
        ("D17", ("paragraphs", 1, 0)),
        ("D13", ("call_to_action", "text")),
        ("D30", ("call_to_action", "text")),
    }
    assert all(problem.is_soft for problem in found if problem.rule != "D4")


def test_a_good_email_needs_no_correction() -> None:
    (email,) = judged(sequence())
    assert [*complaints(email, FIRST)] == []


WANTED = say("Quillport wants to deliver ferries faster.", "deliver ferries")
SUMMARY = SummaryDraft[Cite](
    executive_summary=ExecutiveSummary[Cite](
        whom_to_approach=(
            say("Begin with the Head of Operations: nights land on this desk.", kind="ask"),
            say("Quillport is hiring a Night Shift Planner.", "Night Shift Planner"),
            say(
                "I'd guess that the VP Operations decides, going by the second yard.",
                "second yard",
                kind="inference",
            ),
        ),
        why_now=(
            say("On 16 December 2021 Quillport opened a second yard in Tallinn.", "second yard"),
            say("That seems to mean more night shifts.", "second yard", "Night Shift Planner", kind="inference"),
        ),
        how_to_engage=(
            say("Open with nights, bring Nightplan and the Brassmere story.", kind="ask"),
            PROOF,
            say("Find out first who plans Tallinn today, and in which tool.", kind="ask"),
        ),
    ),
    trigger_meanings=(say("A second yard gives Quillport more nights to plan.", "second yard", kind="inference"),),
    committee=(
        Seat[Cite](
            seat="user",
            person=None,
            title="Night Shift Planner",
            how_known="inferred",
            evidence=say("", "Night Shift Planner").evidence,
        ),
        Seat[Cite](seat="economic_buyer", person=None, title="", how_known="missing", evidence=()),
    ),
    reasons_against=(say("Quillport's pages name no plan that failed.", "second yard", kind="inference"),),
    when_not_to_sell="Walk away if nobody plans nights in Tallinn before Q3.",
    personas=(
        PersonaPoints[Cite](
            persona_id="persona_1",
            goals=(say("Quillport wants to deliver ferries faster.", "deliver ferries"),),
            pains=(
                say(
                    "The yard in Tallinn probably means more shifts to plan.",
                    "second yard",
                    kind="inference",
                ),
            ),
            talking_points=(
                say(
                    "Quillport wants to deliver ferries faster, and Brassmere cut rework by 31% with Nightplan.",
                    "deliver ferries",
                    "cut rework",
                ),
            ),
            will_ask=("How long until the first plan?", "Does it work with Shiftly?"),
            cautions=(
                Caution[Cite](
                    avoid="Do not say that ferries are late.",
                    because=say("Quillport wants to deliver ferries faster.", "deliver ferries"),
                ),
            ),
        ),
    ),
    quick_wins=(
        QuickWin[Cite](action="Call Kim Reyes and ask who plans the nights in Tallinn.", because=OPENED),
        QuickWin[Cite](action="Read the two openings on their careers page.", because=OPENED),
        QuickWin[Cite](action="Mention Brassmere in a LinkedIn message to the Head of Operations.", because=PROOF),
        QuickWin[Cite](action="Check Crunchbase and their changelog for other yards.", because=OPENED),
        QuickWin[Cite](action="Compare Nightplan with Globex on one page.", because=PROOF),
    ),
    success_metrics=(
        SuccessMetric(name="Reply rate", how_to_measure="Replies over e-mails sent, in the CRM, from touch 1 on."),
        SuccessMetric(name="Meetings booked", how_to_measure="Counted in the calendar every two weeks, from day 1 on."),
        SuccessMetric(name="Talks with the Economic buyer", how_to_measure="Noted after each call, for one quarter."),
    ),
    trial_plan=(
        "Week 1: the planner in Tallinn enters one night.",
        "Within two weeks, compare three nights with the old plans.",
        "On day 30 the Head of Operations decides.",
    ),
)

TRACK = TalkTrackDraft[Cite](
    pitch=(OPENED, say("What does it mean for your shifts?", kind="question"), PROOF),
    cold_call=ColdCall[Cite](
        opener=(OPENED, say("Did I catch you at a bad time?", kind="question")),
        value=(say("Nightplan writes shift plans from orders.", "shift plans"), PROOF),
        ask="Could we take 20 minutes on Thursday to look at one night in Tallinn?",
        if_not_now="No problem at all. Would early January or Q2 suit you better?",
    ),
    brush_offs=(
        BrushOff(they_say="not_now", reply="Fair. When do you next plan the nights in Tallinn?"),
        BrushOff(they_say="have_a_tool", reply="Good. What does Shiftly do on a busy night?"),
    ),
    voicemail=(OPENED, PROOF, say("I'll call again on Thursday.", kind="ask")),
    close="Shall we look at one night in Tallinn for 20 minutes on Thursday, with the person who plans it?",
    next_step="Within a day, send the plan of one night and the Brassmere story.",
    discovery=(
        DiscoveryQuestion(
            question="How do you plan a night in Tallinn today?",
            uncovers="Situation",
            purpose="Shows the tools in use; decides whether Shiftly is a rival here.",
            follow_ups=("Who does it?", "How long does it take per week?"),
        ),
        DiscoveryQuestion(
            question="What would one hour less of rework a day be worth?",
            uncovers="Need-payoff",
            purpose="Gives the figure for the business case that the Economic buyer needs.",
            follow_ups=("Over a year?",),
        ),
        DiscoveryQuestion(
            question="Who signs for a tool like this, and what are the two or three steps until then?",
            uncovers="Paper process",
            purpose="Tells whether Procurement, Legal or IT has to agree before Q3.",
            follow_ups=(),
        ),
    ),
    demo_points=(
        DemoPoint[Cite](show="Show Nightplan write a shift plan from an order.", because=OPENED),
        DemoPoint[Cite](show="Connect Salesforce and open one order.", because=PROOF),
    ),
    value_map=(
        ValueMapRow[Cite](
            capability=say("Nightplan writes shift plans from orders.", "shift plans"),
            pain=say("Planning a second yard seems to cost Quillport time.", "second yard", kind="inference"),
        ),
    ),
)

RAISED: tuple[Raised, ...] = (
    ("price", "That costs more than we can spend.", (), "What does a night of rework cost you?"),
    ("timing", "Not this quarter; ask again in six months.", (), "What has to happen before then?"),
    ("authority", "I cannot decide that; our CFO does.", (), "What would the CFO have to see?"),
    ("need", "We plan by hand, and it works.", (PROOF,), "How do you notice a bad plan?"),
    ("competitor", "We already use Shiftly.", (PROOF,), "What do you use Shiftly for?"),
    ("competitor", "We prefer Globex.", (), "What would it have to do for you?"),
)
CARDS: tuple[Value, ...] = (
    WhyWeWin[Cite](
        kind="why_we_win",
        reasons=(say("Nightplan writes shift plans from orders.", "shift plans"),),
        proof=(PROOF, say("Lumenforge is certified to ISO 27001.", "ISO 27001")),
    ),
    ObjectionHandling[Cite](
        kind="objection_handling",
        objections=tuple(
            Objection[Cite](category=category, objection=text, answer=answer, no_proof_yet=not answer, ask=ask)
            for category, text, answer, ask in RAISED
        ),
    ),
    CompetitivePositioning[Cite](
        kind="competitive_positioning",
        rivals=(
            Rival[Cite](
                name="Shiftly",
                where_we_win=(say("Nightplan plans nights, and Shiftly does not.", "Shiftly does not"),),
                where_they_win=(say("Shiftly has the larger library of templates.", "larger library"),),
                questions=("How do you plan nights today?", "How many templates did you use in the last month?"),
            ),
        ),
        where_they_win_note="The one concession on the pages read is the library of templates.",
    ),
)

UNDERSTANDING = Understanding[Cite](
    summary=claim("Quillport delivers ferries and opened a second yard in Tallinn.", "second yard", "deliver ferries"),
    pains=(
        Pain[Cite](
            need="speed",
            title="Faster delivery of ferries",
            text="Quillport says that it wants to deliver ferries faster.",
            stated=True,
            evidence=(at("deliver ferries"),),
        ),
        Pain[Cite](
            need="scale",
            title="A second yard to plan at night",
            text="With a second yard in Tallinn and an open job for a Night Shift Planner, Quillport has more nights to"
            " plan.",
            stated=False,
            evidence=(at("second yard"), at("Night Shift Planner")),
        ),
    ),
    buyers=(
        Buyer[Cite](
            title="Head of Demand Generation",
            contact=None,
            function="marketing",
            why_they_care="Quillport opened a second yard in Tallinn; filling it lands on this desk.",
            inferred=False,
            evidence=(at("Head of Demand Generation"), at("second yard")),
        ),
        Buyer[Cite](
            title="operations lead",
            contact=None,
            function="operations",
            why_they_care="Quillport opened a second yard in Tallinn, so this desk has more shifts to plan and would "
            "gain quieter nights.",
            inferred=True,
            evidence=(at("second yard"),),
        ),
    ),
)

READING = ProspectAnswer[Cite](
    facts=(
        Fact[Cite](
            topic="initiative",
            text="Quillport opened a second yard in Tallinn (16 December 2021).",
            evidence=(at("second yard"),),
        ),
    ),
    signals=(
        Signal[Cite](
            need="speed",
            text="Quillport says that it wants to deliver ferries faster.",
            stated=True,
            evidence=(at("deliver ferries"),),
        ),
        Signal[Cite](
            need="hiring",
            text="Quillport seeks a Night Shift Planner, which suggests that nights need more people.",
            stated=False,
            evidence=(at("Night Shift Planner"),),
        ),
    ),
    jobs=(Job[Cite](title="Head of Demand Generation", function="marketing", evidence=(at("Head of Demand"),)),),
    triggers=(
        Trigger[Cite](
            kind="launch",
            what="Quillport opened a second yard in Tallinn.",
            date="16 December 2021",
            evidence=(at("second yard"),),
        ),
    ),
    people=(),
    integrations=(),
)

ELEMENTS = VendorElements[Cite](
    offerings=(
        Offering[Cite](
            name="Nightplan",
            kind="product",
            description="Writes shift plans from orders.",
            pricing=(Price[Cite](plan="Team", terms="$49 per seat a month", evidence=(at("$49"),)),),
            evidence=(at("shift plans"),),
        ),
    ),
    case_studies=(
        CaseStudy[Cite](
            customer="Brassmere",
            headline="How Brassmere plans nights",
            industry=None,
            challenge=claim("Planners copied every shift by hand.", "by hand"),
            solution=claim("Brassmere uses Nightplan.", "cut rework"),
            results=(claim("Brassmere cut rework by 31%.", "cut rework"),),
            evidence=(at("cut rework"),),
        ),
    ),
    proof_points=(
        ProofPoint[Cite](
            kind="testimonial",
            text="Nights are quiet.",
            person="Ada Moss",
            role="Head of Operations",
            company="Brassmere",
            evidence=(at("Nights are quiet"),),
        ),
        ProofPoint[Cite](
            kind="certification",
            text="Lumenforge is certified to ISO 27001.",
            person=None,
            role=None,
            company=None,
            evidence=(at("ISO 27001"),),
        ),
    ),
    value_propositions=(
        ValueProposition[Cite](
            title="Plans from orders",
            text="Planners get shift plans that are written from orders.",
            evidence=(at("shift plans"),),
        ),
    ),
    reference_customers=(
        ReferenceCustomer[Cite](name="Brassmere", shown_as="story", industry=None, evidence=(at("cut rework"),)),
    ),
    use_cases=(
        UseCase[Cite](
            title="Connect Salesforce orders",
            text="Planners connect Nightplan to Salesforce and have shift plans written from orders.",
            evidence=(at("shift plans"), at("Salesforce")),
        ),
    ),
    target_personas=(
        TargetPersona[Cite](
            kind="persona",
            title="Planners",
            text="Planners have shift plans written from orders.",
            goals=(),
            pains=(claim("They used to copy every shift by hand.", "by hand"),),
            evidence=(at("shift plans"),),
        ),
    ),
    differentiators=(
        Differentiator[Cite](
            competitor="Shiftly",
            favours="competitor",
            text="Shiftly has the larger library of templates.",
            evidence=(at("larger library"),),
        ),
        Differentiator[Cite](
            competitor="Shiftly",
            favours="vendor",
            text="Nightplan plans nights, and Shiftly does not.",
            evidence=(at("Shiftly does not"),),
        ),
    ),
)
PEOPLE = (
    NamedPerson[Cite](
        name="Ada Moss",
        title="Head of Operations",
        where="testimonial",
        employer="Brassmere",
        evidence=(at("Ada Moss"),),
    ),
    Integration[Cite](name="Salesforce", relation="sells", evidence=(at("Salesforce"),)),
    Integration[Cite](name="ISO 27001", relation="certificate", evidence=(at("ISO 27001"),)),
)


@pytest.mark.parametrize(
    "answer",
    [SUMMARY, TRACK, *CARDS, UNDERSTANDING, READING, ELEMENTS, *PEOPLE],
    ids=lambda answer: type(answer).__name__,
)
def test_a_good_answer_has_no_problem(answer: Value) -> None:
    assert problems_in(answer) == []
