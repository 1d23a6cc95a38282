"""Events, people, tools and facts that the extractive model collects from pages by rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest
from matrix import sampled
from scripted import PROSPECT, VENDOR, page

from octave_mcp.asks.prompts import ask_for
from octave_mcp.domain.asks import ReadingBrief
from octave_mcp.domain.evidence import Cite, Finding
from octave_mcp.domain.prospect import ProspectAnswer
from octave_mcp.domain.vendor import VendorAnswer
from octave_mcp.evidence.passages import passages, quotations
from octave_mcp.models.extractive.attribution import short_name
from octave_mcp.models.extractive.model import Extractive


async def read(text: str, path: str = "/about", published_on: date | None = None) -> ProspectAnswer[Cite]:
    shown = passages(page(f"https://{PROSPECT}{path}", text, published_on=published_on))
    brief = ReadingBrief(
        role="prospect", company="Quillport", domain=PROSPECT, counterpart=VENDOR, context="", offer=""
    )
    ask = ask_for(
        ("prospect/company_profile",), language="en", brief=brief, passages=shown, answer=ProspectAnswer[Cite]
    )
    answer = (await Extractive().answer(ask)).value
    for finding in findings(answer):
        assert all(quotations(cite, shown, "prospect") for cite in finding.evidence)
    return answer


def findings(answer: ProspectAnswer[Cite]) -> Iterable[Finding[Cite]]:
    return (found for name in ProspectAnswer.model_fields for found in getattr(answer, name))


EVENTS = {
    "We raised a $4.5M seed round led by Northgate.": "funding",
    "Quillport has acquired Tidewell, a maker of winches.": "acquisition",
    "We appointed Ada Lovering as Chief Operating Officer.": "hire",
    "Quillport is now certified to ISO 9001.": "regulation",
    "We are launching a ferry that runs on batteries.": "launch",
    "We changed our pricing: a repair has one price now.": "price_change",
    "We will be at the Harbour Conference in Oslo in May 2026.": "event",
    "We started a campaign for quiet harbours.": "campaign",
    "We are looking for three welders to join us.": "job_opening",
}
NO_EVENTS = (
    "If we raised a seed round, we would build a third yard.",
    "We are looking for feedback on our ferries.",
    "Our user acquisition cost is low.",
    "Tidewell raised a $4.5M seed round.",
    "“We raised a $4.5M seed round,” said Bo Lind of Tidewell.",
    "Did we launch a ferry that runs on batteries?",
    "We try to launch a ferry every week.",
)


@pytest.mark.parametrize("sentence", sampled(tuple(EVENTS), lambda text: "raised" in text or "acquired" in text))
async def test_a_sentence_about_the_company_gives_an_event(sentence: str) -> None:
    answer = await read(f"# News\n\n{sentence}", path="/news/first")

    assert [(found.kind, found.what) for found in answer.triggers] == [(EVENTS[sentence], sentence)]


@pytest.mark.parametrize("sentence", NO_EVENTS)
async def test_wishes_questions_and_actions_of_others_are_not_events(sentence: str) -> None:
    assert (await read(f"# News\n\n{sentence}", path="/news/first")).triggers == ()


@pytest.mark.parametrize(
    ("headline", "kind"),
    [
        ("Quillport raises $12 million for a third yard", "funding"),
        ("Introducing the quiet ferry", "launch"),
        ("Tidewell is now part of Quillport", "acquisition"),
        ("Ada Lovering joins Quillport as Chief Operating Officer", "hire"),
        ("How to choose a ferry", None),
        ("Tidewell launches a winch", None),
        ("Why we launched a quiet ferry", None),
    ],
)
async def test_the_headline_of_a_post_gives_an_event(headline: str, kind: str | None) -> None:
    answer = await read(f"# {headline}\n\nIt is grey today.", path="/news/first", published_on=date(2026, 3, 2))

    assert [found.kind for found in answer.triggers] == ([kind] if kind else [])
    assert [found.date for found in answer.triggers] == ([None] if kind else []), "the page has its date"


async def test_an_event_is_dated_by_its_sentence_or_by_the_heading_above_it() -> None:
    timeline = (
        "# Story\n\n## Jun 2021: Series B\n\nWe raised $15 million.\n\n## Later\n\nWe launched a yard school in 2023."
    )
    answer = await read(timeline)

    assert [(found.what, found.date) for found in answer.triggers] == [
        ("We raised $15 million.", "Jun 2021"),
        ("We launched a yard school in 2023.", "2023"),
    ]
    assert len(answer.triggers[0].evidence) == 2, "the quotation shows the date"


async def test_the_byline_dates_a_post_that_has_no_other_date() -> None:
    answer = await read(
        "# Introducing the quiet ferry\n\nAda Lovering · 12 March 2024\n\nIt is grey.", path="/blog/quiet"
    )

    assert [found.date for found in answer.triggers] == ["12 March 2024"]


async def test_open_jobs_are_triggers_only_of_a_vendor() -> None:
    careers = "# Careers\n\n## Open positions\n\n- Head of Operations, Oslo\n"
    assert [job.title for job in (await read(careers, path="/careers")).jobs] == ["Head of Operations, Oslo"]
    assert (await read(careers, path="/careers")).triggers == ()

    shown = passages(page(f"https://{VENDOR}/careers", careers))
    brief = ReadingBrief(role="vendor", company="Lumenforge", domain=VENDOR, counterpart="", context="", offer="")
    ask = ask_for(("company/triggers",), language="en", brief=brief, passages=shown, answer=VendorAnswer[Cite])
    answer = (await Extractive().answer(ask)).value
    assert [(found.kind, found.what) for found in answer.triggers] == [("job_opening", "Head of Operations, Oslo")]


async def people(text: str, path: str = "/about") -> list[tuple[str, str | None, str, str | None]]:
    return [(person.name, person.title, person.where, person.employer) for person in (await read(text, path)).people]


async def test_people_are_found_in_lists_cards_and_table_rows() -> None:
    team = """# About us

## Leadership

- Ada Lovering, Chief Executive

### Bo Lindqvist

VP of Engineering

| Cay Holm | Head of Safety |
| --- | --- |
| Dan Berg | Welder |

## Investors

- Eva Sund, Founder
"""
    assert await people(team) == [
        ("Ada Lovering", "Chief Executive", "leadership", None),
        ("Cay Holm", "Head of Safety", "team", None),
        ("Dan Berg", "Welder", "team", None),
        ("Bo Lindqvist", "VP of Engineering", "leadership", None),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Ada Lovering · 2026-03-02", [("Ada Lovering", None)]),
        ("Written by Ada Lovering and Bo Lindqvist", [("Ada Lovering", None), ("Bo Lindqvist", None)]),
        ("Ada Lovering, Head of Safety · 2026-03-02", [("Ada Lovering", "Head of Safety")]),
        ("Ada Lovering saw it", []),
        ("Quiet Ferries · 2026-03-02", [("Quiet Ferries", None)]),
        ("By Ada", []),
    ],
)
async def test_the_byline_of_a_post_names_its_authors(line: str, expected: list[tuple[str, str | None]]) -> None:
    found = await people(f"# The quiet ferry\n\n{line}\n\nIt is grey today.", path="/blog/quiet")

    assert [(name, title) for name, title, where, _ in found if where == "author"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "> The ferry is quiet.\n> — Eva Sund, Captain Manager, Tidewell",
            ("Captain Manager", "testimonial", "Tidewell"),
        ),
        ("“It is quiet,” said Eva Sund, Tidewell’s Chief Engineer.", ("Chief Engineer", "speaker", "Tidewell")),
        ("We met Eva Sund, co-founder of Tidewell.", ("co-founder", "speaker", "Tidewell")),
        ("> We build quiet ferries.\n> — Eva Sund, CEO, Quillport", ("CEO", "speaker", None)),
        ("We met the team of Eva Sund Head of Crews.", None),
        ("The Health and Human Services’ Head Start Office is grey.", None),
    ],
)
async def test_a_person_who_is_quoted_or_introduced_has_an_employer(
    text: str, expected: tuple[str, str, str | None] | None
) -> None:
    found = await people(f"# Quillport\n\n{text}", path="/")

    assert found == ([("Eva Sund", *expected)] if expected else [])


STACK = {
    "We use Snowflake and Looker for our reports.": {("Snowflake", "uses"), ("Looker", "uses")},
    "Quillport is built on Postgres.": {("Postgres", "uses")},
    "Our planner integrates with Salesforce and Slack.": {("Salesforce", "sells"), ("Slack", "sells")},
    "We partnered with Northgate Harbours last year.": {("Northgate Harbours", "partner")},
    "Quillport is ISO 9001 certified.": {("ISO 9001", "certificate")},
    "We don’t use Snowflake.": set[tuple[str, str]](),
    "Unlike Salesforce, our planner is quiet.": set[tuple[str, str]](),
    "We help your team become SOC 2 compliant.": set[tuple[str, str]](),
    "Does the planner integrate with Salesforce?": set[tuple[str, str]](),
}


@pytest.mark.parametrize("sentence", sampled(tuple(STACK), lambda text: "Snowflake" in text or "ISO" in text))
async def test_a_tool_has_the_relation_that_the_sentence_states(sentence: str) -> None:
    answer = await read(f"# Planner\n\n{sentence}", path="/product/planner")

    assert {(found.name, found.relation) for found in answer.integrations} == STACK[sentence]


async def test_the_tools_of_a_customer_are_not_those_of_the_company() -> None:
    story = "# How Tidewell sails with Quillport\n\nTidewell uses Snowflake, and they started off with Heroku."
    answer = await read(story, path="/customers/tidewell")

    assert {(found.name, found.relation) for found in answer.integrations} == {
        ("Snowflake", "customer_uses"),
        ("Heroku", "customer_uses"),
    }


async def test_facts_from_a_customer_story_name_the_customer() -> None:
    story = "# How Tidewell cut repairs by 40% with Quillport\n\nThey had three old ferries that were slow to repair."
    answer = await read(story, path="/customers/tidewell")

    facts = [(fact.topic, fact.text) for fact in answer.facts]
    assert ("customers", "How Tidewell cut repairs by 40% with Quillport") in facts
    assert ("customers", "Tidewell: They had three old ferries that were slow to repair.") in facts


@pytest.mark.parametrize(
    ("sentence", "topic"),
    [
        ("We raised $9 million from Northgate for a yard.", "funding"),
        ("Our staff of 380 works in two yards.", "team"),
        ("Quillport was founded in 1961 by two brothers.", "history"),
        ("We are hiring welders for the older yard.", "hiring"),
        ("Our goal is a ferry that nobody hears.", "business"),
        ("We also provide everyone with $200 for a bicycle.", None),
        ("Speed is a value, and that includes hiring.", None),
        ("Kevin loves Quillport because of its offices in Oslo.", None),
    ],
)
async def test_a_fact_is_about_the_company_and_filed_under_its_topic(sentence: str, topic: str | None) -> None:
    facts = (await read(f"# About\n\n{sentence}")).facts

    assert [fact.topic for fact in facts] == ([topic] if topic else [])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/about", "We should all listen to the harbour."),
        ("/about", "Let’s get started with what Quillport offers."),
        ("/product/planner", "- Imprint: legal entity details and registered address."),
        ("/product/planner", "## Legal documents\n\n- Data policy: what the planner collects and how it is stored."),
        ("/product/planner", "- Solutions used for internal purposes are not covered by law"),
        ("/blog/quiet", "Even in the week we launched, other products of ours sold better."),
        ("/blog/quiet", "We had an audience of 1,000 people and 601 upvotes when we launched."),
    ],
)
async def test_text_that_states_nothing_about_the_company_gives_no_fact_and_no_event(path: str, text: str) -> None:
    answer = await read(f"# The planner\n\n{text}", path=path)

    assert [fact.topic for fact in answer.facts if fact.topic in {"offering", "initiative"}] == []
    assert answer.triggers == ()


async def test_a_filled_job_is_neither_open_nor_a_sign_of_hiring() -> None:
    careers = "# Welder\n\nWe are looking for a welder to join us.\n\n"
    assert [found.kind for found in (await read(careers, path="/careers/welder")).triggers] == ["job_opening"]

    closed = await read(f"{careers}This position has now been filled.", path="/careers/welder")
    assert closed.triggers == ()
    assert [fact.topic for fact in closed.facts] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Until last year our website was built with Gatsby.",
        "As an exercise we use Rust and PostgreSQL.",
        "We deliver an enterprise deployment of Kubernetes based on our own Kubernetes.",
        "Our planner will soon integrate with Salesforce.",
        "Partnering with Quillport is built into how we work.",
    ],
)
async def test_past_planned_and_sold_tools_are_not_integrations(sentence: str) -> None:
    assert (await read(f"# Planner\n\n{sentence}", path="/product/planner")).integrations == ()


async def test_an_event_takes_its_own_date_from_a_sentence_with_two_dates() -> None:
    answer = await read("# Story\n\nQuillport was founded in 2020 and in early 2021 we raised $13 million.")

    assert [(found.kind, found.date) for found in answer.triggers] == [("funding", "2021")]


async def test_a_company_is_known_by_its_short_name() -> None:
    assert short_name("Quillport Analytics, Inc.") == "Quillport"
    assert short_name("Make More Music") == "Make More Music"
