"""If a sentence is dropped, text that depends on this sentence is also dropped."""

from __future__ import annotations

from itertools import pairwise

import pytest

from octave_mcp.domain.cards import CompetitivePositioning, Objection, ObjectionHandling, Rival, WhyWeWin
from octave_mcp.domain.deal import ValueMapRow
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.playbook import (
    BrushOff,
    CallToAction,
    Caution,
    ColdCall,
    DealDraft,
    DemoPoint,
    DiscoveryQuestion,
    ExecutiveSummary,
    PersonaDraft,
    PersonaPoints,
    QuickWin,
    SequenceDraft,
    SuccessMetric,
    SummaryDraft,
    TalkTrackDraft,
    TouchDraft,
)
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, located, part_at, path_text
from octave_mcp.evidence.coherence import dependents, without
from octave_mcp.evidence.judge import texts_of
from octave_mcp.evidence.pruning import is_empty

RIVAL = "competitive_positioning.rivals[0]"
KNOWN = ("Lumenforge", "Quillport", "Head of Operations")


def say(text: str) -> Sentence[EvidenceId]:
    return Sentence[EvidenceId](text=text, kind="fact", evidence=("e1",))


def says(*texts: str) -> tuple[Sentence[EvidenceId], ...]:
    return tuple(map(say, texts))


def mail(
    *paragraphs: tuple[str, ...], subject: str, ask: str, opt_out: str | None = None, notes: tuple[str, ...] = ()
) -> TouchDraft[EvidenceId]:
    return TouchDraft[EvidenceId](
        subject=subject,
        paragraphs=tuple(says(*paragraph) for paragraph in paragraphs),
        call_to_action=CallToAction(label="interest", text=ask),
        opt_out=opt_out,
        second_opening=(),
        make_first=None,
        personalisation=notes,
    )


FIRST = mail(
    ("You opened a new hall on 12 May 2025.", "Its lamps came late, and moving in was slow."),
    ("Brassmere had the same trouble and cut rework by 31%.", "That took them six weeks.", "Lumenforge plans lamps."),
    subject="Brassmere's 31%",
    ask="Is that worth a look?",
)
OFFER = mail(
    ("Your older yard is from 1961.", "Lamps there were never planned."),
    ("I can draw the light of one bay from its floor plan.", "It takes me one evening."),
    subject="the 1961 yard",
    ask="Shall I send the drawing?",
    notes=("Make this first: the drawing.",),
)
LAST = mail(
    ("This is my last note.", "Tidewell lit 14 halls with 3 people.", "Both stories are on our site."),
    subject="one last thought",
    ask="Should I close the file?",
    opt_out="A short no is enough, and I will stop.",
)
TRACK = TalkTrackDraft[EvidenceId](
    pitch=says(
        "Lumenforge plans the lamps of a workshop.", "Crews see shadows before they drill.", "So they drill once."
    ),
    cold_call=ColdCall[EvidenceId](
        opener=says("You opened a hall in May.", "That is why I call."),
        value=says("We plan lamps in an afternoon.", "Brassmere cut rework by 31%."),
        ask="Would Brassmere's plan help?",
        if_not_now="When would be better?",
    ),
    brush_offs=(BrushOff(they_say="not_now", reply="Fine. When do you plan the next hall?"),),
    voicemail=says("You opened a hall in May.", "That is why I call."),
    close="Shall we look at one hall?",
    next_step="Send the floor plan.",
    discovery=(
        DiscoveryQuestion(question="How do you plan lamps?", uncovers="situation", purpose="now", follow_ups=("Who?",)),
    ),
    demo_points=(DemoPoint[EvidenceId](show="the planner", because=say("It names missing lamps.")),),
    value_map=(ValueMapRow[EvidenceId](capability=say("It names missing lamps."), pain=say("Lamps came late.")),),
)
DEAL = DealDraft[EvidenceId](
    summary=SummaryDraft[EvidenceId](
        executive_summary=ExecutiveSummary[EvidenceId](
            whom_to_approach=says("Call the Head of Operations.", "They run both yards."),
            why_now=says("A hall opened in May.", "The lamps came late.", "But the next hall is planned."),
            how_to_engage=says("Ask about night work.", "Also ask who plans lamps.", "Offer a drawing."),
        ),
        trigger_meanings=says("A new hall needs lamps."),
        committee=(),
        personas=(
            PersonaPoints[EvidenceId](
                persona_id="persona-1",
                goals=says("Less night work."),
                pains=says("Moving in was slow.", "This cost a week."),
                talking_points=says("Brassmere cut rework.", "Tidewell lit 14 halls."),
                will_ask=("Who draws the plan?",),
                cautions=(Caution[EvidenceId](avoid="Do not say dark.", because=say("It is a bright yard.")),),
            ),
        ),
        reasons_against=says("The lamps are new."),
        when_not_to_sell="Where nobody plans.",
        quick_wins=(QuickWin[EvidenceId](action="Send the drawing.", because=say("The yard is from 1961.")),),
        success_metrics=(SuccessMetric(name="Replies", how_to_measure="Replies over messages."),),
        trial_plan=("Plan one bay.",),
    ),
    why_we_win=WhyWeWin[EvidenceId](
        kind="why_we_win",
        reasons=says("It plans from the floor plan.", "Second, it names missing lamps.", "Finally, it is quick."),
        proof=says("Brassmere cut rework by 31%.", "Tidewell did too."),
    ),
    objection_handling=ObjectionHandling[EvidenceId](
        kind="objection_handling",
        objections=(
            Objection[EvidenceId](
                category="price",
                objection="Too dear.",
                answer=says("A plan costs $49 per hall.", "There is no fee for people."),
                no_proof_yet=False,
                ask="What does the $49 compare with?",
            ),
        ),
    ),
    competitive_positioning=CompetitivePositioning[EvidenceId](
        kind="competitive_positioning",
        rivals=(
            Rival[EvidenceId](
                name="Doing it by hand",
                where_we_win=says("Crews drill once.", "Those hours are saved."),
                where_they_win=says("It costs nothing."),
                questions=("Who drills twice?",),
            ),
        ),
        where_they_win_note="They know the yard.",
    ),
)
PERSONA = PersonaDraft[EvidenceId](sequence=SequenceDraft[EvidenceId](touches=(FIRST, OFFER, LAST)), talk_track=TRACK)


def dependent_paths(draft: Value, *dropped: str) -> list[str]:
    places = {path_text(at): at for at in paths_of(draft)}
    return [path_text(at) for at in dependents(draft, [places[name] for name in dropped], known=KNOWN)]


def paths_of(draft: Value) -> list[Path]:
    found: list[Path] = []
    for at, value in located(draft):
        found += [at] if isinstance(value, Sentence) else [(*at, *place) for place, _ in texts_of(value)]
    return found


@pytest.mark.parametrize(
    ("draft", "dropped", "depends"),
    [
        (FIRST, "paragraphs[0][0]", ["paragraphs[0][1]", "paragraphs[1][0]", "paragraphs[1][1]", "subject"]),
        (FIRST, "paragraphs[1][0]", ["paragraphs[1][1]", "subject"]),
        (FIRST, "paragraphs[1][1]", []),
        (FIRST, "paragraphs[1][2]", []),
        (OFFER, "paragraphs[0][0]", ["subject"]),
        (OFFER, "paragraphs[1][0]", ["paragraphs[1][1]", "call_to_action.text", "personalisation[0]"]),
        (OFFER, "personalisation[0]", []),
        (LAST, "paragraphs[0][1]", ["paragraphs[0][2]"]),
        (LAST, "opt_out", []),
        (TRACK, "pitch[1]", ["pitch[2]"]),
        (TRACK, "cold_call.opener[0]", ["cold_call.opener[1]"]),
        (TRACK, "cold_call.value[1]", ["cold_call.ask", "cold_call.if_not_now"]),
        (DEAL, "summary.executive_summary.whom_to_approach[0]", ["summary.executive_summary.whom_to_approach[1]"]),
        (DEAL, "summary.executive_summary.why_now[1]", ["summary.executive_summary.why_now[2]"]),
        (DEAL, "summary.executive_summary.how_to_engage[0]", ["summary.executive_summary.how_to_engage[1]"]),
        (DEAL, "summary.personas[0].pains[0]", ["summary.personas[0].pains[1]"]),
        (DEAL, "why_we_win.reasons[0]", []),
        (DEAL, "why_we_win.proof[0]", ["why_we_win.proof[1]"]),
        (DEAL, "objection_handling.objections[0].answer[0]", ["objection_handling.objections[0].ask"]),
        (DEAL, f"{RIVAL}.where_we_win[0]", [f"{RIVAL}.where_we_win[1]"]),
    ],
)  # fmt: skip
def test_text_is_dropped_with_the_sentence_it_depends_on(draft: Value, dropped: str, depends: list[str]) -> None:
    assert sorted(dependent_paths(draft, dropped)) == sorted(depends)


@pytest.mark.parametrize(
    ("before", "after", "depends"),
    [
        ("Brassmere cut rework.", "The same team lit a hall.", True),
        ("Brassmere cut rework.", "Which saved a week.", True),
        ("Brassmere cut rework.", "Which lamps do you buy?", False),
        ("Brassmere cut rework.", "And Tidewell did it in June.", True),
        ("Brassmere cut rework.", "Both yards have old lamps.", True),
        ("Brassmere cut rework.", "Both Brassmere and Tidewell are near you.", False),
        ("Brassmere cut rework.", "The latter is near you.", True),
        ("Brassmere cut rework.", "Tidewell lit 14 halls.", False),
        ("Brassmere cut rework.", "This week two halls open.", False),
        ("Brassmere cut rework.", "Those who drill twice pay twice.", False),
        ("Brassmere cut rework.", "So far nobody plans them.", False),
        ("Brassmere cut rework.", "Finally, Tidewell lit 14 halls.", False),
        ("Brassmere cut rework.", "Tidewell cut rework too.", True),
        ("Brassmere cut rework.", "Tidewell has too many lamps.", False),
        ("Brassmere cut rework.", "Tidewell did as well as you.", False),
        ("Brassmere cut rework.", "Instead of lists, crews get a plan.", False),
        ("Brassmere cut rework.", "Instead, crews get a plan.", True),
        ("Brassmere cut rework.", "That said, set-up takes a day.", True),
        ("Brassmere uses a planner.", "If you use that tool, lamps stay.", True),
        ("Brassmere uses a planner.", "From that I'd guess that lamps stay.", True),
        ("Brassmere chose a planner.", "Tidewell describes one such choice.", True),
        ("Brassmere chose a planner.", "Tidewell plans for halls such as yours.", False),
        ("Brassmere uses a planner.", "It shows crews this quickly.", True),
        ("Brassmere gave figures.", "Here is one: lamps last 9 years.", True),
        ("Brassmere uses a planner.", "For you, that probably means less work.", True),
        ("Brassmere uses a planner.", "Your yards may call for a similar tool.", True),
        ("Brassmere uses a planner.", "This is my last note.", False),
        ("Brassmere uses a planner.", "Two halls open this week.", False),
        ("Brassmere uses a planner.", "Tidewell says that lamps stay.", False),
        ("Brassmere uses a planner.", "Tidewell plans with those who drill.", False),
    ],
)
def test_a_sentence_that_refers_back_depends_on_the_one_before(before: str, after: str, *, depends: bool) -> None:
    draft = WhyWeWin[EvidenceId](kind="why_we_win", reasons=says(before, after, "The end."), proof=())

    assert bool(dependent_paths(draft, "reasons[0]")) is depends


@pytest.mark.parametrize(
    ("after", "depends"),
    [("With the planner, crews see lamps.", True), ("With the site, crews see lamps.", False)],
)
def test_a_definite_noun_depends_on_the_sentence_that_introduced_it(after: str, *, depends: bool) -> None:
    introduction = "Lumenforge has a planner for the people who work on the site."
    track = TRACK.model_copy(update={"pitch": says(introduction, "Halls open in May.", after)})

    assert dependent_paths(track, "pitch[0]") == (["pitch[2]"] if depends else [])


def test_an_objection_is_dropped_if_only_agreement_is_left_of_its_answer() -> None:
    agreeing = Sentence[EvidenceId](text="A plan costs something.", kind="courtesy", evidence=())
    objection = Objection[EvidenceId](
        category="price", objection="Too dear.", answer=(agreeing, say("It costs $49.")), no_proof_yet=False, ask="Why?"
    )
    card = ObjectionHandling[EvidenceId](kind="objection_handling", objections=(objection,))

    remaining = without(card, {("objections", 0, "answer", 1)}).value

    assert remaining
    assert remaining.objections == ()


def test_a_subject_that_only_a_dropped_sentence_explained_is_dropped_with_it() -> None:
    touch = mail(
        ("You ship only what truly helps users.", "Lumenforge plans lamps.", "Tidewell lit 14 halls."),
        subject="before you decide what ships to users",
        ask="Is that worth a look?",
    )

    assert "subject" in dependent_paths(touch, "paragraphs[0][0]")


def test_also_depends_only_on_having_a_sentence_before_it() -> None:
    draft = WhyWeWin[EvidenceId](kind="why_we_win", reasons=says("One.", "Two.", "Three is also here."), proof=())

    assert dependent_paths(draft, "reasons[1]") == []
    assert dependent_paths(draft, "reasons[0]", "reasons[1]") == ["reasons[2]"]


def test_that_said_depends_only_on_having_a_sentence_before_it() -> None:
    draft = WhyWeWin[EvidenceId](kind="why_we_win", reasons=says("One.", "Two.", "That said, it is slow."), proof=())

    assert dependent_paths(draft, "reasons[1]") == []
    assert dependent_paths(draft, "reasons[0]", "reasons[1]") == ["reasons[2]"]


def test_in_a_list_only_the_entry_after_a_dropped_one_depends_on_it() -> None:
    bullets = says("Acme patches at night.", "It's built for any fleet.", "Its console shows each node.", "So is Acme.")
    card = WhyWeWin[EvidenceId](kind="why_we_win", reasons=bullets, proof=())

    assert dependent_paths(card, "reasons[0]") == ["reasons[1]"]


def test_in_a_pitch_dependence_extends_to_later_sentences() -> None:
    pitch = says("Acme patches at night.", "It's built for any fleet.", "Its console shows each node.")

    assert dependent_paths(TRACK.model_copy(update={"pitch": pitch}), "pitch[0]") == ["pitch[1]", "pitch[2]"]


@pytest.mark.parametrize(
    ("dropped", "ask"),
    [
        ("Engineers wait 40 minutes for each build.", "Is this worth a look for your engineers?"),
        ("Prices are the same for each team.", "Are fixed prices for builds worth a look?"),
        ("Teams in the US wait for builds.", "Would builds with us be worth a look?"),
        ("The setup takes an afternoon.", "Would it help to see how builds run?"),
    ],
)
def test_an_ask_is_kept_if_it_shares_no_name_with_the_dropped_sentence(dropped: str, ask: str) -> None:
    touch = mail(("You ship twice a day.", "Lumenforge runs builds at once.", dropped), subject="builds", ask=ask)

    assert dependent_paths(touch, "paragraphs[0][2]") == []


@pytest.mark.parametrize("ask", ["would brassmere's way help?", "Would the way of Brassmere help?"])
def test_an_ask_is_dropped_if_only_a_dropped_sentence_introduced_its_name(ask: str) -> None:
    touch = mail(("You ship twice a day.", "Brassmere cut rework.", "We plan."), subject="builds", ask=ask)

    assert dependent_paths(touch, "paragraphs[0][1]") == ["call_to_action.text"]


def test_in_another_language_only_figures_and_names_show_dependence() -> None:
    german = mail(
        ("Brassmere spart 31 % Nacharbeit.", "That ist kein Deutsch.", "Ihr Hof ist alt."), ("Es geht schnell.",),
        subject="31 % bei Brassmere", ask="Lohnt sich das?",
    )  # fmt: skip

    assert list(dependents(german, [("paragraphs", 0, 0)], language="de")) == [("subject",)]


def test_the_names_of_the_deals_companies_create_no_dependence() -> None:
    named = mail(("Quillport opened a hall.", "Lamps came late.", "We plan."), subject="Quillport", ask="Worth a look?")

    assert dependent_paths(named, "paragraphs[0][0]") == []


def test_an_email_without_its_subject_ask_or_body_stays_as_an_empty_entry() -> None:
    sequence = SequenceDraft[EvidenceId](touches=(FIRST, OFFER, LAST))
    for gone in (("subject",), ("call_to_action", "text"), ("call_to_action",)):
        found = without(sequence, [("touches", 1, *gone)], known=KNOWN).value
        assert found
        assert [is_empty(touch) for touch in found.touches] == [False, True, False]
    short = without(LAST, [("paragraphs", 0, 0), ("paragraphs", 0, 1)], known=KNOWN).value
    assert short
    assert is_empty(short)
    assert short.paragraphs == ()


def test_dropping_a_note_or_opt_out_leaves_the_rest_of_the_email() -> None:
    noted = without(OFFER, [("personalisation", 0)], known=KNOWN).value
    open_ended = without(LAST, [("opt_out",)], known=KNOWN).value

    assert noted == OFFER.model_copy(update={"personalisation": ()})
    assert open_ended == LAST.model_copy(update={"opt_out": None})


def test_dropping_a_required_part_drops_only_its_entry() -> None:
    dropped: list[Path] = [("demo_points", 0, "show"), ("value_map", 0, "pain"), ("cold_call", "if_not_now")]
    found = without(TRACK, [*dropped, ("discovery", 0, "follow_ups", 0)], known=KNOWN).value

    assert found
    assert (found.demo_points, found.value_map) == ((), ())
    assert found.cold_call == TRACK.cold_call.model_copy(update={"if_not_now": ""})
    assert found.discovery[0].follow_ups == ()
    assert found.pitch == TRACK.pitch


POINTING_BACK = ("That", "This", "It", "Its", "They", "These", "Those", "Both", "So", "But", "And", "Also")


@pytest.mark.parametrize("draft", [PERSONA, DEAL], ids=["persona", "deal"])
def test_no_list_starts_with_a_sentence_that_refers_back_whatever_is_dropped(draft: Value) -> None:
    """Try every case in which one sentence or text is dropped, and every case in which two neighbours are dropped."""
    places = paths_of(draft)
    for dropped in [[at] for at in places] + [list(pair) for pair in pairwise(places)]:
        left = without(draft, dropped, known=KNOWN).value
        assert left
        for at, value in located(left):
            if isinstance(value, Sentence) and at[-1] == 0 and at[-2] != "where_they_win":
                was_first = isinstance(part_at(draft, at), Sentence) and part_at(draft, at) == value
                assert was_first or not value.text.startswith(POINTING_BACK), (dropped, value.text)
