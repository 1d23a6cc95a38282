"""Tests that pages are split into sentences correctly, so that every quotation is a complete sentence."""

from __future__ import annotations

import pytest
from scripted import page

from octave_mcp.evidence.passages import passages


def sentences(text: str) -> list[str]:
    found = passages(page("https://quillport.example/", text))
    return [passage.sentence(number + 1) for passage in found for number in range(len(passage.sentences))]


@pytest.mark.parametrize(
    "text",
    [
        "We sell in the U.S.⏎The rest follows.",
        "The U.S. Government buys it.",
        "Acme Inc. Ghent and Brackwater Ltd. Lyon agreed.",
        "Acme Ltd.⏎We ship.",
        "Acme (U.K.) Ltd. Ghent",
        "At approx. 5 p.m. Monday we ship.",
        "At 5 p.m.⏎We ship.",
        "See e.g. Siemens.⏎It works.",
        "No. 5 in Europe.⏎Yes.",
        "Fig. 3 shows it.⏎See Sec. 4.",
        "On Dec. 5 we met.⏎Good.",
        "Ann Lee, Ph.D. and J. R. Smith met.⏎They left.",
        "St. Gallen is near.",
        "He lives on Main St.⏎The depot is there.",
        "Plan B.⏎It works.",
        "It costs $4.50.⏎Version 2.0.⏎Next.",
        "Founded in 2019.⏎Based in Ghent.",
        "Wait... What?".replace(" ", "⏎"),
        "We tried … Acme won.",
        "“Really?” Ann Lee asked.⏎Yes.",
        "He said “No.”⏎We left.",
        "First step.⏎2. Watch it.",
        "Am 12. Mai 2021 kam Acme.⏎Wir liefern.",
        "z. B. Siemens nutzt es.⏎Wir auch.",
        "Pourquoi ?⏎Parce que.",
        "¿Cómo?⏎¡Así!⏎Bien.",
        "「はい。」と言った。⏎終わり。",
        "نحن في غنت.⏎نعمل كل يوم؟⏎نعم.",
        "हम आते हैं।⏎हम जाते हैं।",
        "Мы в Генте.⏎Нас 120.",
    ],
)
def test_text_is_split_into_sentences_as_a_reader_would(text: str) -> None:
    wanted = text.split("⏎")
    assert sentences(("" if text.startswith("「") else " ").join(wanted)) == wanted


def test_a_heading_is_not_joined_to_the_next_paragraph() -> None:
    assert sentences("## Plans. All of them\nTeam costs $49.\n- One. Two.") == [
        "Plans. All of them",
        "Team costs $49.",
        "One.",
        "Two.",
    ]


@pytest.mark.parametrize("text", ["1. " * 50_000, "A. " * 50_000, "." * 150_000, '."""' * 40_000, "。" * 150_000])
def test_a_sentence_after_a_long_line_of_punctuation_is_found(text: str) -> None:
    assert sentences(f"{text}\nThe end.")[-1] == "The end."
