"""Playbooks by the extractive model: quoted people, the age of statements, and the sentences used in sales copy."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from matrix import sampled
from scripted import PROSPECT, PROSPECT_TEXTS, VENDOR, VENDOR_TEXTS, ScriptedSource, Stage, Written, pages

from octave_mcp.asks.prompts import ask_for
from octave_mcp.domain.asks import ReadingBrief
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.playbook import Playbook, SummaryDraft
from octave_mcp.domain.prospect import ProspectAnswer
from octave_mcp.domain.value import Value, only
from octave_mcp.domain.vendor import ProofPoint
from octave_mcp.errors import BadAnswer
from octave_mcp.models.extractive.model import Extractive
from octave_mcp.models.extractive.quoting import stands_alone

PLAYBOOKS: dict[str, Playbook] = {}


async def playbook_with(
    home: Path, vendor: dict[str, str] | None = None, prospect: dict[str, str] | None = None
) -> Playbook:
    """Return a playbook about the invented companies, with these additional or changed pages. Playbooks are cached."""
    key = repr((vendor, prospect))
    if key not in PLAYBOOKS:
        PLAYBOOKS[key] = await generated(home, vendor, prospect)
    return PLAYBOOKS[key]


async def generated(home: Path, vendor: dict[str, str] | None, prospect: dict[str, str] | None) -> Playbook:
    sites = {
        VENDOR: pages(VENDOR, VENDOR_TEXTS | (vendor or {}), name="Lumenforge"),
        PROSPECT: pages(PROSPECT, PROSPECT_TEXTS | (prospect or {}), name="Quillport"),
    }
    return await Stage(home, source=ScriptedSource(sites)).playbook(model="extractive")


def praise(playbook: Playbook) -> list[ProofPoint[str]]:
    return [point for point in playbook.vendor_elements.proof_points if point.kind == "testimonial"]


def openers_and_reasons(playbook: Playbook) -> str:
    """Return the texts about the prospect: reasons to buy now, e-mails, calls and pain points."""
    texts = [sentence.text for sentence in playbook.executive_summary.why_now]
    texts += [touch.body for sequence in playbook.email_sequences for touch in sequence.touches]
    texts += [sentence.text for track in playbook.talk_tracks for sentence in (*track.pitch, *track.cold_call.opener)]
    texts += [pain.text for pain in playbook.prospect_intelligence.pain_points]
    return "\n".join(texts)


def facts(playbook: Playbook) -> list[str]:
    return [fact.text for fact in playbook.prospect_intelligence.company_profile.facts]


STORY = """# Brassmere cut rework by 31% with Lumenforge

"Many halls are dark," said Lumenforge's founder Ada Quist in a talk. Now, Lumenforge is loved by Brassmere's crews!

“We drill once,” said Bo Lindqvist, Crew Lead at Brassmere. Lumenforge has helped us draw that very quickly.

> “Lumenforge is the best tool we have. Nobody drills twice.”
> — Cay Holm, Head of Works, Brassmere
"""


async def test_praise_is_taken_only_from_the_speakers_own_quotation(tmp_path: Path) -> None:
    playbook = await playbook_with(tmp_path, vendor={"/customers/brassmere": STORY})

    speakers = {point.text: point.person for point in praise(playbook)}
    assert speakers == {"Lumenforge is the best tool we have. Nobody drills twice.": "Cay Holm"}


async def test_all_lines_of_a_quotation_belong_to_its_speaker(tmp_path: Path) -> None:
    story = '# Brassmere cut rework by 31% with Lumenforge\n\n> We drill once.\n> Lumenforge has "helped" us most.\n'
    playbook = await playbook_with(
        tmp_path, vendor={"/customers/brassmere": f"{story}> — Cay Holm, Head of Works, Brassmere"}
    )

    assert [(p.text, p.person) for p in praise(playbook)] == [('Lumenforge has "helped" us most.', "Cay Holm")]


RELEASE = """# Quillport raises money for a yard

Quillport has raised $9 million from Northgate. We want to build faster in two yards.

“We plan to grow a team that checks every weld twice,” said Quillport CEO Mia Dahl.

"Our problem was a hall that is too slow," explains Ed Brandt, co-founder of Rivermark. "We lost 41 orders to it."

This time, we speak to Eva Sund, Co-founder and CTO of Pilotgate.

### About Quillport

Quillport has 380 people, and we need to hire welders for both yards.

### About Northgate Growth Fund

Our goal is to support founders. We want to create growth for founders and their companies.
"""
HEADINGS = ("### About Northgate Growth Fund", "About Northgate Growth Fund")


@pytest.mark.parametrize("heading", sampled(HEADINGS, lambda heading: heading == HEADINGS[0]))
async def test_what_others_say_about_themselves_is_not_attributed_to_the_prospect(tmp_path: Path, heading: str) -> None:
    release = RELEASE.replace("### About Northgate Growth Fund", heading)
    playbook = await playbook_with(tmp_path, prospect={"/about/yard": release})

    text = f"{openers_and_reasons(playbook)}\n{facts(playbook)}"
    assert "growth for founders" not in text
    assert "support founders" not in text
    assert "too slow" not in text
    assert "41 orders" not in text
    assert "Eva Sund" not in text
    assert "we need to hire welders" in text
    assert "checks every weld twice" in text


TIMELINE = """# Quillport over time

We want to plan the work of both yards in one place.

## Sep 2021: Growth

Our growth is fast, and we need to hire faster than in any other year. We're 300 people in 12 countries.

## Jun 2020: More

Our team has now grown to 250 people in 10 countries.
"""


async def test_text_under_an_old_date_is_neither_a_need_nor_an_opener(tmp_path: Path) -> None:
    playbook = await playbook_with(tmp_path, prospect={"/about/timeline": TIMELINE})

    copy = openers_and_reasons(playbook)
    assert "one place" in copy
    assert "we need to hire" not in copy
    assert "300 people" not in copy


async def test_the_newest_of_contradicting_counts_is_used_with_its_date(tmp_path: Path) -> None:
    playbook = await playbook_with(tmp_path, prospect={"/about/timeline": TIMELINE})

    counted = [fact for fact in playbook.prospect_intelligence.company_profile.facts if "countries" in fact.text]
    assert [fact.text for fact in counted] == ["We're 300 people in 12 countries."]
    assert playbook.evidence[counted[0].evidence[0]].published_on == date(2021, 9, 30)


FOUNDING = """# Quillport

## Our story

We started working together in a shed with the first idea being a fast ferry. We knew that we had too many ships.

We want to ship every hull faster than today.

## Why

Many engineers struggle to understand what too slow a ferry costs their users, and we built for them.
"""
HOME = """# Ships are built here

Quillport builds and repairs ferries in two yards.

## Features

### Berth flags

Toggle berths for cohorts or captains to test the impact before rolling out to everyone.

### Deck monitor

Running checks on your own deck reduces the risk of outages and makes compliance easier.
"""


async def test_founding_stories_and_problems_of_a_market_are_not_needs_of_the_company(tmp_path: Path) -> None:
    playbook = await playbook_with(tmp_path, prospect={"/about": FOUNDING})

    copy = openers_and_reasons(playbook)
    assert "ship every hull" in copy
    assert "first idea" not in copy
    assert "too many ships" not in copy
    assert "struggle" not in copy


async def test_features_that_the_prospect_sells_are_neither_needs_nor_openers(tmp_path: Path) -> None:
    playbook = await playbook_with(tmp_path, prospect={"/": HOME})

    copy = openers_and_reasons(playbook)
    assert "Toggle berths" not in copy
    assert "makes compliance easier" not in copy


@pytest.mark.parametrize(
    ("text", "is_funding"),
    [
        ("Quillport has raised $28 million from Corriden Partners.", True),
        ("Quillport raised its second round of capital.", True),
        ("A first alarm of our own runs in one yard and raises too many false alerts.", False),
        ("Our crews raised 40 lamps in the older yard.", False),
    ],
)
async def test_only_a_sentence_that_names_an_amount_round_or_investor_is_funding(
    tmp_path: Path, text: str, *, is_funding: bool
) -> None:
    playbook = await playbook_with(tmp_path, prospect={"/about": f"# About Quillport\n\n{text}"})

    funding = [fact.text for fact in playbook.prospect_intelligence.company_profile.facts if fact.topic == "funding"]
    assert funding == ([text] if is_funding else [])


async def test_a_promise_under_a_generic_heading_takes_the_title_of_its_page(tmp_path: Path) -> None:
    planner = "# Shadow planner\n\nIt draws halls.\n\n## Features\n\nYou see every shadow before you drill a hole."
    playbook = await playbook_with(tmp_path, vendor={"/product/planner": planner})

    titles = {value.text: value.title for value in playbook.vendor_elements.value_propositions}
    assert titles["You see every shadow before you drill a hole."] == "Shadow planner"


@pytest.mark.parametrize("wall", ["/", "/security"])
async def test_a_customer_with_a_story_is_shown_as_such_even_if_its_logo_is_also_read(
    tmp_path: Path, wall: str
) -> None:
    logos = f"{VENDOR_TEXTS[wall]}\n\n## Trusted by\n\nLOGOS Brassmere, Millfold"
    playbook = await playbook_with(tmp_path, vendor={"/customers": "# Customers", wall: logos})

    shown_as = {customer.name: customer.shown_as for customer in playbook.vendor_elements.reference_customers}
    assert shown_as["Brassmere"] == "story"
    assert shown_as["Millfold"] == "logo"


async def test_an_opener_that_states_no_need_is_not_followed_by_an_inference(tmp_path: Path) -> None:
    only = dict.fromkeys(PROSPECT_TEXTS, "# Page\n\nNothing here.")
    about = "# About\n\nOur staff of 380 sails on every coast of the north."
    playbook = await playbook_with(tmp_path, prospect={**only, "/about": about})

    first = [sequence.touches[0] for sequence in playbook.email_sequences]
    quoting = [touch for touch in first if "every coast of the north" in touch.body]
    assert quoting
    assert not [s for touch in quoting for s in touch.sentences if s.kind == "inference"]


@pytest.mark.parametrize(
    "text",
    [
        "Self-hosting on Lumenforge just took that whole problem away.",
        "Now, Lumenforge is used by Brassmere to improve many of its halls!",
        "As a result, we need to hire.",
        "Our revenue has quickly risen as a result, now we need to hire.",
        "It plans a hall in an hour.",
        "We use it for most of our halls.",
        "Behind the scenes, Lumenforge is powering that.",
        "Lumenforge made that very straightforward.",
        "Lumenforge reported what we know to be the true figure, 8,169.",
        "We will not solve this by hiring alone.",
        "These halls are dark.",
        "2 weeks later, we had 1,500 lamps.",
        "Other times, Lumenforge helps us answer questions.",
    ],
)
def test_a_sentence_that_refers_to_another_does_not_stand_alone(text: str) -> None:
    assert not stands_alone(text)


@pytest.mark.parametrize(
    "text",
    [
        "Lumenforge helped us and it just works.",
        "We want to open two yards this year.",
        "The fact that Lumenforge is open was really helpful.",
        "Lumenforge cut rework as a result of better plans.",
        "Our customers want to know that their ferry leaves on time.",
        "We thank those who sail with us.",
    ],
)
def test_a_self_contained_sentence_stands_alone(text: str) -> None:
    assert stands_alone(text)


async def test_praise_that_refers_to_the_sentence_before_is_quoted_with_it(tmp_path: Path) -> None:
    story = "# Brassmere cut rework by 31% with Lumenforge\n\n> We drilled twice. Lumenforge just made that better.\n"
    playbook = await playbook_with(
        tmp_path, vendor={"/customers/brassmere": f"{story}> — Cay Holm, Head of Works, Brassmere"}
    )

    assert [point.text for point in praise(playbook)] == ["We drilled twice. Lumenforge just made that better."]


async def test_a_quotation_that_does_not_stand_alone_is_listed_as_praise_but_not_used_in_copy(tmp_path: Path) -> None:
    story = "# Brassmere cut rework by 31% with Lumenforge\n\n> Lumenforge just took that whole problem away.\n"
    playbook = await playbook_with(
        tmp_path, vendor={"/customers/brassmere": f"{story}> — Cay Holm, Head of Works, Brassmere"}
    )

    assert [point.text for point in praise(playbook)] == ["Lumenforge just took that whole problem away."]
    assert not any("whole problem" in touch.body for s in playbook.email_sequences for touch in s.touches)


TEAM = """# About Quillport

## Team

- Ada Quist, Cofounder
- Bo Lindqvist, Engineering
- Cay Holm, Marketing
- Dan Berg, Software Engineer
"""


async def test_a_persona_has_the_title_that_the_site_gives_and_not_a_higher_one(tmp_path: Path) -> None:
    quiet = dict.fromkeys(PROSPECT_TEXTS, "# Page\n\nNothing here.")
    playbook = await playbook_with(tmp_path, prospect={**quiet, "/about": TEAM})

    titles = {persona.contact: persona.title for persona in playbook.priority_personas if persona.contact}
    assert titles == {
        "Ada Quist, Cofounder": "Cofounder",
        "Bo Lindqvist, Engineering": "Engineering team",
        "Cay Holm, Marketing": "Marketing team",
    }


async def test_why_a_person_cares_is_an_inference_even_if_the_site_names_the_person(tmp_path: Path) -> None:
    playbook = await playbook_with(tmp_path, prospect={"/about": TEAM})

    assert any(not persona.inferred for persona in playbook.priority_personas)
    assert {persona.why_they_care.kind for persona in playbook.priority_personas} == {"inference"}


class Riddle(Value):
    riddle: str


async def test_an_answer_type_without_a_rule_is_refused() -> None:
    brief = ReadingBrief(role="vendor", company="Acme", domain="acme.com", counterpart="", context="")
    ask = ask_for(("vendor/offerings",), language="en", brief=brief, passages=(), answer=Riddle)

    with pytest.raises(BadAnswer, match="'Riddle'"):
        await Extractive().answer(ask)


@pytest.mark.parametrize("whole", [ProspectAnswer[Cite], SummaryDraft[Cite]])
async def test_the_answer_to_an_ask_for_some_fields_equals_these_fields_of_the_whole_answer(
    whole: type[Value], plain: Written
) -> None:
    ask = next(ask for ask in plain.asked if ask.answer is whole)
    entire = (await Extractive().answer(ask)).value

    for name in whole.model_fields:
        narrow = ask.model_copy(update={"answer": only(whole, (name,))})
        assert dict((await Extractive().answer(narrow)).value) == {name: getattr(entire, name)}
    assert any(dict(entire).values())
