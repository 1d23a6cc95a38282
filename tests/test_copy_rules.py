"""Tests of the rules on openings, tone and usefulness, with e-mails that break each rule and e-mails that follow it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_rubric import ASK, GOOD, LAST, OPENING, PROOF, broken_rules, fault_texts, from_prospect, points, saying

from octave_mcp.copywriting.email_text import Deal, Email

DEAL = Deal("Lumenforge", "Quillport")
SECOND = replace(
    GOOD,
    subject="Brassmere's nights",
    paragraphs=("Brassmere has two yards and a night shift, like you.", PROOF, "Does Tallinn count its rework?"),
    ask="Does Tallinn count its rework?",
    position=1,
)
OFFER = "I'd like to mark the dark spots on your Tallinn plan, from the drawings on your site. Want me to?"
THIRD = replace(
    SECOND,
    subject="your Tallinn plan",
    paragraphs=("Tallinn has three slips, and the drawings show one mast for each.", OFFER),
    ask="Want me to?",
    ask_label="offer",
    make_first="Slip 1: the mast stands behind the crane.",
    position=2,
)


LIKE_YOU = "Like you, Brassmere builds ferries."
WARES = "Lumenforge makes lamps, masts, cables, plans and drawings for docks and yards, at home and at sea."


def starting(text: str, email: Email = GOOD) -> Email:
    return replace(email, paragraphs=(text, *email.paragraphs[1:]))


def ending(text: str) -> Email:
    return replace(LAST, paragraphs=(*LAST.paragraphs, text))


@pytest.mark.parametrize("email", [SECOND, THIRD])
def test_good_touches_lose_at_most_five_points(email: Email) -> None:
    assert points(email) >= 95, fault_texts(email)


@pytest.mark.parametrize(
    ("rule", "email"),
    [
        ("D27", saying("It might help your crews, and they'd probably like it.")),
        ("D27", saying("I'd guess the yard seems dark to you.")),
        ("D27", replace(GOOD, facts=("Brassmere probably cut its rework.",))),
        ("D29", replace(THIRD, subject="a plan", paragraphs=("We could plan it.",), deal=DEAL)),
        ("D29", starting("Most yards struggle with the dark, and many teams lose hours to it.")),
        ("D29", starting("Companies like yours often struggle with the dark.")),
        ("D30", saying("Your nights are thereby planned each week.")),
        ("D30", saying("It is seamless.")),
        ("D30", saying("It is late, and you will see that it does not pay.")),
        ("D31", starting("Both are now open, and you plan their nights.")),
        ("D31", starting("That is a lot of night work for you.")),
        ("D31", starting("They opened on 4 March 2026. Who plans the nights?")),
        ("D31", replace(GOOD, subject="31% in Oslo")),
        ("D31", replace(GOOD, subject="nights, 52% less")),
        ("D32", starting("Your home page says you build ferries in two yards.")),
        ("D32", starting("A line on your site calls night work slow. Who plans it?")),
        ("D32", starting("You build ferries in two yards.")),
        ("D32", starting("Who plans the nights in Tallinn?")),
        ("D32", starting("On 4 March 2026 you opened a second yard in Tallinn.")),
        ("D32", saying("Here is a case from one of our customers.")),
        ("D16", starting("I saw that on 4 March 2026 you opened a second yard. Who plans its nights?")),
        ("D16", starting("On 4 March 2026 Quillport opened a yard. Who plans Quillport's nights?")),
        ("D16", saying(WARES)),
        ("D16", replace(SECOND, paragraphs=(PROOF, "Its crews were glad. Rework fell."), ask="Rework fell.")),
        ("D17", saying("I hope this finds you well.")),
        ("D17", saying("Your halls are impressive.")),
        ("D17", saying("You don't want to fall behind.")),
        ("D18", replace(SECOND, earlier=(GOOD,))),
        ("D18", replace(SECOND, earlier=(SECOND,))),
        ("D35", replace(SECOND, paragraphs=("You plan the nights of Tallinn by hand.", ASK), ask=ASK)),
        ("D35", replace(SECOND, paragraphs=(LIKE_YOU, "Brassmere uses our lamps.", ASK), ask=ASK)),
        ("D35", replace(THIRD, paragraphs=("Tallinn has three slips.", "Shall we talk?"), ask_label="meeting")),
        ("D35", replace(THIRD, make_first="")),
        ("D35", ending("One thought to keep: a dark yard is a slow yard.")),
        ("D35", ending("You should count your rework.")),
        ("D35", replace(LAST, paragraphs=("I'll stop.", "This is my last note.", "The door stays open in Tallinn."))),
        ("D21", replace(LAST, paragraphs=("The nights in Tallinn are long.",))),
        ("D37", saying("Brassmere cut its staff by a third.")),
        ("D37", saying("You need fewer planners with it, and save headcount.")),
        ("D14", saying("Your site says “we build ferries in two yards for the whole of the Baltic and beyond”.")),
    ],
)  # fmt: skip
def test_an_email_that_readers_object_to_has_the_fault(rule: str, email: Email) -> None:
    assert rule in broken_rules(email), fault_texts(email)


@pytest.mark.parametrize(
    ("rule", "email"),
    [
        ("D27", saying("It might help your crews.")),
        (
            "D27",
            saying(
                "It may cut, and might end, your rework.", replace(GOOD, evidence=from_prospect("It may, or might."))
            ),
        ),
        ("D27", saying("In May you opened it. May I ask who plans it?")),
        ("D27", replace(GOOD, facts=("It may cut rework.",), evidence=from_prospect("It may cut rework."))),
        ("D29", replace(GOOD, deal=Deal("Lumenforge", "Quillport", "They plan nights in Tallinn."))),
        ("D29", replace(THIRD, subject="a plan", paragraphs=("We could plan it.",), deal=Deal())),
        ("D31", starting("It's been a year since your second yard opened in Tallinn. Who plans its nights?")),
        ("D31", starting("Both yards and docks of yours are open.")),
        ("D31", replace(GOOD, subject="31% in Tallinn")),
        ("D32", starting("On 4 March 2026 your home page said you build ferries in two yards. Who plans the nights?")),
        ("D32", starting("Your home page of March 2026 says that nights are slow. Who plans them?")),
        ("D32", replace(starting("Who plans the nights in Tallinn?"), has_second_opening=True)),
        ("D32", replace(starting("Who plans the nights in Tallinn?"), evidence=from_prospect("We plan nights."))),
        ("D16", starting("On 4 March 2026 Quillport opened a yard. Who plans its nights?")),
        ("D16", THIRD),
        ("D17", replace(saying("Your lamps are world-class."), evidence=from_prospect("World-class lamps."))),
        ("D18", replace(THIRD, earlier=(GOOD, SECOND))),
        ("D35", LAST),
        ("D35", replace(SECOND, paragraphs=(LIKE_YOU, "Its crews, says Brassmere, are glad.", ASK), ask=ASK)),
        ("D37", saying("Brassmere cut its teams' hours by a third.")),
        ("D14", saying("Your site says “slow nights”.")),
    ],
)  # fmt: skip
def test_an_email_that_readers_accept_does_not_have_the_fault(rule: str, email: Email) -> None:
    assert rule not in broken_rules(email), fault_texts(email)


def test_every_hedge_after_the_first_costs_more_points() -> None:
    texts = ("", "It might help you.", "It might help you, perhaps.", "It might, perhaps, seem likely to help you.")
    scores = [points(saying(text)) for text in texts]
    assert scores[0] == scores[1] > scores[2] > scores[3]


def test_an_email_about_the_context_that_the_user_gave_is_specific_to_the_deal() -> None:
    email = replace(THIRD, subject="rota", paragraphs=("The rota of the welders is on paper. We could draw it up.",))
    assert "D29" in broken_rules(replace(email, deal=Deal("Lumenforge", "Quillport", "They want lamps.")))
    assert "D29" not in broken_rules(
        replace(email, deal=Deal("Lumenforge", "Quillport", "The welders' rota is on paper."))
    )


def test_the_first_word_of_a_company_name_counts_as_a_mention_unless_it_is_short() -> None:
    assert replace(GOOD, deal=Deal("", "Oakway Parcels")).mentions("Oakway plans. Oakway Parcels does.") == 2
    assert replace(GOOD, deal=Deal("", "The Yard")).mentions("The yard, The Yard and a Yard.") == 1
    assert replace(GOOD, deal=Deal("", "Cloud.gov")).mentions("Cloud.gov's and my.Cloud.gov") == 1
    assert replace(GOOD, deal=Deal()).mentions("Any text.") == 0


def test_touches_with_the_same_opening_question_or_structure_have_a_fault() -> None:
    asked = "Does Tallinn count its hours?"
    alike = replace(THIRD, paragraphs=(f"Brassmere has two docks. {OPENING}", asked), ask=asked, earlier=(SECOND,))
    (text,) = [line for line in fault_texts(alike).splitlines() if "vary it" in line]
    assert "begins in the same words and asks in the same words as an earlier touch" in text
    built = replace(THIRD, paragraphs=("Tallinn has slips.", f"{ASK} It rains.", "Want me to?"), earlier=(SECOND,))
    assert "structure" not in fault_texts(built)
    assert "has the same structure" in fault_texts(
        replace(built, paragraphs=("Three slips.", "Rain. Snow.", "Want me to?"))
    )
