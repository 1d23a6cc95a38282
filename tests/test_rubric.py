"""Every rule on copy has a text that breaks it and one that keeps it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from scripted import evidence_of

from octave_mcp.copywriting.readability import reading_grade
from octave_mcp.copywriting.rubric import (
    PERSONAS_ALIKE,
    TOUCHES_ALIKE,
    Email,
    absolutes,
    card_score,
    email_errors,
    email_score,
    likeness,
    sources,
    talk_track_score,
)
from octave_mcp.domain.evidence import Evidence
from octave_mcp.evidence.checks import CUT, DEPENDS, EMPTY, IGNORED, INCOMPLETE, RULES, THOUGHTS, UNREAD, Problem

FIRST_BODY = (
    "Hi {{first_name}},\n\n"
    "Your home page says you build ferries in two yards. Work at night is slow there, you say. "
    "Your crews could see each dark spot before they drill. That is how one yard cut its rework.\n\n"
    "You may know which hall you would try first. Would that be of use to you?\n\n"
    "{{sender_first_name}}"
)


def on_page(*paths: str, published: date | None = None) -> list[Evidence]:
    found = [evidence_of(f"Line {n} of {path}.", f"https://lumenforge.example{path}") for n, path in enumerate(paths)]
    return [evidence.model_copy(update={"published_on": published}) for evidence in found]


def theirs(text: str) -> list[Evidence]:
    return [evidence_of(text).model_copy(update={"role": "prospect"})]


GOOD = Email(
    subject="Lamps for your new hall",
    body=FIRST_BODY,
    ask="Would that be of use to you?",
    ask_label="interest",
    position=0,
    last=False,
    day=1,
    earlier_days=(),
    earlier=(),
    evidence=on_page("/a"),
    earlier_evidence=frozenset(),
)
LAST = replace(
    GOOD,
    position=3,
    last=True,
    day=14,
    earlier_days=(1, 3, 7),
    body=FIRST_BODY.replace("You may know", "Tell me to stop and you hear no more. You may know"),
    ask_label="goodbye",
)


def broken(email: Email) -> set[str]:
    return {warning.split()[0] for warning in email_score(email).warnings}


def body(text: str) -> str:
    """A first touch with this text before its ask."""
    return FIRST_BODY.replace("You may know which hall you would try first.", text)


def words(count: int) -> str:
    """A body of so many words, short sentences and one ask."""
    return "Hi,\n\n" + " ".join(["you can see it."] * ((count - 4) // 4) + ["so"] * ((count - 4) % 4)) + " Is it so?"


def test_good_touches_break_no_rule() -> None:
    assert email_score(GOOD).warnings == ()
    assert email_score(LAST).warnings == ()
    assert email_errors(GOOD) == email_errors(LAST) == []
    assert email_score(GOOD).points == 100


@pytest.mark.parametrize(
    ("rule", "email"),
    [
        ("D11", replace(GOOD, body=words(49))),
        ("D11", replace(GOOD, body=words(92))),
        ("D11", replace(LAST, body=words(24))),
        ("D11", replace(LAST, body=words(122))),
        ("D12", replace(GOOD, subject="one two three four five six seven eight")),
        ("D12", replace(GOOD, subject="x" * 51)),
        ("D12", replace(GOOD, subject="Re: your hall")),
        ("D12", replace(GOOD, subject="fwd: your hall")),
        ("D12", replace(GOOD, subject="NEW LAMPS")),
        ("D12", replace(GOOD, subject="New lamps!!")),
        ("D12", replace(GOOD, subject="New lamps 🎉")),
        ("D13", replace(GOOD, body=body("Do you know which hall? Or which yard?"))),
        ("D13", replace(GOOD, body=FIRST_BODY.replace("?", "."), ask="That would be of use to you.")),
        ("D13", replace(GOOD, ask_label="meeting")),
        ("D13", replace(GOOD, position=1, ask_label="goodbye")),
        ("D14", replace(GOOD, body=body("You may know " + "which hall of yours it is " * 5 + "now."))),
        ("D14", replace(GOOD, body=body("Your crew says “" + "so it is " * 7 + "now”."))),
        ("D14", replace(GOOD, body=body("Organisational interoperability necessitates illumination. " * 5))),
        (
            "D16",
            replace(GOOD, body=body("We do it. We know it. We like it. We have our way. We show us our work. I do.")),
        ),
        ("D16", replace(GOOD, body=FIRST_BODY.replace("Your home page says you", "We saw that you"))),
        ("D16", replace(GOOD, body=FIRST_BODY.replace("Your home page says you", "I saw that you"))),
        ("D17", replace(GOOD, body=body("I hope this finds you well."))),
        ("D17", replace(GOOD, body=body("Your game-changing halls are best-in-class."))),
        ("D17", replace(GOOD, body=body("You will like it!"))),
        ("D17", replace(GOOD, body=body("See https://a.example and https://b.example for yours."))),
        ("D18", replace(GOOD, position=1, earlier=(FIRST_BODY,))),
        ("D18", replace(GOOD, position=1, earlier_evidence=frozenset(e.id for e in GOOD.evidence))),
        ("D19", replace(GOOD, position=1, day=3, earlier_days=(1, 3))),
        ("D21", replace(LAST, body=FIRST_BODY)),
        ("D21", replace(LAST, body=body("You would adopt an option without an opinion."))),
        ("D8", replace(GOOD, evidence=on_page("/a", published=date(2024, 8, 1)))),
        ("D9", replace(GOOD, evidence=on_page("/a", "/a", "/b", "/c"))),
    ],
)
def test_a_touch_that_breaks_a_rule_is_warned_of(rule: str, email: Email) -> None:
    assert rule in broken(email)


@pytest.mark.parametrize(
    ("rule", "email"),
    [
        ("D11", replace(GOOD, body=words(50))),
        ("D11", replace(GOOD, body=words(91))),
        ("D11", replace(LAST, body=words(25))),
        ("D11", replace(LAST, body=words(121))),
        ("D12", replace(GOOD, subject="one two three four five six seven")),
        ("D12", replace(GOOD, subject="x" * 50)),
        ("D12", replace(GOOD, subject="Regarding the VP's new hall!")),
        ("D13", replace(GOOD, position=2, ask_label="meeting")),
        ("D14", replace(GOOD, body=body("Your crew says “" + "it is so now " * 4 + "it is so now”."))),
        ("D16", replace(GOOD, body=body("You know your hall. We do too."))),
        ("D16", replace(GOOD, body=body("Your crew says “we like our way, we do, we do”."))),
        ("D17", replace(GOOD, body=body("Your crew says “what a hall!” on https://a.example."))),
        ("D18", replace(GOOD, position=1, earlier=("Nothing of this was said before at all.",))),
        ("D19", replace(GOOD, position=1, day=3, earlier_days=(1,))),
        ("D21", replace(LAST, body=body("You can opt out with one word."))),
        ("D8", replace(GOOD, evidence=on_page("/a", published=date(2024, 12, 1)))),
        ("D9", replace(GOOD, evidence=on_page("/a", "/a", "/b", "/c", "/d"))),
        ("D9", replace(GOOD, evidence=on_page("/a", "/a", "/a"))),
        ("D9", replace(GOOD, evidence=on_page("/customers/tidewell", "/customers/tidewell", "/a", "/b"))),
        ("D12", replace(GOOD, subject="SOC 2", body=body("You keep SOC 2 as it is."))),
        ("D12", replace(GOOD, subject="CVE", evidence=[evidence_of("A CVE a day.")])),
        ("D12", replace(GOOD, subject="Lumen® lamps for ㈱Tide")),
        ("D13", replace(GOOD, body=body("Who looks at your hall at night?"))),
        ("D13", replace(GOOD, body=FIRST_BODY.replace("?", "."), ask="Reply yes and I will send a sketch.")),
        ("D13", replace(LAST, body=LAST.body.replace("?", "."), ask="The door stays open.")),
        (
            "D14",
            replace(GOOD, body=body("You may know Organisational Interoperability Sophistication, as you do. " * 2)),
        ),
        ("D14", replace(GOOD, body=body("You do remediation now. " * 4), evidence=theirs("We do remediation."))),
        ("D16", replace(GOOD, body=FIRST_BODY.replace("Your home page says you", "Our yard saw that you"))),
        ("D16", replace(LAST, body=body("A short no is enough for me, and I, and I, and I, and I, and I, and I."))),
        ("D17", replace(GOOD, body=body("Your crew says “best-in-class”."))),
        ("D17", replace(GOOD, body=body("Your lamps are world-class."), evidence=[evidence_of("World-class lamps.")])),
        ("D17", replace(GOOD, body=body("You use Yahoo! now."), evidence=[evidence_of("We left Yahoo! for good.")])),
        ("D18", replace(LAST, earlier_evidence=frozenset(e.id for e in GOOD.evidence))),
    ],
)
def test_a_touch_that_keeps_a_rule_is_not(rule: str, email: Email) -> None:
    assert rule not in broken(email)


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
def test_a_touch_that_breaks_a_rule_of_truth_is_an_error(rule: str, text: str) -> None:
    assert [error.split()[0] for error in email_errors(replace(GOOD, body=body(text)))] == [rule]


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
def test_a_touch_that_keeps_the_rules_of_truth_is_none(text: str) -> None:
    assert email_errors(replace(GOOD, body=body(text))) == []


def test_a_placeholder_in_the_subject_is_checked_too() -> None:
    assert email_errors(replace(GOOD, subject="[topic] for you"))


def test_each_warning_costs_points_and_no_score_is_below_zero() -> None:
    one = email_score(replace(GOOD, subject="Re: hall"))
    many = email_score(replace(LAST, body="I! " * 200, subject="RE: X!!", day=1, evidence=(), earlier=("I! " * 200,)))
    assert 0 <= many.points < one.points < 100


QUESTIONS = tuple(f"How do you light hall {number}?" for number in range(8))


def talk(pitch: str = "Short.", opener: Sequence[str] = ("Why.",), questions: Sequence[str] = QUESTIONS) -> set[str]:
    return {warning.split()[0] for warning in talk_track_score(pitch, opener, questions, on_page("/a")).warnings}


def test_a_talk_track_that_breaks_a_rule_is_warned_of() -> None:
    assert talk(pitch="word " * 76) == {"D23"}
    assert talk(opener=()) == {"D24"}
    assert talk(questions=QUESTIONS[:7]) == {"D25"}
    assert talk(questions=QUESTIONS * 2) == {"D25"}
    assert talk(questions=(*QUESTIONS, "Do you drill?", "Is it dark?", "Can you see?")) == {"D25"}


def test_a_talk_track_that_keeps_the_rules_is_not() -> None:
    assert talk(pitch="word " * 75) == set()
    assert talk(questions=(*QUESTIONS, "Do you drill?", "Is it dark?")) == set()
    assert talk(questions=QUESTIONS[:7] * 2) == set()


def test_cards_are_short_and_their_lists_too() -> None:
    assert card_score(["word " * 300], 5, on_page("/a")).warnings == ()
    assert [w.split()[0] for w in card_score(["word " * 301], 5, on_page("/a")).warnings] == ["D28"]
    assert [w.split()[0] for w in card_score(["word"], 6, on_page("/a")).warnings] == ["D28"]
    assert card_score(["word"], 1, on_page("/a"), ["D7 alone"]).warnings == ("D7 alone",)


def test_evidence_of_one_page_or_of_long_ago_is_told() -> None:
    assert list(sources([])) == []
    old = on_page("/a", "/b", published=date(2023, 1, 1))
    assert list(sources(old)) == ["D8 rests on evidence from 2023-01-01"]


@pytest.mark.parametrize("text", ["We are the only one.", "No one else does it.", "It always works.", "Guaranteed."])
def test_an_absolute_claim_is_seen(text: str) -> None:
    assert absolutes(text)


@pytest.mark.parametrize("text", ["They say “the only one”.", "It works for most.", "An alloy."])
def test_a_modest_or_quoted_claim_is_none(text: str) -> None:
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
def test_an_absolute_of_the_quotation_itself_or_in_a_harmless_turn_is_none(text: str, quoted: str) -> None:
    assert not absolutes(text, [quoted])


def test_an_absolute_of_another_quotation_is_a_fault() -> None:
    assert absolutes("It is the only one.", ["It never fails.", "It is one."])


@pytest.mark.parametrize("language", ["de", "ja"])
def test_rules_that_go_by_english_words_say_nothing_of_another_language(language: str) -> None:
    text = "Hallo,\n\nI organisationally interoperability, i necessitating illumination, i world-class.\n\nAda"
    email = replace(LAST, body=text, ask="Schreiben Sie mir.", ask_label="meeting", language=language)
    assert broken(email) <= {"D11"}
    assert {"D13", "D14", "D16", "D17", "D21"} <= broken(replace(email, language="en"))


def test_words_of_scripts_without_spaces_are_counted() -> None:
    assert "D11" not in broken(replace(GOOD, body=f"こんにちは、\n\n{'夜の作業はどうですか。' * 12}", language="ja"))


@pytest.mark.parametrize("count", [50, 90])
def test_a_limit_of_words_holds_for_what_is_written_without_greeting_and_signature(count: int) -> None:
    written = " ".join(["so"] * (count - 1)) + " it?"
    text = f"Hi {{{{first_name}}}},\n\n{written}\n\n{{{{sender_first_name}}}}, {{{{sender_company}}}}"
    assert "D11" not in broken(replace(GOOD, body=text))


def test_likeness_is_of_runs_of_five_words() -> None:
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


def test_the_table_of_rules_has_those_that_checks_name_and_no_other() -> None:
    named = {rule for package in ("evidence", "copywriting") for rule in rules_in(ROOT / "octave_mcp" / package)}
    assert {*named, CUT, DEPENDS, EMPTY, IGNORED, INCOMPLETE, THOUGHTS, UNREAD} == set(RULES)


def rules_in(folder: Path) -> set[str]:
    """The rules in the texts of a package; the keys of the table and what is documentation aside."""
    nodes = [node for file in folder.rglob("*.py") for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    aside = {id(key) for node in nodes if isinstance(node, ast.Dict) for key in node.keys}
    aside |= {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in aside)
    return {rule for text in texts if isinstance(text, str) for rule in re.findall(r"\bD\d+\b", text)}


def test_a_problem_names_a_rule_of_the_table() -> None:
    with pytest.raises(ValueError, match="D99"):
        Problem("D99", "nobody knows")


# E-mails with readers' verdicts

CASES = ROOT.parent / "shared" / "cases" / "emails" / "emails.jsonl"
LABELS = {1: "interest", 3: "interest", 7: "meeting", 14: "goodbye"}


@pytest.fixture
def judged() -> list[dict[str, Any]]:
    if not CASES.is_file():
        pytest.skip("the e-mails with readers' verdicts (../shared/cases/emails) are absent")
    return [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]


def read(case: dict[str, Any]) -> Email:
    return replace(
        GOOD,
        subject=case["subject"],
        body=case["body"],
        ask=case["body"].split("\n\n")[-2],
        ask_label=LABELS[case["day"]],
        position=list(LABELS).index(case["day"]),
        last=case["day"] == max(LABELS),
        day=case["day"],
    )


def test_no_goodbye_that_readers_saw_lacks_an_ask_or_a_way_out(judged: list[dict[str, Any]]) -> None:
    goodbyes = [read(case) for case in judged if case["day"] == max(LABELS)]
    assert len(goodbyes) == 6
    assert not {"D13", "D21"} & set[str]().union(*map(broken, goodbyes))


def test_no_email_that_readers_saw_breaks_a_rule_of_truth(judged: list[dict[str, Any]]) -> None:
    assert [error for case in judged for error in email_errors(read(case))] == []


def test_no_email_that_a_reader_would_answer_or_that_reads_well_is_faulted(judged: list[dict[str, Any]]) -> None:
    liked = [
        case for case in judged if case.get("buyer") == "reply" or min(case.get("voice", 0), case.get("ask", 0)) > 6
    ]
    assert len(liked) >= 6
    assert [email_score(read(case)).warnings for case in liked if broken(read(case))] == []
