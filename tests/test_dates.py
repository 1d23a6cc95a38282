"""Tests that a line of a page gets its date from the headings above it."""

from __future__ import annotations

from datetime import date

import pytest
from scripted import page

from octave_mcp.evidence.dates import date_of_heading
from octave_mcp.evidence.passages import passages


@pytest.mark.parametrize(
    ("heading", "day"),
    [
        ("Sep 2021: 30 people", date(2021, 9, 30)),
        ("September 2021", date(2021, 9, 30)),
        ("Jun 10th, 2021 – Series B", date(2021, 6, 30)),
        ("10 June 2021", date(2021, 6, 30)),
        ("2021-06-10", date(2021, 6, 10)),
        ("Open jobs, 2021-06-10", date(2021, 6, 10)),
        ("2021-06-31", date(2021, 6, 30)),
        ("2021-06", date(2021, 6, 30)),
        ("2024", date(2024, 12, 31)),
        ("Series B (Feb 2024)", date(2024, 2, 29)),
        ("2021年9月", date(2021, 9, 30)),
        ("What 2021 taught us", None),
        ("2,024 lamps", None),
        ("2024 lamps in a day", None),
        ("Story", None),
    ],
)
def test_the_date_of_a_heading_is_its_day_or_the_last_day_of_its_month_or_year(heading: str, day: date | None) -> None:
    assert date_of_heading(heading) == day


def test_a_line_has_the_date_of_its_heading() -> None:
    text = "# Story\n\nNow.\n\n## Sep 2021: More\n\nThen.\n\n### People\n\nStill then.\n\n## Values\n\nNow again."
    story = page("https://quillport.example/story", text)

    dates = {passage.text: passage.page.published_on for passage in passages(story)}
    assert {text for text, day in dates.items() if day} == {"## Sep 2021: More", "Then.", "### People", "Still then."}


def test_a_heading_later_than_today_or_its_page_does_not_date_its_lines() -> None:
    text = "# Plan\n\n## 2031\n\nBuild.\n\n## 2025\n\nDraw.\n\n## 2019\n\nThink."
    plan = page("https://quillport.example/plan", text, published_on=date(2024, 5, 1))

    dates = {passage.text: passage.page.published_on for passage in passages(plan)}
    assert [dates[line] for line in ("Build.", "Draw.", "Think.")] == [
        date(2024, 5, 1),
        date(2024, 5, 1),
        date(2019, 12, 31),
    ]
