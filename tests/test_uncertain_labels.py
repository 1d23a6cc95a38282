"""Without a language model, a finding is listed only if the page's words make its label certain.

For example, the label of a fact can be 'pricing' or 'compliance'.
"""

from __future__ import annotations

import pytest
from test_collector import read


@pytest.mark.parametrize(
    ("sentence", "topic"),
    [
        ("Quillport never keeps names, so it is fully compliant with GDPR.", "compliance"),
        ("Quillport offers a free trial of thirty days.", "pricing"),
        ("Quillport works with all major makers of winches.", "business"),
        ("Quillport supports every winch and plans each repair.", "offering"),
        ("Quillport offers verified security, backed by a USD 10,000 bug bounty.", "offering"),
        ("Quillport is packed with amazing features that show each repair.", None),
        ("Quillport is the perfect solution for repairs.", None),
        ("We support people who are new to our community.", None),
        ("66% of experienced welders prefer steel, and our customers do.", None),
    ],
)
async def test_a_fact_is_left_out_unless_its_words_make_its_topic_certain(sentence: str, topic: str | None) -> None:
    facts = (await read(f"# Planner\n\n{sentence}", path="/product/planner")).facts

    assert [fact.topic for fact in facts] == ([topic] if topic else [])


@pytest.mark.parametrize(
    ("title", "text", "listed"),
    [
        ("And much more", "Quillport offers a search of all repairs.", "Quillport offers a search of all repairs."),
        ("Trends", "Quillport compares months of repairs.", "Quillport compares months of repairs."),
        ("Trends", "Compare months to discover key trends in your repairs.", None),
        ("Painters", "Measure all you want to know about winches.", None),
    ],
)
async def test_a_title_precedes_a_text_only_if_both_are_about_the_same_thing(
    title: str, text: str, listed: str | None
) -> None:
    page = f"# Planner\n\n## Features\n\n### {title}\n\n{text}\n\n### Ledger\n\nThe ledger of Quillport lists costs."
    facts = (await read(page, path="/product/planner")).facts

    assert [fact.text for fact in facts if text in fact.text] == ([listed] if listed else [])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/box", "Quillport Box is a planner for boats.\n\nUnfortunately, this project has ended."),
        ("/partners", "We provide networks and telephones to homes and offices."),
        ("/product/planner", "- Hacking rooms: Quillport uses MA548 and MA549 on Friday and Saturday"),
        ("/product/planner", "- List images: type docker ps to see the images that Quillport offers"),
    ],
)
async def test_ended_projects_partner_services_and_instructions_are_not_facts(path: str, text: str) -> None:
    assert (await read(f"# Planner\n\n{text}", path=path)).facts == ()


TIMELINE = """# History

#### Quillport replaces Oarwell

June 2016

#### Quillport launches a planner

May 2018

#### Oarwell 9.0 released

March 2015

#### Desktop Client 2.0 released

August 2014
"""


async def test_a_timeline_gives_the_date_below_each_heading_and_skips_the_predecessor() -> None:
    answer = await read(TIMELINE, path="/about/history")

    assert [(found.what, found.date) for found in answer.triggers] == [("Quillport launches a planner", "May 2018")]


RELEASE = """# Quillport introduces a planner

Oslo, Norway, May 3, 2024 – Quillport introduced a planner for repairs.
"""


async def test_a_press_release_has_the_date_of_its_dateline() -> None:
    answer = await read(RELEASE, path="/news/planner")

    assert {found.date for found in answer.triggers} == {"May 3, 2024"}


PRESS = """# Press

- May 3, 2024: Quillport 4 brings a planner for repairs
- May 2, 2024: Managed Quillport: Northgate launches a shipyard
- May 1, 2024: Quillport and Tidewell partner to repair winches
"""


async def test_a_list_of_press_releases_gives_only_the_companys_own_launches_and_partners() -> None:
    answer = await read(PRESS, path="/news")

    assert [(found.what, found.date) for found in answer.triggers] == [
        ("Quillport 4 brings a planner for repairs", "May 3, 2024")
    ]
    assert [(found.name, found.relation) for found in answer.integrations] == [("Tidewell", "partner")]


@pytest.mark.parametrize(
    "sentence",
    [
        "Quillport is HIPAA compliant.",
        "I have read the terms and share my details with our partners Tidewell and Northgate.",
        "Sharing a plan with our customers is as easy as sending it from Gmail.",
    ],
)
async def test_laws_consent_notices_and_comparisons_name_no_integrations(sentence: str) -> None:
    assert (await read(f"# Planner\n\n{sentence}", path="/product/planner")).integrations == ()
