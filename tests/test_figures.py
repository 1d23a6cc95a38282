"""Figures, names and quotations: what counts as the same, and what does not."""

from __future__ import annotations

import pytest

from octave_mcp.domain.names import normal
from octave_mcp.evidence.figures import codes, figures, has_words, names, strange_names, strange_quotations


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("40 %", "40 percent"),
        ("40%", "40 per cent"),
        ("40%", "40％"),
        ("1.2M users", "1,200,000 users"),
        ("1.2 million", "1.2mn"),
        ("$1.2M", "$1.2 million"),
        ("€3bn", "€3 billion"),
        ("10k", "10,000"),
        ("10 thousand", "10,000"),
        ("3万", "30,000"),
        ("2亿", "200 million"),
        ("10x", "10X"),
        ("10x", "10Xed"),
        ("10Xed it", "10xed it"),
        ("three weeks", "3 weeks"),
        ("a three-week trial", "3 weeks"),
        ("a 30-day trial", "30 days"),
        ("twelve plants", "12 plants"),
        ("twenty-five people", "25 people"),
        ("two million", "2,000,000"),
        ("five hundred", "500"),
        ("0.50", "0.5"),
        ("10-15%", "10% to 15%"),
        ("10–15%", "10-15%"),
        ("2 to 3 million", "2M to 3M"),
        ("3 to 6 months", "3-6 months"),
    ],
)
def test_figures_written_differently_are_the_same(one: str, other: str) -> None:
    assert figures(one) == figures(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("40%", "40"),
        ("40%", "41%"),
        ("$40", "€40"),
        ("$40", "40"),
        ("1.2M", "1.2bn"),
        ("1.2M", "12M"),
        ("10x", "10"),
        ("10x", "10%"),
        ("3 weeks", "3 months"),
        ("three days", "three hours"),
        ("twenty-five", "twenty-six"),
        ("2 million", "millions"),
        ("支持10个节点", "支持11个节点"),
        ("7×24", "7×25"),
        ("2.1", "21"),
    ],
)
def test_figures_that_say_different_things_differ(one: str, other: str) -> None:
    assert figures(one) != figures(other)


def test_a_scale_word_counts_even_beside_a_year() -> None:
    assert figures("Millions use it since 2024") - figures("In use since 2024")


def test_a_year_before_a_percentage_is_not_part_of_a_range() -> None:
    assert figures("2024 - 40%") == figures("in 2024, 40%")


def test_a_text_without_figures_has_none() -> None:
    assert figures("One team, v2 of the editor, and nobody else.") == set()


@pytest.mark.parametrize(("text", "found"), [("SOC2 and v1.30.0", {"soc2", "v1.30.0"}), ("x86, not 86", {"x86"})])
def test_words_with_figures_in_them_are_codes(text: str, found: set[str]) -> None:
    assert codes(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("They chose Acme over Globex.", ["Acme", "Globex"]),
        ("They asked Maria Lund.", ["Maria", "Lund"]),
        ("Acme's team grew.", ["Acme"]),
        ("Acme’s team grew.", ["Acme"]),
        ("It belongs to Acme's owner.", ["Acme"]),
        ("Globex cut costs.", ["Globex"]),
        ("PostHog helps.", ["PostHog"]),
        ("The editor is fast.", []),
        ("Nothing is faster.", []),
        ("It's a lamp. What's next?", []),
        ("Would the VP of Engineering care on Monday?", []),
        ("We asked. Then They answered.", ["They"]),
    ],
)
def test_a_name_is_a_capital_that_no_sentence_asks_for(text: str, found: list[str]) -> None:
    assert list(names(text)) == found


@pytest.mark.parametrize("around", ["We met ACME.", "the acme team", "“Acme”, they said", "*Acme*"])
def test_a_name_is_known_whatever_its_case_and_marks(around: str) -> None:
    assert strange_names("They like Acme.", around) == []


def test_a_part_of_a_word_is_not_the_name() -> None:
    assert strange_names("They like Acme.", "the acmeology of it") == ["Acme"]


def test_each_strange_name_is_told_once() -> None:
    assert strange_names("They left Acme, and Acme knew.", "") == ["Acme"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("They say “we ship faster”.", "We ship faster."),
        ('They say "we ship faster."', "Today we ship faster, they say"),
        ("They say “it’s 5–6 times as fast”", "it's 5-6 times as fast"),
        ("They say “so   much\nfaster”", "so much **faster**"),
        ("他们说“非常快”", "客户说非常快。"),
        ("It's theirs, not the team's.", ""),
    ],
)
def test_a_quotation_matches_whatever_its_quotes_dashes_spaces_and_case(text: str, said: str) -> None:
    assert strange_quotations(text, said) == []


@pytest.mark.parametrize(
    "text", ["They say “we ship fast”.", 'They say "we never ship".', "They say ‘we ship slowly’."]
)
def test_a_quotation_that_was_not_said_is_strange(text: str) -> None:
    assert len(strange_quotations(text, "We ship faster.")) == 1


def test_normal_text_has_one_form() -> None:
    assert normal("“Ａ — `B`”\n *c*") == '"a - b" c'


def test_words_are_found_in_order_only() -> None:
    assert has_words("Wells Fargo", "wells-fargo grew")
    assert not has_words("Wells Fargo", "Fargo and Wells")
    assert not has_words("Well", "Wells Fargo")
