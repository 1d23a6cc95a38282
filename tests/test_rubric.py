"""Tests of the copywriting rules. Each rule is tested with texts that break it and with texts that follow it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from conftest import ROOT
from emails import agreement, cases
from scripted import evidence_of

from octave_mcp.copywriting.email_text import Deal, Email, read_email
from octave_mcp.copywriting.emails import MIN_UNCORRECTED_POINTS
from octave_mcp.copywriting.faults import Fault, scored
from octave_mcp.copywriting.readability import reading_grade, sentences
from octave_mcp.copywriting.rubric import (
    PERSONAS_ALIKE,
    absolutes,
    card_faults,
    email_errors,
    email_faults,
    email_score,
    sources,
    talk_track_faults,
)
from octave_mcp.copywriting.substance import TOUCHES_ALIKE, likeness
from octave_mcp.domain.evidence import Evidence
from octave_mcp.evidence.checks import CUT, DEPENDS, EMPTY, IGNORED, INCOMPLETE, RULES, THOUGHTS, UNREAD, Problem

OPENING = "On 4 March 2026 you opened a second yard in Tallinn. Who plans its nights?"
PROOF = "Lumenforge lights dry docks. Brassmere cut its rework by 31% once its crews could see each weld at night."
ASK = "Is that a problem in Tallinn yet?"
REPLY = "Reply yes and I'll sketch the yard."
NO = "A short no is fine, and I won't write again."


def on_page(*paths: str, published: date | None = None) -> list[Evidence]:
    found = [evidence_of(f"Line {n} of {path}.", f"https://lumenforge.example{path}") for n, path in enumerate(paths)]
    return [evidence.model_copy(update={"published_on": published}) for evidence in found]


def from_prospect(text: str, published: date | None = None) -> tuple[Evidence, ...]:
    return (evidence_of(text).model_copy(update={"role": "prospect", "published_on": published}),)


GOOD = Email(
    subject="nights in Tallinn",
    paragraphs=(OPENING, f"{PROOF} They say night shifts lost an hour each to lamps in the wrong place.", ASK),
    ask=ASK,
    ask_label="interest",
    evidence=tuple(on_page("/a")),
    deal=Deal(vendor="Lumenforge", prospect="Quillport"),
)
LAST = replace(
    GOOD,
    subject="a last note",
    paragraphs=("I'll stop here. If the nights in Tallinn stay slow, Brassmere's yard went through it too.", NO),
    ask=NO,
    ask_label="goodbye",
    position=3,
    last=True,
)


def broken_rules(email: Email) -> set[str]:
    return {fault.rule for fault in email_faults(email)}


def fault_texts(email: Email) -> str:
    return "\n".join(fault.text for fault in email_faults(email))


def points(email: Email) -> int:
    return email_score(email, email_faults(email)).points


def saying(text: str, email: Email = GOOD) -> Email:
    return replace(email, paragraphs=(*email.paragraphs[:-1], text, email.paragraphs[-1]))


def of_words(count: int, email: Email = GOOD) -> Email:
    few, rest = divmod(count - len(ASK.split()), 4)
    return replace(email, paragraphs=(" ".join(["You see it now."] * few + ["So"] * rest), ASK))


@pytest.mark.parametrize(("email", "score"), [(GOOD, 100), (LAST, 80)])
def test_good_touches_break_no_rule_and_a_goodbye_scores_lower(email: Email, score: int) -> None:
    assert fault_texts(email) == ""
    assert [*email_errors(email)] == []
    assert points(email) == score


@pytest.mark.parametrize(
    ("rule", "email"),
    [
        ("D11", of_words(47)),
        ("D11", of_words(81)),
        ("D11", of_words(27, replace(GOOD, position=1))),
        ("D11", of_words(111, replace(GOOD, position=1))),
        ("D11", of_words(61, LAST)),
        ("D12", replace(GOOD, subject="nights in the second yard")),
        ("D12", replace(GOOD, subject="x" * 41)),
        ("D12", replace(GOOD, subject="Re: your yard")),
        ("D12", replace(GOOD, subject="fwd: your yard")),
        ("D12", replace(GOOD, subject="NEW LAMPS")),
        ("D12", replace(GOOD, subject="nights in Tallinn!!")),
        ("D12", replace(GOOD, subject="nights 🎉")),
        ("D12", replace(GOOD, subject="budget for paint")),
        ("D13", saying("Do you know which hall? Or which yard?")),
        ("D13", replace(GOOD, paragraphs=("You opened a yard.", "It is new."), ask="It is new.")),
        ("D13", replace(GOOD, ask_label="meeting")),
        (
            "D13",
            replace(GOOD, paragraphs=(*GOOD.paragraphs[:2], "Do you have 20 minutes?"), ask="Do you have 20 minutes?"),
        ),
        ("D13", replace(GOOD, ask="Would the second of those two be a problem for your planners in Tallinn yet?")),
        ("D13", replace(GOOD, ask="Would that be of interest to you?")),
        ("D14", saying("You may know " + "which hall of yours it is " * 5 + "now.")),
        ("D14", saying("Your crew says “" + "so it is " * 7 + "now”.")),
        ("D14", saying("Organisational interoperability necessitates illumination. " * 5)),
        ("D17", saying("You will like it!")),
        ("D17", saying("See https://a.example and https://b.example for yours.")),
        ("D8", replace(GOOD, evidence=from_prospect("We opened.", date(2024, 8, 1)))),
        ("D35", replace(GOOD, paragraphs=(OPENING, "Lamps, as you know them, are for all to see.", ASK))),
    ],
)
def test_a_touch_that_breaks_a_rule_has_the_fault(rule: str, email: Email) -> None:
    assert rule in broken_rules(email)


@pytest.mark.parametrize(
    ("rule", "email"),
    [
        ("D11", of_words(48)),
        ("D11", of_words(80)),
        ("D11", of_words(28, replace(GOOD, position=1))),
        ("D11", of_words(110, replace(GOOD, position=1))),
        ("D11", of_words(60, LAST)),
        ("D12", replace(GOOD, subject="Tallinn's second yard")),
        ("D12", replace(GOOD, subject="Tallinn at night!")),
        ("D12", replace(LAST, subject="closing my file")),
        ("D12", saying("You keep SOC 2 as it is.", replace(GOOD, subject="SOC 2"))),
        ("D12", saying("A weld a day.", replace(GOOD, subject="Lumen® ㈱Weld"))),
        ("D13", replace(GOOD, position=2, ask_label="meeting")),
        ("D13", replace(GOOD, position=2, ask_label="offer", make_first="First lines.")),
        ("D13", replace(LAST, paragraphs=("The door stays open.",), ask="The door stays open.")),
        (
            "D13",
            replace(GOOD, paragraphs=(*GOOD.paragraphs[:2], REPLY), ask=REPLY),
        ),
        ("D14", saying("Your crew says “" + "it is so now " + "it is so now”.")),
        ("D14", saying("You may know Organisational Interoperability Sophistication, as you do. " * 2)),
        ("D14", saying("You do remediation now. " * 4, replace(GOOD, evidence=from_prospect("We do remediation.")))),
        ("D17", saying("Your crew says “what a hall!” on https://a.example.")),
        ("D17", saying("You use Yahoo! now.", replace(GOOD, evidence=(evidence_of("We left Yahoo! for good."),)))),
        ("D8", replace(GOOD, evidence=from_prospect("We opened.", date(2024, 12, 1)))),
        ("D8", replace(GOOD, evidence=tuple(on_page("/a", published=date(2023, 1, 1))))),
        ("D29", replace(LAST, paragraphs=("Rank the halls by hours lost, not by lamps.", NO), earlier=(GOOD,))),
        ("D35", replace(GOOD, paragraphs=(OPENING, "Twenty, a shipyard, lights its halls by the hour.", ASK))),
        ("D9", replace(GOOD, evidence=tuple(on_page("/a", "/a", "/a", "/a")))),
    ],
)
def test_a_touch_that_follows_a_rule_does_not_have_the_fault(rule: str, email: Email) -> None:
    assert rule not in broken_rules(email), fault_texts(email)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("D15", "Your {{job_title}} may know."),
        ("D15", "Your {{ first name }} may know."),
        ("D15", "Dear [name], you may know."),
        ("D15", "Dear <name>, you may know."),
        ("D15", "You saved XX hours."),
        ("D15", "The date is TBD."),
        ("D20", "I can send you our report on it."),
        ("D20", "We would share a free calculator."),
        ("D20", "I attached the white paper."),
    ],
)
def test_placeholders_and_promised_documents_are_errors(rule: str, text: str) -> None:
    (error,) = email_errors(saying(text))
    assert error.rule == rule
    assert error.about in text


@pytest.mark.parametrize(
    "text",
    [
        "{{company_name}} and {{ sender_company }} may meet, {{sender_first_name}}.",
        "Your page says “[sic] <b> XX”.",
        "Your page says “we share a report each year”.",
        "Your report is on your page. I can send word.",
        "XLarge or X, it is you who knows.",
    ],
)
def test_merge_fields_quotations_and_harmless_texts_are_not_errors(text: str) -> None:
    assert [*email_errors(saying(text))] == []


def test_a_minor_fault_costs_points_and_causes_no_warning() -> None:
    score = scored(email_faults(replace(GOOD, subject="budget for paint")))

    assert score.points < 100
    assert score.warnings == ()


def test_a_placeholder_in_the_subject_is_an_error() -> None:
    assert [error.rule for error in email_errors(replace(GOOD, subject="[topic] for you"))] == ["D15"]


def test_warnings_are_sentences_without_rule_numbers_and_the_costliest_comes_first() -> None:
    email = saying("I hope this finds you well! We might, perhaps, help.", replace(GOOD, subject="RE: A B C D E F"))
    faults = email_faults(email)
    warnings = scored(faults).warnings

    assert len(warnings) == len(faults) > 3
    assert all(
        re.match(r"[A-Z“]", warning) and warning.endswith(".") and not re.search(r"\bD\d", warning)
        for warning in warnings
    )
    assert [fault.cost for fault in sorted(faults, key=lambda fault: warnings.index(fault.text))] == sorted(
        (fault.cost for fault in faults), reverse=True
    )


def test_each_fault_costs_a_share_of_the_remaining_points() -> None:
    one, two, many = (scored([Fault("D14", "Long.", 20)] * count).points for count in (1, 2, 30))
    assert (one, two) == (80, 64)
    assert 0 <= many < two


def test_an_email_further_beyond_a_limit_loses_more_points() -> None:
    assert points(of_words(82)) > points(of_words(100)) > points(of_words(119))
    subjects = ("nights in Tallinn", "nights in your Tallinn", "nights in your yard Tallinn", "a b c d e f g h nights")
    scores = [points(replace(GOOD, subject=subject)) for subject in subjects]
    assert scores == sorted(set(scores), reverse=True)
    assert scores[0] - scores[1] <= 2  # an e-mail subject that is one word too long loses few points


def test_greeting_and_signature_are_removed_from_a_sent_email() -> None:
    body = f"Hi Denise,\n\n{OPENING}\n\n{PROOF}\n\n{ASK}\n\nAda Moss\nAccount Executive, Lumenforge"
    email = read_email("nights", body, position=0, last=False)
    assert email.paragraphs == (OPENING, PROOF, ASK)
    assert email.ask == ASK
    assert read_email("x", "Only this, and no more.", position=0, last=False).paragraphs == ("Only this, and no more.",)


@pytest.mark.parametrize("body", ["", "Hi Denise,", "Hi Denise,\n\nAda", "{{first_name}},\n\n“”"])
def test_an_email_without_content_can_be_scored(body: str) -> None:
    email = read_email("", body, position=0, last=False)
    assert [*email_errors(email)] == []
    assert 0 <= points(email) <= 100


def test_a_dot_within_a_company_name_does_not_end_a_sentence() -> None:
    assert sentences("Cloud.gov says so. It is.") == ["Cloud.gov says so.", "It is."]


QUESTIONS = tuple(f"How do you light hall {number}?" for number in range(8))


def talk(pitch: str = "Short.", opener: Sequence[str] = ("Why.",), questions: Sequence[str] = QUESTIONS) -> set[str]:
    return {fault.rule for fault in talk_track_faults(pitch, opener, questions, on_page("/a"))}


def test_a_talk_track_that_breaks_a_rule_has_the_fault() -> None:
    assert talk(pitch="word " * 76) == {"D23"}
    assert talk(opener=()) == {"D24"}
    assert talk(questions=QUESTIONS[:7]) == {"D25"}
    assert talk(questions=QUESTIONS * 2) == {"D25"}
    assert talk(questions=(*QUESTIONS, "Do you drill?", "Is it dark?", "Can you see?")) == {"D25"}


def test_a_talk_track_that_follows_the_rules_has_no_fault() -> None:
    assert talk(pitch="word " * 75) == set()
    assert talk(questions=(*QUESTIONS, "Do you drill?", "Is it dark?")) == set()
    assert talk(questions=QUESTIONS[:7] * 2) == set()


def test_a_card_that_is_too_long_or_has_too_long_a_list_has_a_fault() -> None:
    assert [*card_faults(["word " * 300], 5, on_page("/a"))] == []
    assert [fault.rule for fault in card_faults(["word " * 301], 5, on_page("/a"))] == ["D28"]
    assert [fault.rule for fault in card_faults(["word"], 6, on_page("/a"))] == ["D28"]


def test_evidence_that_is_old_or_largely_from_one_page_is_a_fault() -> None:
    assert [*sources([])] == []
    assert ["1 January 2023" in fault.text for fault in sources(from_prospect("We opened.", date(2023, 1, 1)))] == [
        True
    ]
    assert [fault.rule for fault in sources(on_page("/a", "/a", "/b", "/c"))] == ["D9"]
    assert [*sources(on_page("/a", "/a", "/b", "/c", "/d"))] == []
    assert [*sources(on_page("/customers/tidewell", "/customers/tidewell", "/a", "/b"))] == []


@pytest.mark.parametrize("text", ["We are the only one.", "No one else does it.", "It always works.", "Guaranteed."])
def test_an_absolute_claim_is_found(text: str) -> None:
    assert absolutes(text)


@pytest.mark.parametrize("text", ["They say “the only one”.", "It works for most.", "An alloy."])
def test_a_modest_or_quoted_claim_is_not_absolute(text: str) -> None:
    assert not absolutes(text)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("It is the only one.", "The sole provider."),
        ("It always works.", "It works every time."),
        ("They never sell data.", "We never sell data."),
        ("It is the best tool.", "Voted best tool."),
        ("No one else has it.", "No other has it."),
        ("It guarantees the hours.", "Guaranteed hours."),
        ("Not only fast, but read-only and always-on.", ""),
        ("Call only if it helps, at the best time.", ""),
    ],
)
def test_an_absolute_from_the_quotation_or_in_a_harmless_phrase_is_not_a_fault(text: str, quoted: str) -> None:
    assert not absolutes(text, [quoted])


def test_an_absolute_that_no_quotation_contains_is_a_fault() -> None:
    assert absolutes("It is the only one.", ["It never fails.", "It is one."])


@pytest.mark.parametrize("language", ["de", "ja"])
def test_rules_based_on_english_words_ignore_other_languages(language: str) -> None:
    text = "I organisationally might probably interoperability, i necessitating illumination anew, world-class. Both i."
    email = replace(LAST, paragraphs=(text,), ask="Schreiben Sie mir.", ask_label="meeting", language=language)
    assert broken_rules(email) <= {"D11"}
    assert {"D14", "D17", "D21", "D27", "D30"} <= broken_rules(replace(email, language="en"))


def test_words_are_counted_in_scripts_without_spaces() -> None:
    email = replace(GOOD, paragraphs=("夜の作業はどうですか。" * 12,), language="ja")
    assert "D11" not in broken_rules(email)


def test_likeness_compares_sequences_of_five_words() -> None:
    text = "one two three four five six seven eight nine ten"
    assert likeness(text, text.upper()) == 1
    assert likeness(text, "ten nine eight seven six five four three two one") == 0
    assert likeness("too short", "too short") == 0
    assert likeness(text, text.replace("ten", "eleven twelve thirteen fourteen")) > PERSONAS_ALIKE > TOUCHES_ALIKE


def test_long_words_and_sentences_raise_the_reading_grade() -> None:
    easy, hard = "You can see it. It is so.", "Organisational interoperability necessitates sophistication."
    assert reading_grade(easy) < 3
    assert reading_grade(hard) > 8
    assert reading_grade(f"{easy[:-1]} {easy}") > reading_grade(easy)
    assert reading_grade("") == reading_grade("12 34.") == 0


def test_the_table_contains_exactly_the_rules_that_checks_use() -> None:
    named = {rule for package in ("evidence", "copywriting") for rule in rules_in(ROOT / "octave_mcp" / package)}
    assert {*named, CUT, DEPENDS, EMPTY, IGNORED, INCOMPLETE, THOUGHTS, UNREAD} == set(RULES)


def rules_in(folder: Path) -> set[str]:
    """Return the ids of rules, such as 'D12', in the string literals of a package.

    Ignore docstrings and dict keys.
    """
    nodes = [node for file in folder.rglob("*.py") for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    ignored = {id(key) for node in nodes if isinstance(node, ast.Dict) for key in node.keys}
    ignored |= {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in ignored)
    return {rule for text in texts if isinstance(text, str) for rule in re.findall(r"\bD\d+\b", text)}


def test_a_problem_with_an_unknown_rule_cannot_be_created() -> None:
    with pytest.raises(ValueError, match="D99"):
        Problem("D99", "nobody knows")


# Judged e-mails

CASES = ROOT.parent / "shared" / "cases" / "emails" / "emails.jsonl"
LABELS = {1: "interest", 3: "interest", 7: "meeting", 14: "goodbye"}


@pytest.fixture
def judged() -> list[dict[str, Any]]:
    if not CASES.is_file():
        pytest.skip("the e-mails with readers' verdicts (../shared/cases/emails) are absent")
    return [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]


def read(case: dict[str, Any]) -> Email:
    vendor, _, prospect = case["pair"].partition(" -> ")
    days = (1, 3, 7, 14)
    position = days.index(case["day"])
    deal = Deal(vendor=vendor, prospect=prospect)
    return read_email(case["subject"], case["body"], position=position, last=position == len(days) - 1, deal=deal)


def test_every_judged_goodbye_has_an_opt_out(judged: list[dict[str, Any]]) -> None:
    goodbyes = [email for email in map(read, judged) if email.last]
    assert len(goodbyes) == 6
    assert not {"D13", "D21"} & set[str]().union(*map(broken_rules, goodbyes))


def test_no_judged_email_has_an_error(judged: list[dict[str, Any]]) -> None:
    assert [error for case in judged for error in email_errors(read(case))] == []


def test_scores_agree_with_readers_on_most_pairs_of_emails_that_they_judge_differently() -> None:
    """To print the figures, run `python bench/emails.py FILE` with the file of judged e-mails."""
    if not CASES.is_file():
        pytest.skip("the e-mails with readers' verdicts (../shared/cases/emails) are absent")
    found = agreement(cases(CASES), "readers")
    assert found.pairs >= 200
    assert found.percent >= 70
    assert found.tied <= found.pairs / 20


def test_only_a_poor_email_scores_below_the_threshold_for_a_correction() -> None:
    poor = read_email(
        "Following up on my last e-mail",
        "Hi Kim,\n\nI hope this finds you well! I just wanted to follow up. We are a leading provider of lighting "
        "solutions, and companies often struggle with the dark.\n\nDo you have 30 minutes for a demo?",
        position=2,
        last=False,
        deal=GOOD.deal,
    )
    assert points(poor) < MIN_UNCORRECTED_POINTS < points(GOOD)


def test_a_long_text_takes_linear_time() -> None:
    seconds = [_seconds(saying("If a lamp to be seen of which you may, so it is. " * count)) for count in (400, 1600)]
    # The second text has 4 times the length of the first, so a check in linear time takes 4 times as long. The test
    # allows 16 times as long, because the machine can be busy.
    assert seconds[1] < 16 * max(seconds[0], 0.01)


def _seconds(email: Email) -> float:
    started = process_time()
    email_faults(email)
    return process_time() - started


@pytest.mark.parametrize(("thing", "is_promise"), [("checklist", False), ("benchmark report", True)])
def test_an_offer_whose_content_is_written_out_is_not_an_empty_promise(thing: str, is_promise: bool) -> None:
    email = saying(f"I've put together a {thing} for your second yard.")
    written = replace(email, make_first="Lamps by hall, then by hour. " * 5)

    assert [error.rule for error in email_errors(email)] == ["D20"]
    assert [error.rule for error in email_errors(replace(email, make_first="ok"))] == ["D20"]
    assert [error.rule for error in email_errors(written)] == (["D20"] if is_promise else [])
