"""Tests of whether two figures, or two words, count as equal."""

from __future__ import annotations

import pytest

from octave_mcp.domain.names import normal
from octave_mcp.evidence.figures import figures, has_words


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


def test_a_scale_word_counts_as_a_figure_even_near_a_year() -> None:
    assert figures("Millions use it since 2024") - figures("In use since 2024")


def test_a_year_before_a_percentage_is_not_part_of_a_range() -> None:
    assert figures("2024 - 40%") == figures("in 2024, 40%")


def test_a_text_without_figures_has_none() -> None:
    assert figures("One team, v2 of the editor, and nobody else.") == set()


def test_text_is_normalised_to_one_form() -> None:
    assert normal("“Ａ — `B`”\n *c*") == '"a - b" c'


def test_words_are_found_only_in_order() -> None:
    assert has_words("Wells Fargo", "wells-fargo grew")
    assert not has_words("Wells Fargo", "Fargo and Wells")
    assert not has_words("Well", "Wells Fargo")
