"""Detection of English that sounds translated, stiff or like a brochure. The checks must not flag natural English."""

from __future__ import annotations

import pytest

from octave_mcp.copywriting.phrasing import brochure, stacked, stiff, translated

TRANSLATED = (
    "A launch then has to be told anew.",
    "It makes of it one base for your team.",
    "We make out of them a single plan.",
    "Is doing it with your people a question at Sendoso?",
    "Do you have a question at Quillport?",
    "Is pricing a topic for you right now?",
    "When the topic comes up, write to me.",
    "That takes work off your team.",
    "Patching on your side costs a day.",
    "By hand that takes much time.",
    "How much people work at night?",
    "Welding such hulls by hand at night takes a while. To weld them by hand at night takes longer.",
    "Whom to call there comes before what to say.",
    "Exist many yards in Tallinn, and it gives a new one.",
    "Cloud.gov is no vendor but government.",
    "A supplier for those who are none.",
    "No more e-mails will follow.",
    "This is the last you hear from me.",
    "We use it since three years.",
    "I look forward to hear from you.",
    "It allows to plan a night.",
    "I suggest you to try it.",
    "Let us discuss about the plan.",
    "We can give you informations on it.",
    "There is the possibility to plan it.",
    "It is possible to plan it.",
    "You win time with it.",
    "All what you need is a lamp.",
    "The people which plan nights know it.",
    "If you would plan it, it works.",
    "I show you how it looks like.",
    "It is more easy at night.",
    "The part of it that no yard sees.",
    "Try it on your own case.",
    "Nights are to be had there.",
    "I write to you because of Tallinn.",
    "What one needs is a plan.",
    "Send it until Friday.",
)
STIFF = (
    "At present, nights are long.",
    "Kindly let me know.",
    "We plan nights in order to save one.",
    "A yard in which you work.",
    "It is new for each of them.",
    "That kind of help is rare.",
    "A yard such as yours plans nights.",
    "Would it be of use to you?",
    "Is it of interest to your crew?",
    "It seems alike, as your pages do not say.",
    "The person with whom you spoke.",
)
NATURAL = (
    "Who plans the nights in Tallinn since the second yard opened on 4 March 2026?",
    "Is keeping those two yards in step on your list this quarter?",
    "They used to keep the night plan on a whiteboard. Now they know by ten who'll go where.",
    "It takes a lot of time, and most of it goes into copying shifts by hand.",
    "If that's not yours, who should I ask? If you'd rather not hear from me, say so.",
    "I'd like to rewrite that page for a VP of Customer Experience, using only what's public.",
    "Worth a look? It's free, and yours to bin. You've had it for three years, so you'd know.",
    "We talked about how much work a launch is, and too much of it is rework.",
    "None of the 14 welders had to stay. How many of those decks exist today?",
    "With Nightplan, planners get a plan for each shift, and each of them can change it.",
    "The question at hand is simple. One can of paint costs nine euros.",
    "Take it off the list, or off your team's plate. Which crew would you start with?",
    "I'll put together a list of which pages you could drop, and which you should keep.",
    "Would you like to see it? Happy to send one. I look forward to hearing from you.",
    "It's no longer slow, and there's no doubt it will be finished by Friday.",
    "Are your reps on their own, or do they have a team? Do you have any questions at all?",
    "Last spring your team shipped three releases, and support answered 900 tickets.",
)


@pytest.mark.parametrize("text", TRANSLATED)
def test_translated_phrasing_is_detected(text: str) -> None:
    assert [*translated(text)], text


@pytest.mark.parametrize("text", STIFF)
def test_stiff_phrasing_is_detected(text: str) -> None:
    assert [*stiff(text)], text


@pytest.mark.parametrize("text", NATURAL)
def test_natural_phrasing_is_not_detected(text: str) -> None:
    assert [*translated(text), *stiff(text), *brochure(text)] == []


def test_a_detected_phrase_has_the_words_of_the_text_and_advice() -> None:
    (finding,) = translated("A launch then has to be told anew for them.")
    assert (finding.words, finding.advice) == ("anew", "use an everyday word")


def test_stacked_nouns_are_detected_but_lists_and_names_are_not() -> None:
    assert stacked("We sell invoice processing automation integration.") == "invoice processing automation integration"
    assert stacked("We do invoicing, planning, hiring, training and reporting.") == ""
    assert stacked("Head of Customer Engagement Platform Integration Planning") == ""
    assert stacked("Your planners write orders for teams, and managers answer questions.") == ""


def test_brochure_words_are_returned_as_they_are_written() -> None:
    assert brochure("Seamless, truly seamless and powerful.") == ("Seamless", "seamless", "powerful")
    assert brochure("Plans the nights of 12 yards.") == ()
